import Foundation
import Securing
import TestSupport
import Testing

/// A listener on loopback for one connection.
final class OneConnection: Sendable {
  let port: UInt16
  private let listener: Int32

  init() throws {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    self.listener = listener
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let bound = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
        bind(listener, raw, length) == 0 && getsockname(listener, raw, &length) == 0
      }
    }
    try #require(bound && listen(listener, 1) == 0)
    port = UInt16(bigEndian: address.sin_port)
  }

  deinit { Glibc.close(listener) }

  /// Non-blocking.
  func accept() throws -> Int32 {
    let socket = Glibc.accept(listener, nil, nil)
    try #require(socket >= 0)
    _ = fcntl(socket, F_SETFL, fcntl(socket, F_GETFL) | O_NONBLOCK)
    return socket
  }
}

/// Goes on as often as the socket lets it, for ten seconds.
func waiting(_ socket: Int32, _ body: () -> TLSResult) -> TLSResult {
  while true {
    let result = body()
    guard result.isWaiting else { return result }
    var wanted = pollfd(
      fd: socket, events: Int16(result == .wantsRead ? POLLIN : POLLOUT), revents: 0)
    guard poll(&wanted, 1, 10_000) == 1 else { return result }
  }
}

func close(_ socket: Int32, half: Bool) { shutdown(socket, Int32(SHUT_WR)) }

extension RunningProcess {
  /// A shell command, for twenty seconds at most.
  convenience init(shell command: String) throws {
    try self.init("/bin/sh", ["-c", "exec timeout 20 \(command)"])
  }
}
