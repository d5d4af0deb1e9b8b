import CLinux
import Glibc
import Synchronization

/// A connection to whoever reads the tap: Frame Streams in both directions over a stream socket of
/// the file system. Used by one thread, which a slow reader holds up for as long as it likes; once
/// the server stops, for a second at most. Closed with the object.
@safe final class TapStream {
  static let contentType = "protobuf:dnstap.Dnstap"
  /// How long the peer may take for its part of the handshake.
  private static let handshakeNanoseconds: UInt64 = 5_000_000_000
  /// How long the peer may take for what is left, once the server stops.
  private static let graceNanoseconds: UInt64 = 1_000_000_000
  /// How long a wait may last that only time ends.
  private static let sliceMilliseconds: Int32 = 50

  private let descriptor: Int32
  private let gate: TapGate
  /// Set once the server stops, nanoseconds of the monotonic clock.
  private var deadline = UInt64.max

  /// Connects, and agrees on the content type.
  init(path: String, gate: TapGate) throws(TapFault) {
    descriptor = unsafe az_unix_connect(path)
    self.gate = gate
    guard descriptor >= 0 else { throw TapFault(code: -descriptor) }
    try sendControl(.init(.ready, contentTypes: [Self.contentType]))
    deadline = az_monotonic_ns() + Self.handshakeNanoseconds
    let reply = try receiveControl()
    deadline = .max
    guard reply.kind == .accept else { throw TapFault("the reader does not accept") }
    guard reply.takes(Self.contentType) else {
      throw TapFault("the reader does not take \(Self.contentType)")
    }
    try sendControl(.init(.start, contentTypes: [Self.contentType]))
  }

  deinit { if descriptor >= 0 { az_tcp_close(descriptor) } }

  /// Sends all of it, as slowly as the peer takes it.
  ///
  /// - Parameter sentByteCount: what the peer got, also if it was not all.
  func send(_ bytes: [UInt8], sentByteCount: inout Int) throws(TapFault) {
    sentByteCount = 0
    while sentByteCount < bytes.count {
      let sent = unsafe bytes.withUnsafeBytes { buffer in
        let rest = unsafe UnsafeRawBufferPointer(rebasing: buffer[sentByteCount...])
        return unsafe az_tcp_send(descriptor, rest.baseAddress, rest.count)
      }
      if sent >= 0 {
        sentByteCount += sent
      } else if sent == -Int(EAGAIN) {
        try checkDeadline()
        _ = az_unix_wait(descriptor, -1, 1, Self.sliceMilliseconds)
      } else {
        throw TapFault(code: Int32(clamping: -sent))
      }
    }
  }

  /// Waits for work, or for the peer's end.
  func wait(milliseconds: Int32) throws(TapFault) {
    let found = az_unix_wait(descriptor, gate.descriptor, 0, milliseconds)
    guard Int(found) & AZ_UNIX_READABLE != 0 else { return }
    // A reader has nothing to say until we stop.
    throw TapFault("the reader closed the connection")
  }

  /// Says that there is no more and waits until the peer has read all of it.
  func finish() throws(TapFault) {
    try sendControl(.init(.stop))
    let reply = try receiveControl()
    guard reply.kind == .finish else { throw TapFault("the reader does not finish") }
  }

  private func sendControl(_ frame: ControlFrame) throws(TapFault) {
    var sent = 0
    try send(frame.bytes, sentByteCount: &sent)
  }

  private func receiveControl() throws(TapFault) -> ControlFrame {
    let head = try receive(8)
    let count = Int(number(head[4...]))
    guard number(head[..<4]) == 0, count <= ControlFrame.maximumByteCount,
      let frame = ControlFrame(body: try receive(count))
    else { throw TapFault("the reader does not speak Frame Streams") }
    return frame
  }

  private func receive(_ count: Int) throws(TapFault) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var filled = 0
    while filled < count {
      let received = unsafe bytes.withUnsafeMutableBytes { buffer in
        let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
        return unsafe az_tcp_receive(descriptor, rest.baseAddress, rest.count)
      }
      if received > 0 {
        filled += received
      } else if received == 0 {
        throw TapFault("the reader closed the connection")
      } else if received == -Int(EAGAIN) {
        try checkDeadline()
        _ = az_unix_wait(descriptor, -1, 0, Self.sliceMilliseconds)
      } else {
        throw TapFault(code: Int32(clamping: -received))
      }
    }
    return bytes
  }

  /// Ends a wait that takes too long.
  private func checkDeadline() throws(TapFault) {
    let now = az_monotonic_ns()
    if gate.isStopping.load(ordering: .acquiring) {
      deadline = min(deadline, now + Self.graceNanoseconds)
    }
    if now > deadline { throw TapFault("the reader is too slow") }
  }
}
