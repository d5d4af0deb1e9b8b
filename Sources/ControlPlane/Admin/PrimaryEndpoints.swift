import Admitting
import Hummingbird
import Logging
import Publishing
import Routing
import Settings

extension AdminServer {
  /// `GET /v1/primaries[?limit=[&cursor=]]`.
  func primaryList(_ request: Request) async throws -> Response {
    struct List: Encodable {
      var primaries: [PrimaryBody]
    }
    let now = sources.now()
    let page = try Page(await sources.publisher.primaryReports, of: request) { $0.service }
    return try Response.json(
      List(primaries: page.elements.map { PrimaryBody($0, now: now) }), headers: page.headers)
  }

  /// `POST /v1/primaries/{service}/promote` and `…/failback`.
  func changePrimary(_ request: Request, by author: String) async throws -> Response {
    let parts = request.uri.path.split(separator: "/").map(String.init)
    guard parts.count == 4, ["promote", "failback"].contains(parts[3]) else {
      throw Problem(.notFound, "a path is /v1/primaries/SERVICE/promote or …/failback")
    }
    let isPromotion = parts[3] == "promote"
    let bytes = try await request.bytes(atMost: Self.maximumBodyByteCount)
    if !bytes.isEmpty { try checkIsJSON(request) }
    let wish = try PrimaryWish(bytes, isPromotion: isPromotion)
    do {
      let report = try await makePrimary(wish, ofService: parts[2])
      logger.notice(
        isPromotion ? "promotion" : "fail-back",
        metadata: [
          "service": "\(report.service)", "region": "\(report.region)",
          "epoch": "\(report.epoch)", "accepted_loss": "\(wish.acceptanceText)",
          "reason": "\(wish.reason)", "token": "\(author)",
        ])
      return try Response.json(PrimaryBody(report, now: sources.now()))
    } catch let refusal as PrimaryRefusal {
      throw Problem(refusal, service: parts[2])
    }
  }
}

extension AdminServer {
  /// By the fleet, if there is one.
  private func makePrimary(
    _ wish: PrimaryWish, ofService service: String
  ) async throws(PrimaryRefusal) -> PrimaryReport {
    if let makePrimary = sources.makeSharedPrimary {
      return try await makePrimary(wish.region, service, wish.acceptance, wish.epoch)
    }
    return try await sources.publisher.makePrimary(
      wish.region, ofService: service, accepting: wish.acceptance, epoch: wish.epoch)
  }
}

/// The body of a change: `{"region": "dublin", "accept_data_loss": "40s", "epoch": 7,
/// "reason": "…"}`; of a fail-back without a region, and it may be missing.
struct PrimaryWish {
  private(set) var region: String?
  private(set) var acceptance = PrimaryStateMachine.Acceptance.nothing
  private(set) var acceptanceText = "none"
  private(set) var epoch: UInt64?
  private(set) var reason = ""

  /// - Throws: 400 where it is no JSON object, 422 with every member that is wrong.
  init(_ bytes: [UInt8], isPromotion: Bool) throws(Problem) {
    var members: [String: JSONValue] = [:]
    if !bytes.isEmpty {
      guard case .object(let given)? = JSONValue(bytes: bytes) else {
        throw Problem(.badRequest, "the body is not a JSON object")
      }
      members = given
    }
    var errors: [Problem.Item] = []
    let known = ["accept_data_loss", "epoch", "reason"] + (isPromotion ? ["region"] : [])
    for key in members.keys.sorted() where !known.contains(key) {
      let list = known.sorted().joined(separator: ", ")
      errors.append(Problem.Item(detail: "unknown member \(key); known are \(list)"))
    }
    func report(_ key: String, _ detail: String) {
      errors.append(Problem.Item(detail: detail, pointer: "/\(key)"))
    }
    if isPromotion {
      if case .string(let name)? = members["region"] {
        region = name
      } else {
        report("region", "wants the name of a region")
      }
    }
    switch members["accept_data_loss"] {
    case nil: break
    case .string("any"): (acceptance, acceptanceText) = (.anything, "any")
    case .string(let text):
      if let loss = parsedDuration(text) {
        (acceptance, acceptanceText) = (.upTo(loss), text)
      } else {
        fallthrough
      }
    default: report("accept_data_loss", "wants a duration such as \"40s\", or \"any\"")
    }
    if let value = members["epoch"] {
      if case .number(let number) = value, number >= 1, number < 0x1p53, number.rounded() == number
      {
        epoch = UInt64(number)
      } else {
        report("epoch", "wants the epoch that this is about, a whole number")
      }
    }
    if let value = members["reason"] {
      if case .string(let text) = value,
        text.unicodeScalars.count <= OverrideBody.maximumTextCount,
        !text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control })
      {
        reason = text
      } else {
        report("reason", "wants one line of up to \(OverrideBody.maximumTextCount) characters")
      }
    }
    guard errors.isEmpty else {
      throw Problem(.unprocessableContent, "the request is not understood", errors: errors)
    }
  }
}

extension Problem {
  fileprivate init(_ refusal: PrimaryRefusal, service: String) {
    switch refusal {
    case .unknownService:
      self.init(.notFound, "there is no service \(service) with a policy of type primary")
    case .handingOver: self = .handingOver
    case .epochHasChanged(let epoch):
      self.init(.conflict, "the epoch is \(epoch) by now", type: .overtaken)
    case .lost(let winner):
      self.init(
        .conflict,
        "another operator or node was first: \(winner.region) is the primary, with the epoch "
          + "\(winner.epoch)", type: .overtaken)
    case .storeIsLost:
      self.init(
        .serviceUnavailable,
        "the fleet's store does not answer, and primaries stay as they are meanwhile; look at "
          + "/v1/primaries before you ask again", type: .storeUnavailable)
    case .storeRefuses(let reason):
      self.init(
        .serviceUnavailable, "the fleet's store does not take it: \(reason)",
        type: .storeUnavailable)
    case .refused(.notInOrder(let region)):
      self.init(
        .conflict, "\(region) is not in the order of the service's policy", type: .cannotBePrimary)
    case .refused(.isPrimary(let region)):
      self.init(.conflict, "\(region) is the primary already", type: .cannotBePrimary)
    case .refused(.isNotUp(let region, let standing)):
      self.init(.conflict, "\(region) is \(standing.word)", type: .cannotBePrimary)
    case .refused(.lag(let region, let lag, let limit)):
      let most = limit / .seconds(1)
      guard let lag else {
        self.init(
          .conflict,
          "the lag of \(region) is not known, and the rpo is \(most) s; to go on all the "
            + "same: \"accept_data_loss\": \"any\"", type: .dataLoss)
        return
      }
      let seconds = lag / .seconds(1)
      self.init(
        .conflict,
        "\(region) is \(seconds) s behind, more than the rpo of \(most) s; to go on all "
          + "the same: \"accept_data_loss\": \"\(Int(seconds.rounded(.up)))s\"", type: .dataLoss)
    }
  }
}

/// An active-passive service as the API shows it.
private struct PrimaryBody: Encodable {
  struct Candidate: Encodable {
    var region: String
    /// By health and overrides alone.
    var health: String
    /// As it was measured last; nil: never.
    var lagSeconds: Double?
    var lagAgeSeconds: Double?
  }

  var service: String
  var region: String
  var epoch: UInt64
  /// `primary`, `failed_over`, `awaiting_failback` or `awaiting_operator`.
  var state: String
  /// An operator promoted the region: it stays, whatever recovers.
  var chosen: Bool
  /// While clients return gradually: where the others still are, and the share of the primary.
  var former: String?
  var share: Double
  /// This node has chosen the region while the fleet's store did not answer.
  var unreplicated: Bool
  /// The fleet's store does not answer: nothing changes by itself.
  var frozen: Bool
  var order: [Candidate]

  init(_ report: PrimaryReport, now: Double) {
    service = report.service
    region = report.region
    epoch = report.epoch
    state = report.state.rawValue
    chosen = report.isChosen
    former = report.former
    share = report.share
    unreplicated = report.isUnreplicated
    frozen = report.isFrozen
    order = report.candidates.map { candidate in
      Candidate(
        region: candidate.name, health: candidate.standing.word,
        lagSeconds: candidate.lag.map { $0.duration / .seconds(1) },
        lagAgeSeconds: candidate.lag.map {
          ((now - $0.measuredAt / .seconds(1)) * 1000).rounded() / 1000
        })
    }
  }
}
