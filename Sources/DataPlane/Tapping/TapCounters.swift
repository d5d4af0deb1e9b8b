import Counters

/// Why a frame that was sampled was not sent.
enum TapDrop: Int, CaseIterable {
  /// No peer takes frames.
  case notConnected
  /// The writer, or its peer, is too slow.
  case ringFull
  /// The connection broke while the frame was under way.
  case connectionLost

  var name: String {
    switch self {
    case .notConnected: "not_connected"
    case .ringFull: "ring_full"
    case .connectionLost: "connection_lost"
    }
  }
}

/// The counters of the tap, in frames: what was sampled is either sent or dropped.
struct TapCounters: Sendable {
  let frames: CounterIndex
  private let drops: [CounterIndex]

  init(_ board: CounterBoard) {
    frames = board.index(of: CounterBoard.Series("azimuth_dnstap_frames_total"))
    drops = TapDrop.allCases.map { reason in
      board.index(
        of: CounterBoard.Series(
          "azimuth_dnstap_dropped_total", labels: [.init("reason", reason.name)]))
    }
  }

  func dropped(_ reason: TapDrop) -> CounterIndex { drops[reason.rawValue] }
}
