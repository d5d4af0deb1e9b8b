import CLinux
import Glibc
package import Places

/// What the operating system answered in place of doing what it was asked.
package struct SystemError: Error, Equatable, Sendable, CustomStringConvertible {
  /// An errno, above 0.
  package var code: Int32

  /// Such as `Address already in use (98)`.
  package var description: String {
    guard let text = unsafe strerror(code) else { return "error \(code)" }
    return unsafe "\(String(cString: text)) (\(code))"
  }

  static let outOfMemory = SystemError(code: ENOMEM)

  /// The process or the machine has no descriptor left.
  var isOutOfDescriptors: Bool {
    code == EMFILE || code == ENFILE || code == ENOMEM || code == ENOBUFS
  }
}

/// The sockets of the proxy: all non-blocking. A descriptor belongs to whoever got it here, until
/// ``close(_:)`` or ``reset(_:)``.
package enum Sockets {
  package static func listen(
    on address: SocketAddress, _ options: TCPOptions = TCPOptions()
  ) throws(SystemError) -> Int32 {
    var raw = az_tcp_address(address)
    var rawOptions = options.raw
    return try checked(unsafe az_tcp_listen(&raw, Int32(clamping: options.backlog), &rawOptions))
  }

  /// Gives a listening socket of another process these options.
  static func adopt(_ socket: Int32, _ options: TCPOptions) throws(SystemError) {
    var rawOptions = options.raw
    _ = try checked(unsafe az_tcp_adopt(socket, Int32(clamping: options.backlog), &rawOptions))
  }

  /// Throws if somebody else listens there. Listeners of this process share their ports, which
  /// would let a second process of the same user share them too, in silence.
  package static func checkIsFree(_ address: SocketAddress) throws(SystemError) {
    var raw = az_tcp_address(address)
    _ = try checked(unsafe az_tcp_probe_bind(&raw))
  }

  package static func accept(_ listener: Int32) throws(SystemError) -> (
    fd: Int32, peer: SocketAddress
  ) {
    var address = az_tcp_address()
    let fd = try checked(unsafe az_tcp_accept(listener, &address))
    return (fd, SocketAddress(address))
  }

  package static func connect(
    to address: SocketAddress, _ options: TCPOptions = TCPOptions()
  ) throws(SystemError) -> Int32 {
    try connect(to: address, OutgoingOptions(options))
  }

  static func connect(
    to address: SocketAddress, _ outgoing: OutgoingOptions
  ) throws(SystemError) -> Int32 {
    var raw = az_tcp_address(address)
    var options = outgoing.options
    guard var source = raw.is_ipv6 == 0 ? outgoing.sourceIPv4 : outgoing.sourceIPv6 else {
      return try checked(unsafe az_tcp_connect(&raw, nil, &options))
    }
    return try checked(unsafe az_tcp_connect(&raw, &source, &options))
  }

  package static func localAddress(of fd: Int32) throws(SystemError) -> SocketAddress {
    var address = az_tcp_address()
    _ = try checked(unsafe az_tcp_local_address(fd, &address))
    return SocketAddress(address)
  }

  /// The pending error of a socket; 0: none.
  static func takeError(_ fd: Int32) -> Int32 { az_tcp_take_error(fd) }

  static func send(_ bytes: RawSpan, to fd: Int32) -> Transfer {
    // The span is alive for the call, and as long as it says.
    Transfer(
      result: unsafe bytes.withUnsafeBytes { unsafe az_tcp_send(fd, $0.baseAddress, $0.count) },
      endsAtZero: false)
  }

  /// Takes bytes that were peeked at from a socket.
  static func drop(_ count: Int, from fd: Int32) { _ = az_tcp_drop(fd, count) }

  /// Passes FIN on. An error means that the connection is gone, which epoll says too.
  static func shutDownWriting(_ fd: Int32) { _ = az_tcp_shutdown_write(fd) }

  package static func close(_ fd: Int32) { az_tcp_close(fd) }

  /// Closes so that the peer sees a reset.
  package static func reset(_ fd: Int32) { az_tcp_reset(fd) }

  private static func checked(_ result: Int32) throws(SystemError) -> Int32 {
    guard result >= 0 else { throw SystemError(code: -result) }
    return result
  }
}

extension az_tcp_address {
  init(_ socket: SocketAddress) {
    self.init()
    port = socket.port
    switch socket.address {
    case .ipv4(let bits): low = UInt64(bits)
    case .ipv6(let bits):
      high = UInt64(truncatingIfNeeded: bits >> 64)
      low = UInt64(truncatingIfNeeded: bits)
      is_ipv6 = 1
    }
  }
}

extension SocketAddress {
  init(_ raw: az_tcp_address) {
    if raw.is_ipv6 == 0 {
      self.init(address: .ipv4(UInt32(truncatingIfNeeded: raw.low)), port: raw.port)
    } else {
      let bits = UInt128(raw.high) << 64 | UInt128(raw.low)
      self.init(address: .ipv6(bits), port: raw.port)
    }
  }
}

extension ConnectFailure {
  init(code: Int32) {
    self =
      switch code {
      case ECONNREFUSED: .refused
      case ECONNRESET, EPIPE: .reset
      case ETIMEDOUT: .timedOut
      case EADDRNOTAVAIL, EADDRINUSE, EAGAIN, EPERM, EACCES: .local
      default: .unreachable
      }
  }
}

/// What became of a read or a write.
enum Transfer {
  case moved(Int)
  /// The other end of the stream (reads only).
  case ended
  /// Nothing can be moved until epoll says so.
  case wouldBlock
  case broken

  init(result: Int, endsAtZero: Bool) {
    self =
      switch result {
      case 0 where endsAtZero: .ended
      case 0...: .moved(result)
      case -Int(EAGAIN): .wouldBlock
      default: .broken
      }
  }
}

/// Nanoseconds of a clock that never goes back.
@inline(__always)
package func monotonicNow() -> UInt64 { az_monotonic_ns() }

/// A file descriptor that wakes a waiting thread; closed with the object.
///
/// Safe on any thread: the descriptor never changes.
final class WakeUp: Sendable {
  let fd: Int32

  init() throws(SystemError) {
    fd = az_wakeup_create()
    guard fd >= 0 else { throw SystemError(code: -fd) }
  }

  deinit { az_tcp_close(fd) }

  func signal() { az_wakeup_signal(fd) }
  func clear() { az_wakeup_clear(fd) }
  func wait(milliseconds: Int32) { az_wakeup_wait(fd, milliseconds) }
}

/// A thread of the operating system that runs a closure once; ``join()`` waits for its end.
struct PlainThread: Sendable {
  private final class Body: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }

  private let id: UInt64

  /// - Parameter name: at most 15 bytes, as `top` shows it.
  init(name: String, _ run: @escaping @Sendable () -> Void) throws(SystemError) {
    var id: UInt64 = 0
    // The thread takes over this reference and gives it up when it ends.
    let context = unsafe Unmanaged.passRetained(Body(run))
    let result = unsafe az_thread_start(
      name,
      { context in
        guard let context = unsafe context else { return }
        unsafe Unmanaged<Body>.fromOpaque(context).takeRetainedValue().run()
      }, context.toOpaque(), &id)
    guard result == 0 else {
      unsafe context.release()
      throw SystemError(code: -result)
    }
    self.id = id
  }

  func join() { az_thread_join(id) }
}
