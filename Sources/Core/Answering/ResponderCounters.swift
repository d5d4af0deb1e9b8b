import Counters
import DNSWire
import Editions
import RateLimiting
import Routing

/// Which cells a responder counts in. Those of steered answers depend on the edition: they are
/// looked up once for every edition, so that a query only indexes.
struct ResponderCounters {
  let queries: CounterIndex
  let droppedNotReady: CounterIndex
  let droppedTooShort: CounterIndex
  let droppedResponse: CounterIndex
  let truncated: CounterIndex
  let validCookies: CounterIndex
  let newCookies: CounterIndex
  let madeSignatures: CounterIndex
  let keptSignatures: CounterIndex
  /// By kind × 3 + action.
  private let limitedAnswers: [CounterIndex]
  /// By code.
  private let codes: [CounterIndex]

  private let board: CounterBoard
  /// By outcome over all services, as ``Decision/outcome`` says it.
  private var outcomes: [CounterIndex] = []
  private var revision: UInt64 = .max
  /// By service and region, behind the regions one for answers without region.
  private var cells: [[CounterIndex?]] = []

  init(board: CounterBoard, transport: Responder.Transport) {
    let name =
      switch transport {
      case .udp: "udp"
      case .tcp: "tcp"
      case .tls: "tls"
      }
    let label = CounterBoard.Label("transport", name)
    func index(_ series: String, _ labels: CounterBoard.Label...) -> CounterIndex {
      board.index(of: CounterBoard.Series(series, labels: [label] + labels))
    }
    self.board = board
    queries = index("azimuth_dns_queries_total")
    droppedNotReady = index("azimuth_dns_dropped_total", .init("reason", "not_ready"))
    droppedTooShort = index("azimuth_dns_dropped_total", .init("reason", "too_short"))
    droppedResponse = index("azimuth_dns_dropped_total", .init("reason", "response"))
    truncated = index("azimuth_dns_truncated_total")
    let known = ResponseCode.allCases.map { code in
      (code, index("azimuth_dns_answers_total", .init("rcode", code.mnemonic)))
    }
    validCookies = index("azimuth_dns_cookies_total", .init("state", "valid"))
    newCookies = index("azimuth_dns_cookies_total", .init("state", "new"))
    madeSignatures = index("azimuth_dns_signatures_total", .init("source", "made"))
    keptSignatures = index("azimuth_dns_signatures_total", .init("source", "kept"))
    limitedAnswers = RateLimits.Kind.allCases.flatMap { kind in
      LimitedAction.allCases.map { action in
        index(
          "azimuth_dns_rate_limited_total", .init("kind", kind.name), .init("action", action.name))
      }
    }
    let last = Int(ResponseCode.allCases.map(\.rawValue).max() ?? 0)
    codes = (0...last).map { value in
      known.first { Int($0.0.rawValue) == value }?.1 ?? known[0].1
    }
  }

  func answers(_ code: ResponseCode) -> CounterIndex { codes[Int(code.rawValue)] }

  func limited(_ kind: RateLimits.Kind, _ action: LimitedAction) -> CounterIndex {
    limitedAnswers[Int(kind.rawValue) &* LimitedAction.allCases.count &+ Int(action.rawValue)]
  }

  func steered(outcome: Int) -> CounterIndex { outcomes[outcome] }

  /// Makes ready for an edition.
  mutating func register(_ edition: Edition) {
    let model = edition.model
    if edition.revision != revision {
      revision = edition.revision
      cells = model.services.map { _ in
        Array(repeating: nil, count: model.regions.count + 1)
      }
    }
    outcomes = []
    for (service, set) in edition.verdicts.enumerated() {
      for outcome in set.outcomes {
        let region = outcome.regions.first
        let column = region ?? model.regions.count
        let cell =
          cells[service][column]
          ?? board.index(
            of: CounterBoard.Series(
              "azimuth_dns_steered_total",
              labels: [
                .init("service", model.services[service].name),
                .init("region", region.map { model.regions[$0].name } ?? "none"),
              ]))
        cells[service][column] = cell
        outcomes.append(cell)
      }
    }
  }
}

/// What became of an answer that was one too many.
enum LimitedAction: UInt8, CaseIterable {
  case dropped, slipped, dryRun

  /// In metrics.
  var name: String {
    switch self {
    case .dropped: "dropped"
    case .slipped: "slipped"
    case .dryRun: "dry_run"
    }
  }
}
