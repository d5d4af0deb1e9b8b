import Hummingbird

/// What kind of problem it is, where its status does not say all that a program has to know
/// (RFC 9457 §3.1.1). The raw value is the last part of the type's URI, and never changes.
package enum ProblemType: String, Sendable, CaseIterable {
  case notUnderstood = "not-understood"
  case faults
  case tokenMissing = "token-missing"
  case tokenWrong = "token-wrong"
  case tooManyWrongTokens = "too-many-wrong-tokens"
  case scopeTooNarrow = "scope-too-narrow"
  case noTokens = "no-tokens"
  case unknownHost = "unknown-host"
  case foreignOrigin = "foreign-origin"
  case notConfigured = "not-configured"
  case notServed = "not-served"
  case notSteered = "not-steered"
  case safetyRule = "safety-rule"
  case overtaken
  case notHeld = "not-held"
  case cannotBePrimary = "cannot-be-primary"
  case dataLoss = "data-loss"
  case rolloutUnderWay = "rollout-under-way"
  case rolloutState = "rollout-state"
  case storeUnavailable = "store-unavailable"
  case storeForbids = "store-forbids"
  case handingOver = "handing-over"
  case notReady = "not-ready"
  case busy

  /// Where the node itself explains it: every server that can answer with it does. Relative ones
  /// are whole paths (RFC 9457 §3.1.1).
  package var uri: String { "/problems/\(rawValue)" }

  /// The same for every occurrence.
  package var title: String { text.title }

  /// What it means, and what to do.
  package var explanation: String { "\(text.meaning)\n\(text.remedy)" }

  /// What a person reads at its URI.
  package var page: String { "\(title)\n\n\(explanation)\n" }

  private typealias Text = (title: String, meaning: String, remedy: String)

  private var text: Text {
    switch self {
    case .notUnderstood, .faults, .notConfigured, .notServed, .notSteered: questionText
    case .tokenMissing, .tokenWrong, .tooManyWrongTokens, .scopeTooNarrow, .noTokens,
      .unknownHost, .foreignOrigin:
      doorText
    case .safetyRule, .overtaken, .notHeld, .cannotBePrimary, .dataLoss, .rolloutUnderWay,
      .rolloutState:
      conflictText
    case .storeUnavailable, .storeForbids, .handingOver, .notReady, .busy: stateText
    }
  }

  /// What was asked is wrong, or wrong here.
  private var questionText: Text {
    switch self {
    case .faults:
      (
        "The configuration has faults",
        "A configuration or a database has faults, and nothing of it was taken.",
        "Mend what errors lists, each with its file, line and path, and ask again."
      )
    case .notConfigured:
      (
        "Nothing of this kind is configured",
        "The node's configuration has nothing that this path could show or change.",
        "Ask another node, or configure what detail names."
      )
    case .notServed:
      (
        "The node does not serve this",
        "No zone of the node has the name, or it has no such listener or service.",
        "Look for it among /v1/zones and in the configuration."
      )
    case .notSteered:
      (
        "Nothing is decided here",
        "The name has the same records for every client, or the listener needs a server name.",
        "Ask for a steered name, or give server_name as detail says."
      )
    default:
      (
        "The request is not understood",
        "A parameter, a header or a member of the body is not as the API has it.",
        "Mend what errors lists, each with its parameter or its pointer into the body; "
          + "/v1/openapi.json has the forms."
      )
    }
  }

  /// Who asks may not.
  private var doorText: Text {
    switch self {
    case .tokenWrong:
      (
        "The token is wrong", "The token is none of admin.tokens of the node's configuration.",
        "Ask with one that is; azimuth token new makes one."
      )
    case .tooManyWrongTokens:
      (
        "Too many wrong tokens",
        "Too many wrong tokens came from this address, and none that comes from it is looked at.",
        "Wait as long as Retry-After says, and find out who shows them."
      )
    case .scopeTooNarrow:
      (
        "The token's scope is too narrow",
        "The token is good, but what was asked wants one of a wider scope.",
        "Ask with a token of the scope that detail names."
      )
    case .noTokens:
      (
        "No token may do this",
        "The node's configuration has no token that may do this, so that nobody can over HTTP.",
        "Set admin.tokens in the configuration of the node, and reload it."
      )
    case .unknownHost:
      (
        "The host is not this server",
        "The request names a host that is none of this server's names; a page may have been made "
          + "to lead here.",
        "Ask for an address, localhost or node.id, or add the name to admin.names."
      )
    case .foreignOrigin:
      (
        "A page of another site asks", "A page of another site has asked for a change.",
        "Nothing, if you do not know the page; else let it ask from the server's own name."
      )
    default:
      (
        "A token is needed", "The request shows no token, and what it asks wants one.",
        "Send Authorization: Bearer TOKEN, with one of admin.tokens."
      )
    }
  }

  /// Something stands against it.
  private var conflictText: Text {
    switch self {
    case .safetyRule:
      (
        "A safety rule stands against it", "The change would break a rule of section safety.",
        "If it is meant all the same, name the rule in override_rule."
      )
    case .notHeld:
      (
        "The region is not held", "Nothing waits to return to the region: it is held in no pool.",
        "Nothing; /v1/regions shows hold where a region waits for an operator."
      )
    case .cannotBePrimary:
      (
        "The region cannot become the primary",
        "It is the primary already, is not up, or is not in the order of the service's policy.",
        "Look at /v1/primaries, and choose another region or wait until this one is up."
      )
    case .dataLoss:
      (
        "Data would be lost",
        "The region is further behind than the rpo of the service, or its lag is not known.",
        "Wait until it has caught up, or say in accept_data_loss how much may be lost."
      )
    case .rolloutUnderWay:
      (
        "A rollout is under way",
        "There is one rollout at a time, and meanwhile its layer stays as it is.",
        "Finish or abandon the one at /v1/rollout first."
      )
    case .rolloutState:
      (
        "The rollout does not stand so", "What was asked does not fit the rollout's state.",
        "Look at /v1/rollout, and do what detail says."
      )
    default:
      (
        "Somebody else was first", "What was to be changed is another by now.",
        "Look at what it is now, and ask again if it is still meant."
      )
    }
  }

  /// Not now.
  private var stateText: Text {
    switch self {
    case .storeForbids:
      (
        "The fleet's store forbids it", "The node's user of the store lacks a right.",
        "Give it the rights that docs/fleet.md lists, or ask a node whose user has them."
      )
    case .handingOver:
      (
        "The process hands over", "Another process of this node is taking over.",
        "Ask again in a second: the new one answers."
      )
    case .notReady:
      (
        "The node is not ready", "The node is not to have clients yet, or not any more.",
        "Wait; /readyz?verbose lists what is missing."
      )
    case .busy:
      (
        "There are too many at a time",
        "As many questions of this kind are being answered as are answered at a time.",
        "Ask again in a second."
      )
    default:
      (
        "The fleet's store is not available", "The store does not answer, or takes nothing now.",
        "Wait as long as Retry-After says, and look at /v1/fleet; nothing was changed unless "
          + "detail says so."
      )
    }
  }
}

extension ProblemType {
  /// `GET /problems`, all of them, and `GET /problems/{type}`, that one. They tell nothing of the
  /// node.
  static func pages(_ request: Request) throws -> Response {
    let name = request.uri.path.dropFirst("/problems".count).drop { $0 == "/" }
    guard !name.isEmpty else {
      let list = allCases.map { "\($0.uri)\n\($0.title)\n\($0.explanation)\n" }
      return Response.cacheable(text: list.joined(separator: "\n"), for: request)
    }
    guard let type = ProblemType(rawValue: String(name)) else {
      throw Problem(.notFound, "there is no such type of problem; GET /problems lists them")
    }
    return Response.cacheable(text: type.page, for: request)
  }
}
