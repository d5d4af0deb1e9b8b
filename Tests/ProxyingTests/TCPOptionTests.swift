import Glibc
import Places
import Proxying
import Testing

private let options = TCPOptions(
  keepAlive: .init(idleSeconds: 77, intervalSeconds: 7, probes: 4), userTimeoutMilliseconds: 4321,
  sendsAtOnce: true, sources: [.ipv4(0x7F00_0009)])

private func value(_ fd: Int32, _ level: Int32, _ name: Int32) -> Int32 {
  var value: Int32 = -1
  var length = socklen_t(MemoryLayout<Int32>.size)
  #expect(unsafe getsockopt(fd, level, name, &value, &length) == 0)
  return value
}

private func expectOptions(of fd: Int32) {
  let tcp = Int32(IPPROTO_TCP)
  #expect(value(fd, SOL_SOCKET, SO_KEEPALIVE) == 1)
  #expect(value(fd, tcp, TCP_KEEPIDLE) == 77)
  #expect(value(fd, tcp, TCP_KEEPINTVL) == 7)
  #expect(value(fd, tcp, TCP_KEEPCNT) == 4)
  #expect(value(fd, tcp, TCP_USER_TIMEOUT) == 4321)
  #expect(value(fd, tcp, TCP_NODELAY) == 1)
}

@Test func `both ends of a proxy have the options of the listener`() throws {
  let listener = try Sockets.listen(on: loopback(port: 0), options)
  defer { Sockets.close(listener) }
  let outgoing = try Sockets.connect(to: Sockets.localAddress(of: listener), options)
  defer { Sockets.close(outgoing) }
  var accepted: (fd: Int32, peer: SocketAddress)?
  #expect(
    eventually {
      accepted = try? Sockets.accept(listener)
      return accepted != nil
    })
  let incoming = try #require(accepted)
  defer { Sockets.close(incoming.fd) }
  expectOptions(of: incoming.fd)
  expectOptions(of: outgoing)
  #expect(incoming.peer.address == .ipv4(0x7F00_0009))
}

@Test func `Nagle's algorithm can be left on`() throws {
  let listener = try Sockets.listen(on: loopback(port: 0), TCPOptions(sendsAtOnce: false))
  defer { Sockets.close(listener) }
  #expect(value(listener, Int32(IPPROTO_TCP), TCP_NODELAY) == 0)
}

@Test func `data in a SYN is taken where the listener says so`() throws {
  let listener = try Sockets.listen(on: loopback(port: 0), TCPOptions(fastOpenQueue: 12))
  defer { Sockets.close(listener) }
  #expect(value(listener, Int32(IPPROTO_TCP), TCP_FASTOPEN) == 12)
}

@Test func `a source of the other family is not used`() throws {
  let listener = try Sockets.listen(
    on: SocketAddress(address: .ipv6(1), port: 0), TCPOptions())
  defer { Sockets.close(listener) }
  let outgoing = try Sockets.connect(to: Sockets.localAddress(of: listener), options)
  defer { Sockets.close(outgoing) }
  #expect(try Sockets.localAddress(of: outgoing).address == .ipv6(1))
}
