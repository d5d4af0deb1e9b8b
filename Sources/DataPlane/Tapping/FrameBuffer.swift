/// Data frames that wait to be sent together: made of exchanges, in their order.
struct FrameBuffer {
  /// Enough for one call of the system to be worth it.
  static let fullByteCount = 65_536

  private(set) var bytes: [UInt8] = []
  /// Of each frame in ``bytes``.
  private var ends: [Int] = []
  private var shareEnd = 0
  private var frame: TapFrame

  init(_ settings: Tap.Settings) {
    frame = TapFrame(identity: settings.identity, version: settings.version)
  }

  /// Starts a share of the buffer: the next so many bytes.
  mutating func beginShare(ofBytes count: Int) { shareEnd = bytes.count + count }

  var isShareFull: Bool { bytes.count >= shareEnd }

  var frameCount: Int { ends.count }

  /// How many frames lie in the first so many bytes, whole.
  func frameCount(inFirst byteCount: Int) -> Int { ends.count { $0 <= byteCount } }

  mutating func removeAll() {
    bytes.removeAll(keepingCapacity: true)
    ends.removeAll(keepingCapacity: true)
  }

  /// Appends the frames of an exchange: its query, its answer, as far as they are told.
  mutating func append(_ exchange: TapExchange) {
    if exchange.header.hasQuery {
      frame.appendQuery(exchange, to: &bytes)
      ends.append(bytes.count)
    }
    if exchange.header.hasAnswer {
      frame.appendAnswer(exchange, to: &bytes)
      ends.append(bytes.count)
    }
  }
}
