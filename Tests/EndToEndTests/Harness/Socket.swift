import Glibc

/// What the system said when it refused.
struct SystemError: Error, CustomStringConvertible {
  let call: String
  let code: Int32

  init(_ call: String) {
    self.call = call
    code = errno
  }

  var isTimeout: Bool { code == EAGAIN || code == EWOULDBLOCK }
  var description: String { "\(call): \(String(cString: strerror(code)))" }
}

/// A blocking IPv4 socket with a time limit on every call. Closed when the last reference goes.
final class Socket: Sendable {
  let descriptor: Int32

  private init(_ kind: __socket_type, timeoutMilliseconds: Int) throws {
    descriptor = socket(AF_INET, Int32(kind.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw SystemError("socket") }
    var limit = timeval(
      tv_sec: timeoutMilliseconds / 1000, tv_usec: timeoutMilliseconds % 1000 * 1000)
    for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
      let size = socklen_t(MemoryLayout<timeval>.size)
      guard setsockopt(descriptor, SOL_SOCKET, option, &limit, size) == 0 else {
        throw SystemError("setsockopt")
      }
    }
  }

  deinit { close(descriptor) }

  static func udp(
    to address: String, port: Int, from source: String? = nil, timeoutMilliseconds: Int = 2000
  ) throws -> Socket {
    let socket = try Socket(SOCK_DGRAM, timeoutMilliseconds: timeoutMilliseconds)
    if let source { try socket.bind(source, 0) }
    try socket.connect(address, port)
    return socket
  }

  /// - Parameter isSmall: the kernel keeps little for it, on both ends: a sender's buffer grows
  ///   with the size of segments, which are 64 KB on loopback otherwise.
  static func tcp(
    to address: String, port: Int, from source: String? = nil, timeoutMilliseconds: Int = 10_000,
    isSmall: Bool = false
  ) throws -> Socket {
    let socket = try Socket(SOCK_STREAM, timeoutMilliseconds: timeoutMilliseconds)
    if isSmall {
      try socket.set(Int(SOL_SOCKET), SO_RCVBUF, 4096)
      try socket.set(IPPROTO_TCP, TCP_MAXSEG, 1000)
    }
    try socket.set(IPPROTO_TCP, TCP_NODELAY, 1)
    if let source { try socket.bind(source, 0) }
    try socket.connect(address, port)
    return socket
  }

  /// - Parameters:
  ///   - backlog: connections that may wait to be accepted.
  ///   - sendBuffer: bytes that the kernel keeps for each of them at most; nil: as it likes.
  static func listening(
    on address: String, port: Int, backlog: Int32 = 512, sendBuffer: Int32? = nil
  ) throws -> Socket {
    let socket = try Socket(SOCK_STREAM, timeoutMilliseconds: 0)
    try socket.set(Int(SOL_SOCKET), SO_REUSEADDR, 1)
    if let sendBuffer { try socket.set(Int(SOL_SOCKET), SO_SNDBUF, sendBuffer) }
    try socket.bind(address, port)
    guard listen(socket.descriptor, backlog) == 0 else { throw SystemError("listen") }
    return socket
  }

  private func set(_ level: Int, _ option: Int32, _ value: Int32) throws {
    var value = value
    let size = socklen_t(MemoryLayout<Int32>.size)
    guard setsockopt(descriptor, Int32(level), option, &value, size) == 0 else {
      throw SystemError("setsockopt")
    }
  }

  private func bind(_ address: String, _ port: Int) throws {
    let result = withSocketAddress(address, port) { Glibc.bind(descriptor, $0, $1) }
    guard result == 0 else { throw SystemError("bind \(address):\(port)") }
  }

  private func connect(_ address: String, _ port: Int) throws {
    let result = withSocketAddress(address, port) { Glibc.connect(descriptor, $0, $1) }
    guard result == 0 else { throw SystemError("connect \(address):\(port)") }
  }

  func send(_ bytes: [UInt8]) throws {
    var sent = 0
    while sent < bytes.count {
      let count = bytes[sent...].withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      guard count >= 0 else { throw SystemError("send") }
      sent += count
    }
  }

  /// What the kernel takes at once; 0: nothing now.
  func sendSome(_ bytes: ArraySlice<UInt8>) throws -> Int {
    let count = bytes.withUnsafeBytes {
      Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL | MSG_DONTWAIT))
    }
    if count < 0, errno != EAGAIN { throw SystemError("send") }
    return max(count, 0)
  }

  /// What has come, at most `limit` bytes; nothing at the end of the stream.
  func receive(_ limit: Int = 65_536) throws -> [UInt8] {
    var failure: SystemError?
    let bytes = [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
      let got = recv(descriptor, buffer.baseAddress, limit, 0)
      if got < 0 { failure = SystemError("recv") }
      count = max(got, 0)
    }
    if let failure { throw failure }
    return bytes
  }

  /// Exactly `count` bytes, or fewer where the stream ends before.
  func receive(exactly count: Int) throws -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < count {
      let more = try receive(count - bytes.count)
      if more.isEmpty { break }
      bytes += more
    }
    return bytes
  }

  /// Everything up to the end of the stream.
  func receiveAll() throws -> [UInt8] {
    var bytes: [UInt8] = []
    while true {
      let more = try receive()
      if more.isEmpty { return bytes }
      bytes += more
    }
  }

  /// Closing it is a reset from now on.
  func resetWhenClosed() {
    var linger = linger(l_onoff: 1, l_linger: 0)
    setsockopt(
      descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout.size(ofValue: linger)))
  }

  func finishSending() { _ = shutdown(descriptor, Int32(SHUT_WR)) }

  /// The next connection; nil once the socket has been ``interrupt()``ed.
  func accept() -> Socket? {
    let accepted = Glibc.accept(descriptor, nil, nil)
    return accepted < 0 ? nil : Socket(accepted: accepted)
  }

  private init(accepted: Int32) { descriptor = accepted }

  /// Ends whatever waits on the socket, and refuses new connections.
  func interrupt() { _ = shutdown(descriptor, Int32(SHUT_RDWR)) }
}

private func withSocketAddress<Result>(
  _ address: String, _ port: Int, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
) -> Result {
  var socketAddress = sockaddr_in()
  socketAddress.sin_family = sa_family_t(AF_INET)
  socketAddress.sin_port = UInt16(port).bigEndian
  inet_pton(AF_INET, address, &socketAddress.sin_addr)
  return withUnsafePointer(to: &socketAddress) { pointer in
    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
    }
  }
}
