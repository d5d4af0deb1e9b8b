import FoundationEssentials
import SwiftProtobuf

/// Data frames that wait to be sent together: made of exchanges, in their order.
struct FrameBuffer {
  /// Enough for one call of the system to be worth it.
  static let fullByteCount = 65_536

  private(set) var bytes: [UInt8] = []
  /// Of each frame in ``bytes``.
  private var ends: [Int] = []
  private var shareEnd = 0
  private let identity: Data
  private let version: Data

  init(_ settings: Tap.Settings) {
    identity = Data(settings.identity.utf8)
    version = Data(settings.version.utf8)
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
    var message = Dnstap_Message(exchange.header)
    if exchange.header.hasQuery {
      message.type = .authQuery
      message.queryMessage = Data(exchange.query)
      append(message)
      message.clearQueryMessage()
    }
    if exchange.header.hasAnswer {
      message.type = .authResponse
      message.responseMessage = Data(exchange.answer)
      message.responseTimeSec = exchange.header.answerNanoseconds / 1_000_000_000
      message.responseTimeNsec = UInt32(exchange.header.answerNanoseconds % 1_000_000_000)
      append(message)
    }
  }

  private mutating func append(_ message: Dnstap_Message) {
    var event = Dnstap_Dnstap()
    if !identity.isEmpty { event.identity = identity }
    if !version.isEmpty { event.version = version }
    event.type = .message
    event.message = message
    // Fails only where a required field is not set, or beyond 2 GiB.
    guard let payload: [UInt8] = try? event.serializedBytes() else { return }
    bytes += networkBytes(UInt32(payload.count))
    bytes += payload
    ends.append(bytes.count)
  }
}

extension Dnstap_Message {
  /// Without the messages themselves.
  fileprivate init(_ header: TapHeader) {
    self.init()
    socketFamily = header.isIPv6 ? .inet6 : .inet
    socketProtocol =
      switch header.transport {
      case .udp: .udp
      case .tcp: .tcp
      case .tls: .dot
      }
    queryAddress = addressBytes(header.clientBits, isIPv6: header.isIPv6)
    queryPort = UInt32(header.clientPort)
    if header.hasServer {
      responseAddress = addressBytes(header.serverBits, isIPv6: header.isIPv6)
      responsePort = UInt32(header.serverPort)
    }
    queryTimeSec = header.queryNanoseconds / 1_000_000_000
    queryTimeNsec = UInt32(header.queryNanoseconds % 1_000_000_000)
  }
}

/// Four or sixteen, in network order.
private func addressBytes(_ bits: UInt128, isIPv6: Bool) -> Data {
  let count = isIPv6 ? 16 : 4
  return Data((1...count).map { UInt8(truncatingIfNeeded: bits >> UInt128(8 * (count - $0))) })
}
