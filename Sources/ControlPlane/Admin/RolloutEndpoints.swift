import Clustering
import HTTPTypes
import Hummingbird
import Logging
import Settings

/// A new text of a layer, region by region.
extension AdminServer {
  /// `GET /v1/rollout`.
  func rollout(_ request: Request) async throws -> Response {
    guard let report = try await rollouts.report() else { throw Problem(RolloutRefusal.absent) }
    return try Response.json(report)
  }

  /// `PUT /v1/rollout`: 201 where it has begun. There is one at a time.
  func beginRollout(_ request: Request, by author: String) async throws -> Response {
    let rollouts = try rollouts
    var query = QueryReader(request, known: ["dry_run", "force"])
    let isDry = query.flag("dry_run")
    let isForced = query.flag("force")
    guard query.errors.isEmpty else { throw query.problem }
    try checkIsJSON(request)
    let bytes = try await request.bytes(atMost: RolloutBody.maximumByteCount)
    let body = try RolloutBody(bytes, hasPlan: true, author: author)
    guard let plan = body.plan else { throw Problem(.internalServerError, "there is no plan") }
    let proposal: LayerProposal
    do throws(RolloutRefusal) {
      proposal = try await rollouts.begin(
        plan, text: body.text, by: body.word, isDry: isDry, isForced: isForced)
    } catch {
      throw Problem(error)
    }
    if !isDry {
      log("begin", body.word, author, ["layer": "\(plan.layer)", "forced": "\(isForced)"])
    }
    return try Response.json(
      BeginReport(
        layer: "\(plan.layer)", order: plan.order, dryRun: isDry, changes: proposal.changes,
        faults: proposal.faults.map(Problem.Item.init)), status: isDry ? .ok : .created)
  }

  /// `POST /v1/rollout/{stop,resume,abandon,finish}`.
  func changeRollout(_ request: Request, by author: String) async throws -> Response {
    let rollouts = try rollouts
    guard let verb = Self.rolloutVerb(request) else {
      let verbs = RolloutVerb.allCases.map(\.rawValue).joined(separator: ", ")
      throw Problem(.notFound, "a rollout has \(verbs)")
    }
    var query = QueryReader(request, known: ["force"])
    let isForced = query.flag("force")
    guard query.errors.isEmpty else { throw query.problem }
    try checkIsJSON(request)
    let bytes = try await request.bytes(atMost: RolloutBody.maximumByteCount)
    let body = try RolloutBody(bytes, hasPlan: false, author: author)
    do throws(RolloutRefusal) {
      try await rollouts.change(verb, by: body.word, isForced: isForced)
    } catch {
      throw Problem(error)
    }
    log(verb.rawValue, body.word, author, ["forced": "\(isForced)"])
    return Response(status: .noContent)
  }

  /// What makes a text run in more places changes the configuration; to stop it, or to give it up,
  /// is for whoever watches.
  func rolloutAccess(_ request: Request) -> Access {
    switch Self.rolloutVerb(request) {
    case .resume, .finish: .holders(of: .admin)
    case .stop, .abandon, nil: .holders(of: .operate)
    }
  }

  private static func rolloutVerb(_ request: Request) -> RolloutVerb? {
    RolloutVerb(rawValue: String(request.uri.path.dropFirst("/v1/rollout/".count)))
  }

  private var rollouts: any SharedRollouts {
    get throws(Problem) {
      guard let rollouts = sources.rollouts else {
        throw Problem(
          .notFound, "this node is in no fleet: there is nobody to roll anything out to",
          type: .notConfigured)
      }
      return rollouts
    }
  }

  private func log(
    _ what: String, _ word: Rollout.Word, _ token: String, _ about: Logger.Metadata
  ) {
    let said: Logger.Metadata = [
      "author": "\(word.author)", "reason": "\(word.reason)", "token": "\(token)",
    ]
    logger.notice("rollout: an operator's word: \(what)", metadata: about.merging(said) { $1 })
  }
}

private struct BeginReport: Encodable {
  var layer: String
  var order: [[String]]
  /// Nothing was begun.
  var dryRun: Bool
  var changes: [LayerProposal.Change]
  var faults: [Problem.Item]
}

extension Problem {
  init(_ refusal: RolloutRefusal) {
    switch refusal {
    case .underWay:
      self.init(
        .conflict, "another rollout is under way: there is one at a time",
        type: .rolloutUnderWay,
        headers: [.location: "/v1/rollout"])
    case .absent: self.init(.notFound, "there is no rollout")
    case .faults(let faults, let isUnfit):
      self.init(
        .unprocessableContent,
        isUnfit
          ? "this cannot be rolled out" : "nodes would refuse it; if that is meant: ?force=true",
        type: .faults,
        errors: faults.map(Problem.Item.init))
    case .conflict(let reason): self.init(.conflict, reason, type: .rolloutState)
    case .lost: self.init(.conflict, "somebody else was first; look again", type: .overtaken)
    case .store(let fault): self.init(fault)
    }
  }
}
