import CLinux
import Foundation
import Places
import Proxying
import Synchronization

enum SocketFailure: Error, Equatable { case code(Int32) }

/// A blocking socket for tests; every wait ends after ten seconds.
final class TestSocket: Sendable {
  let fd: Int32
  private let isClosed = Mutex(false)

  init(fd: Int32) {
    self.fd = fd
    _ = fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK)
    var time = timeval(tv_sec: 10, tv_usec: 0)
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
  }

  convenience init(to address: SocketAddress) throws {
    self.init(fd: try Sockets.connect(to: address))
  }

  deinit { close() }

  func send(_ bytes: [UInt8]) throws {
    var sent = 0
    while sent < bytes.count {
      let count = bytes[sent...].withUnsafeBytes { az_tcp_send(fd, $0.baseAddress, $0.count) }
      guard count > 0 else { throw SocketFailure.code(Int32(-count)) }
      sent += count
    }
  }

  /// At most so many bytes; none at the end.
  func receive(_ limit: Int = 65_536) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: limit)
    let count = bytes.withUnsafeMutableBytes { az_tcp_receive(fd, $0.baseAddress, $0.count) }
    guard count >= 0 else { throw SocketFailure.code(Int32(-count)) }
    return Array(bytes[..<count])
  }

  /// Exactly so many, or less at the end.
  func receiveExactly(_ count: Int) throws -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < count {
      let more = try receive(min(65_536, count - bytes.count))
      if more.isEmpty { break }
      bytes += more
    }
    return bytes
  }

  func receiveAll() throws -> [UInt8] {
    var bytes: [UInt8] = []
    while true {
      let more = try receive()
      if more.isEmpty { return bytes }
      bytes += more
    }
  }

  func finish() { _ = az_tcp_shutdown_write(fd) }

  func close() { once { az_tcp_close(fd) } }

  func reset() { once { az_tcp_reset(fd) } }

  private func once(_ body: () -> Void) {
    let isFirst = isClosed.withLock { isClosed in
      defer { isClosed = true }
      return !isClosed
    }
    if isFirst { body() }
  }
}

/// A server on loopback that gives each connection to a closure on a thread of its own.
final class TestServer: Sendable {
  let address: SocketAddress
  private let listener: TestSocket
  let acceptedCount = Atomic<Int>(0)

  init(_ serve: @escaping @Sendable (TestSocket) throws -> Void) throws {
    let listener = TestSocket(fd: try Sockets.listen(on: loopback(port: 0)))
    self.listener = listener
    address = try Sockets.localAddress(of: listener.fd)
    let count: @Sendable () -> Void = { [weak self] in
      _ = self?.acceptedCount.add(1, ordering: .relaxed)
    }
    Thread.detachNewThread {
      while true {
        let fd: Int32
        do throws(SystemError) {
          // No other program that a test starts meanwhile gets it: a reset would wait for its end.
          fd = try Sockets.accept(listener.fd).fd
        } catch {
          if error.code == EAGAIN { continue }
          return
        }
        count()
        let socket = TestSocket(fd: fd)
        Thread.detachNewThread {
          try? serve(socket)
          socket.close()
        }
      }
    }
  }

  /// Wakes the accepting thread, which ends. It is the last to hold the socket: a number that was
  /// closed here, before the thread is through, may be that of another test's listener by then.
  deinit { shutdown(listener.fd, Int32(SHUT_RDWR)) }

  /// Sends back all it reads.
  static func echo() throws -> TestServer {
    try TestServer { socket in
      while true {
        let bytes = try socket.receive()
        if bytes.isEmpty { return }
        try socket.send(bytes)
      }
    }
  }

  /// Says its name, then sends back all it reads.
  static func namedEcho(_ name: String) throws -> TestServer {
    try TestServer { socket in
      try socket.send(Array(name.utf8))
      while true {
        let bytes = try socket.receive()
        if bytes.isEmpty { return }
        try socket.send(bytes)
      }
    }
  }

  /// Says its name and closes.
  static func greeter(_ name: String) throws -> TestServer {
    try TestServer { socket in
      try socket.send(Array(name.utf8))
      socket.finish()
      _ = try socket.receiveAll()
    }
  }
}

/// A port on loopback that nobody listens on: bound without listening, so that nobody else gets it.
final class RefusingPort: Sendable {
  let address: SocketAddress
  private let fd: Int32

  init() throws {
    fd = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var raw = sockaddr_in()
    raw.sin_family = sa_family_t(AF_INET)
    raw.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let fd = fd
    _ = withUnsafePointer(to: &raw) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(fd, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    address = try Sockets.localAddress(of: fd)
  }

  deinit { Glibc.close(fd) }
}

/// A listener whose backlog is full, so that the kernel drops every further SYN: a connection to it
/// gets no answer.
final class BlackHole: Sendable {
  let address: SocketAddress
  private let listener: Int32
  private let fillers: [Int32]

  init() throws {
    listener = try Sockets.listen(on: loopback(port: 0))
    address = try Sockets.localAddress(of: listener)
    listen(listener, 0)
    let target = address
    fillers = try (0..<4).map { _ in try Sockets.connect(to: target) }
  }

  deinit { for fd in fillers + [listener] { Glibc.close(fd) } }
}
