import Counters
import DNSWire
import Editions
import RateLimiting

/// Which cells a responder counts in.
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

  /// Of steered answers.
  var decisions: DecisionCounters

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
    decisions = DecisionCounters("azimuth_dns_steered_total", board: board)
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
