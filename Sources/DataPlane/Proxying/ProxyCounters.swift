import ClientLimits
import Counters

/// The counters of one listener. Connections open now = accepted − closed.
struct ProxyCounters {
  let accepted: CounterIndex
  /// By ``CloseReason``.
  let closed: [CounterIndex]
  let bytesFromClient: CounterIndex
  let bytesFromUpstream: CounterIndex
  let attempts: CounterIndex
  /// Of attempts that succeeded, TLS included.
  let connectDurations: HistogramIndex
  let races: CounterIndex
  let repetitions: CounterIndex
  /// By ``ConnectFailure``.
  let failures: [CounterIndex]
  let pausesAtCap: CounterIndex
  let pausesForDescriptors: CounterIndex
  let logDropped: CounterIndex
  /// By ``ClientLimits/Group`` × 2, + 1 for rates.
  let limitedClients: [CounterIndex]
  let uncountedClients: CounterIndex
  let forgottenRates: CounterIndex

  init(listener: String, board: CounterBoard) {
    let label = CounterBoard.Label("listener", listener)
    func index(_ name: String, _ more: CounterBoard.Label...) -> CounterIndex {
      board.index(of: CounterBoard.Series("azimuth_proxy_\(name)_total", labels: [label] + more))
    }
    accepted = index("accepted")
    closed = CloseReason.allCases.map { index("closed", .init("reason", $0.name)) }
    bytesFromClient = index("bytes", .init("direction", "up"))
    bytesFromUpstream = index("bytes", .init("direction", "down"))
    attempts = index("connect_attempts")
    connectDurations = board.histogram(
      of: CounterBoard.Series("azimuth_proxy_connect_duration_seconds", labels: [label]))
    races = index("connect_races")
    repetitions = index("repeated_connections")
    failures = ConnectFailure.allCases.map {
      index("connect_failures", .init("reason", $0.name))
    }
    pausesAtCap = index("accept_pauses", .init("reason", "connection_cap"))
    pausesForDescriptors = index("accept_pauses", .init("reason", "descriptors"))
    logDropped = index("log_dropped")
    limitedClients = ClientLimits.Group.allCases.flatMap { group in
      ["connections", "rate"].map {
        index("limited_clients", .init("group", group.name), .init("limit", $0))
      }
    }
    uncountedClients = index("client_table_overflows", .init("limit", "connections"))
    forgottenRates = index("client_table_overflows", .init("limit", "rate"))
  }
}
