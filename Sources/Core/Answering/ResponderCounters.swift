import Counters
import DNSWire
import Editions
import Routing

/// Which cells a responder counts in. Those of steered answers depend on the edition: they are
/// looked up once for every edition, so that a query only indexes.
struct ResponderCounters {
  let queries: CounterIndex
  let droppedNotReady: CounterIndex
  let droppedTooShort: CounterIndex
  let droppedResponse: CounterIndex
  let truncated: CounterIndex
  /// By code.
  private let codes: [CounterIndex]

  private let board: CounterBoard
  private var editionNumber: UInt64 = .max
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
    let last = Int(ResponseCode.badVersion.rawValue)
    codes = (0...last).map { value in
      known.first { Int($0.0.rawValue) == value }?.1 ?? known[0].1
    }
  }

  func answers(_ code: ResponseCode) -> CounterIndex { codes[Int(code.rawValue)] }

  func steered(outcome: Int) -> CounterIndex { outcomes[outcome] }

  /// Makes ready for an edition; does nothing if it is the one before.
  mutating func adopt(_ edition: Edition) {
    guard edition.number != editionNumber else { return }
    editionNumber = edition.number
    register(edition)
  }

  /// Kept out of line: it runs once for every edition.
  @inline(never)
  private mutating func register(_ edition: Edition) {
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
