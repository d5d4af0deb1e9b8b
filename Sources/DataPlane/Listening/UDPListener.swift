import CLinux
import Glibc
package import Inheriting
public import Places
public import ProxyProtocol
import Synchronization

/// DNS over UDP: for each address so many plain threads, each with its own socket (SO_REUSEPORT)
/// and its own buffers, that receive a batch, answer it in place and send it. The threads share
/// nothing but the edition.
public final class UDPListener: Sendable {
  public struct Settings: Sendable {
    public var addresses: [SocketAddress]
    /// For each address; at least 1.
    public var threads: Int
    /// Of each socket. Beyond `net.core.rmem_max` only the privileged get it.
    public var receiveBufferBytes: Int
    /// The longest answer that any edition may allow, 512...4096.
    public var maximumUDPBytes: Int
    /// Whose datagrams begin with a header that names the client.
    public var proxies: TrustedProxies

    public init(
      addresses: [SocketAddress], threads: Int, receiveBufferBytes: Int = 4 << 20,
      maximumUDPBytes: Int = 1_232, proxies: TrustedProxies = TrustedProxies()
    ) {
      self.addresses = addresses
      self.threads = max(1, threads)
      self.receiveBufferBytes = receiveBufferBytes
      self.maximumUDPBytes = min(max(maximumUDPBytes, 512), 4_096)
      self.proxies = proxies
    }
  }

  /// How long a thread waits for a packet before it looks for a new edition and for ``stop()``.
  static let timeoutMilliseconds: Int32 = 250

  /// In the order of the settings, with the ports that were given out for port 0.
  public let boundAddresses: [SocketAddress]
  /// The smallest receive buffer that the system granted, bytes.
  public let receiveBufferBytes: Int

  private let isStopping: StopFlag
  private let threads: Mutex<[UInt64]>
  private let sockets: Mutex<[UDPSocket]>

  /// Binds all addresses, then starts the threads.
  ///
  /// - Throws: if one cannot be bound; none is then.
  public static func start(
    _ settings: Settings, parts: ResponderParts
  ) throws(ListenFault) -> UDPListener {
    try start(settings, inherited: InheritedSockets(), parts: parts)
  }

  /// - Parameter inherited: its sockets come first. Each has a thread, even if those are more than
  ///   the settings want: what nobody reads from is lost.
  package static func start(
    _ settings: Settings, inherited: InheritedSockets, parts: ResponderParts
  ) throws(ListenFault) -> UDPListener {
    var sockets: [UDPSocket] = []
    var bound: [SocketAddress] = []
    for address in settings.addresses {
      var address = address
      let first = sockets.count
      for descriptor in inherited.take(.datagram, at: address) {
        sockets.append(
          try UDPSocket(
            adopting: descriptor, address, receiveBufferBytes: settings.receiveBufferBytes))
      }
      while sockets.count - first < settings.threads {
        let socket = try UDPSocket.open(
          address, beside: first < sockets.count ? sockets[first] : nil,
          receiveBufferBytes: settings.receiveBufferBytes)
        address.port = socket.port
        sockets.append(socket)
      }
      bound.append(address)
    }
    let granted = sockets.map(\.receiveBufferBytes).min() ?? 0
    let isStopping = StopFlag()
    var threads: [UInt64] = []
    for socket in sockets {
      let worker = UDPWorker(
        socket: socket, isStopping: isStopping, parts: parts,
        maximumUDPBytes: settings.maximumUDPBytes, proxies: settings.proxies)
      threads.append(try worker.start())
    }
    return UDPListener(
      boundAddresses: bound, receiveBufferBytes: granted, isStopping: isStopping,
      threads: threads, sockets: sockets)
  }

  private init(
    boundAddresses: [SocketAddress], receiveBufferBytes: Int, isStopping: StopFlag,
    threads: [UInt64], sockets: [UDPSocket]
  ) {
    self.sockets = Mutex(sockets)
    self.boundAddresses = boundAddresses
    self.receiveBufferBytes = receiveBufferBytes
    self.isStopping = isStopping
    self.threads = Mutex(threads)
  }

  /// Waits until the threads have answered what they hold, at most about a quarter of a second,
  /// and closes the sockets. Blocks: not to be called where blocking is forbidden.
  public func stop() {
    isStopping.flag.store(true, ordering: .relaxed)
    let running = threads.withLock { threads in
      defer { threads = [] }
      return threads
    }
    for thread in running { az_thread_join(thread) }
    sockets.withLock { $0 = [] }
  }

  /// Gives the descriptors of all sockets to a closure; they are open until it returns.
  package func withSockets<Failure: Error>(
    _ body: ([Int32]) throws(Failure) -> Void
  ) throws(Failure) {
    let open = sockets.withLock { $0 }
    defer { withExtendedLifetime(open) {} }
    try body(open.map(\.descriptor))
  }
}

final class StopFlag: Sendable {
  let flag = Atomic(false)
}

/// One bound socket, closed with its last reference.
final class UDPSocket: Sendable {
  let descriptor: Int32
  let address: SocketAddress
  let port: UInt16
  let receiveBufferBytes: Int
  let isWildcard: Bool

  convenience init(_ address: SocketAddress, receiveBufferBytes: Int) throws(ListenFault) {
    let bytes = address.address.networkBytes
    let opened = unsafe az_udp_open(
      bytes, bytes.count == 16 ? 1 : 0, address.port, Int32(clamping: receiveBufferBytes),
      UDPListener.timeoutMilliseconds)
    guard opened >= 0 else {
      throw ListenFault(address: address, reason: unsafe String(cString: strerror(-opened)))
    }
    self.init(bound: opened, address)
  }

  /// Takes over a socket that another process has bound.
  convenience init(
    adopting descriptor: Int32, _ address: SocketAddress, receiveBufferBytes: Int
  ) throws(ListenFault) {
    let bytes = address.address.networkBytes
    let result = unsafe az_udp_adopt(
      descriptor, bytes, bytes.count == 16 ? 1 : 0, Int32(clamping: receiveBufferBytes),
      UDPListener.timeoutMilliseconds)
    guard result == 0 else {
      az_udp_close(descriptor)
      throw ListenFault(address: address, reason: unsafe String(cString: strerror(-result)))
    }
    self.init(bound: descriptor, address)
  }

  private init(bound descriptor: Int32, _ address: SocketAddress) {
    self.descriptor = descriptor
    self.address = address
    port = UInt16(clamping: az_udp_port(descriptor))
    receiveBufferBytes = Int(max(0, az_udp_receive_buffer(descriptor)))
    isWildcard = address.address.networkBytes.allSatisfy { $0 == 0 }
  }

  /// One more socket for an address.
  ///
  /// - Parameter inherited: one that was inherited. Where it shares its port with nobody, as
  ///   systemd's do unless they are told to, a second thread reads from the same socket.
  static func open(
    _ address: SocketAddress, beside inherited: UDPSocket?, receiveBufferBytes: Int
  ) throws(ListenFault) -> UDPSocket {
    do throws(ListenFault) {
      return try UDPSocket(address, receiveBufferBytes: receiveBufferBytes)
    } catch {
      guard let copy = inherited.flatMap({ InheritedSockets.duplicate($0.descriptor) }) else {
        throw error
      }
      return UDPSocket(bound: copy, address)
    }
  }

  deinit { az_udp_close(descriptor) }
}

extension IPAddress {
  /// Four or sixteen.
  var networkBytes: [UInt8] {
    switch self {
    case .ipv4(let bits): (0..<4).map { UInt8(truncatingIfNeeded: bits >> (24 - 8 * $0)) }
    case .ipv6(let bits): (0..<16).map { UInt8(truncatingIfNeeded: bits >> (120 - 8 * $0)) }
    }
  }
}
