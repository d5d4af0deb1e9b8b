import Counters

/// Why a connection ended; the label of its counter.
enum StreamEnding: String, CaseIterable {
  /// The peer closed it, or the network did.
  case peer
  /// It was quiet for too long.
  case idle
  /// A message, a handshake or a header took too long to come.
  case slow
  /// The peer did not read what it was sent.
  case stalled
  /// It was the quietest when there were too many.
  case evicted
  /// Its client has too many.
  case clientLimit = "client_limit"
  /// Something that is no query.
  case unreadable
  /// No header where a trusted proxy must send one, or a damaged one.
  case proxyHeader = "proxy_header"
  /// No TLS handshake came about.
  case handshake
  /// The server stops.
  case stop
}

/// The counters of a loop's connections.
struct StreamCounters {
  let opened: CounterIndex
  let acceptPauses: CounterIndex
  private let endings: [CounterIndex]

  init(board: CounterBoard, transport: String) {
    let label = CounterBoard.Label("transport", transport)
    opened = board.index(
      of: CounterBoard.Series("azimuth_dns_connections_opened_total", labels: [label]))
    acceptPauses = board.index(
      of: CounterBoard.Series("azimuth_dns_accept_pauses_total", labels: [label]))
    endings = StreamEnding.allCases.map { ending in
      board.index(
        of: CounterBoard.Series(
          "azimuth_dns_connections_closed_total",
          labels: [label, CounterBoard.Label("reason", ending.rawValue)]))
    }
  }

  func closed(_ ending: StreamEnding) -> CounterIndex {
    endings[StreamEnding.allCases.firstIndex(of: ending) ?? 0]
  }
}
