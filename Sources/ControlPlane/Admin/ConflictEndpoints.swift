import Clustering
import Hummingbird
import Logging
import Publishing
import Routing

extension AdminServer {
  /// `GET /v1/conflicts[?limit=[&cursor=]]`: targets of which operators have said different things
  /// that did not know of each other. The safer word holds until somebody settles which it is.
  func conflictList(_ request: Request) async throws -> Response {
    struct Conflict: Encodable {
      var target: String
      /// What holds: `auto` where nothing is asked for.
      var state: String
      var dial: Double?
      var words: [WordReport]
    }
    struct List: Encodable {
      var conflicts: [Conflict]
    }
    let entries = await sources.sharedOverrides?.entries() ?? []
    let page = try Page(entries.filter { !$0.conflict.isEmpty }, of: request) {
      $0.target.description
    }
    let conflicts = page.elements.map { entry in
      Conflict(
        target: entry.target.description,
        state: (entry.override?.state ?? .auto).rawValue, dial: entry.override?.dial,
        words: entry.conflict.map(WordReport.init))
    }
    return try Response.cacheable(
      json: List(conflicts: conflicts), for: request, headers: page.headers)
  }

  /// `POST /v1/conflicts/{target}/acknowledge`: what holds is what is meant.
  func acknowledgeConflict(_ request: Request, by author: String) async throws -> Response {
    let path = request.uri.path.dropFirst("/v1/conflicts/".count)
    let verb = "/acknowledge"
    guard path.hasSuffix(verb) else {
      throw Problem(.notFound, "a path is /v1/conflicts/TARGET/acknowledge")
    }
    let target = try target(path.dropLast(verb.count))
    let entry = await sources.sharedOverrides?.entries().first { $0.target == target }
    guard let shared = sources.sharedOverrides, let entry, !entry.conflict.isEmpty else {
      throw Problem(.notFound, "there is no conflict about \(target)")
    }
    var override =
      entry.override
      ?? Override(
        target: target, state: .auto, reason: "acknowledged", author: author, expiresAt: nil,
        setAt: sources.now())
    override.setAt = sources.now()
    do {
      let settled = try await shared.say(override)
      logger.notice(
        "conflict acknowledged",
        metadata: [
          "target": "\(target)", "state": "\(override.state.rawValue)", "token": "\(author)",
        ])
      return try Response.json(OverrideReport(settled.override ?? override, settled))
    } catch let refusal as SharedOverrideRefusal {
      throw Problem(refusal, target: target)
    }
  }
}

extension Problem {
  init(_ refusal: SharedOverrideRefusal, target: Override.Target) {
    switch refusal {
    case .lost(let winner?):
      let dial = winner.dial.map { ", dial \(Int(($0 * 100).rounded()))%" } ?? ""
      self.init(
        .conflict,
        "another operator was first: \(target) is \(winner.state.rawValue)\(dial), by "
          + "\(winner.author): \(winner.reason)", type: .overtaken)
    case .lost(nil):
      self.init(
        .conflict, "another operator was first: what was said of \(target) is taken back",
        type: .overtaken)
    case .refused(let reason):
      self.init(
        .serviceUnavailable, "the fleet's store does not take it: \(reason)",
        type: .storeUnavailable)
    }
  }
}
