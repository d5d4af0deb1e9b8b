import CProbe
import Glibc
import Places

/// A plain probe on its way: a new connection, over which an exchange may go. The bare calls of the
/// system; whoever has it says when they may be made.
struct SocketProbe {
  private let descriptor: Int32
  /// nil: a connection is enough.
  private var exchange: HTTPExchange?
  private var isConnected = false
  /// Sent before the request.
  private let greeting: [UInt8]
  /// Of greeting and request, where the socket did not take all of it at once.
  private var unsent: ArraySlice<UInt8> = []

  /// Begins to connect.
  ///
  /// - Parameter id: what the poller tells events by, above 0.
  /// - Throws: an error number.
  init(
    to address: SocketAddress, greeting: [UInt8], exchange: HTTPExchange?, poller: Int32,
    id: UInt64
  ) throws(SocketError) {
    let bits: UInt128
    let isIPv6: Bool
    switch address.address {
    case .ipv4(let value): (bits, isIPv6) = (UInt128(value), false)
    case .ipv6(let value): (bits, isIPv6) = (value, true)
    }
    let opened = cprobe_open(
      poller, UInt64(truncatingIfNeeded: bits >> 64), UInt64(truncatingIfNeeded: bits),
      isIPv6 ? 1 : 0, address.port, id)
    guard opened >= 0 else { throw SocketError(code: -opened) }
    descriptor = opened
    self.greeting = greeting
    self.exchange = exchange
  }

  /// What the probe waits for, should its time run out.
  var phase: String { isConnected ? "waiting for a full response" : "connecting" }

  /// To be called once, when nothing more is wanted of it.
  func close() { _ = Glibc.close(descriptor) }

  /// - Parameter buffer: for what is received.
  /// - Returns: nil: more must come.
  mutating func handle(
    _ event: cprobe_event, buffer: UnsafeMutableRawBufferPointer
  ) -> ProbeOutcome? {
    if !isConnected {
      if event.is_broken != 0 {
        return failure(ofSystemCall: cprobe_take_error(descriptor))
      }
      guard event.is_writable != 0 else { return nil }
      isConnected = true
      unsent = greeting[...]
      if let exchange { unsent += exchange.request.utf8 }
    }
    if !unsent.isEmpty, event.is_writable != 0, let failed = send() { return failed }
    if exchange == nil, unsent.isEmpty { return .success }
    return event.is_readable != 0 ? receive(isEnded: event.is_ended != 0, buffer) : nil
  }

  private mutating func send() -> ProbeOutcome? {
    let sent = unsent.withUnsafeBytes { cprobe_send(descriptor, $0.baseAddress, $0.count) }
    if sent == -Int(EAGAIN) { return nil }
    guard sent >= 0 else { return failure(ofSystemCall: Int32(-sent)) }
    unsent = unsent.dropFirst(sent)
    return nil
  }

  /// Until nothing is left: the poller tells of what has come only once.
  private mutating func receive(
    isEnded: Bool, _ buffer: UnsafeMutableRawBufferPointer
  ) -> ProbeOutcome? {
    while true {
      let received = cprobe_receive(descriptor, buffer.baseAddress, buffer.count)
      if received == -Int(EAGAIN) { return nil }
      guard received >= 0 else { return failure(ofSystemCall: Int32(-received)) }
      guard received > 0 else { return exchange?.closed() }
      if let found = exchange?.received(buffer[..<received]) { return found }
      // Where less came than there was room for, more would be told of.
      if received < buffer.count && !isEnded { return nil }
    }
  }
}

/// An error number of the system.
struct SocketError: Error {
  var code: Int32
}
