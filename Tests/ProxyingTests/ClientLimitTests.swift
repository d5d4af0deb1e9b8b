import ClientLimits
import Glibc
import Places
import Proxying
import Testing

@Suite struct `A proxy that limits clients` {
  private func held(_ world: ProxyWorld) throws -> TestSocket {
    let socket = try TestSocket(to: world.address)
    try socket.send([1])
    #expect(try socket.receive() == [1])
    return socket
  }

  @Test func `closes the connection that is one too many, and takes the next when one has ended`()
    throws
  {
    let server = try TestServer.echo()
    defer { withExtendedLifetime(server) {} }
    let world = try ProxyWorld(regions: [[server.address]], threads: 2) {
      $0.clientLimits.address.connections = 10
    }
    var sockets: [TestSocket] = []
    for _ in 0..<10 { sockets.append(try held(world)) }
    for _ in 0..<5 {
      let refused = try TestSocket(to: world.address)
      #expect(throws: SocketFailure.code(ECONNRESET)) { try refused.receive() }
    }
    #expect(world.closed(.clientLimit) == 5)
    #expect(world.counter("limited_clients", "address", "connections") == 5)
    // Nobody was asked for an endpoint.
    #expect(world.counter("connect_attempts") == 10)
    sockets[0].close()
    #expect(eventually { world.server.connectionCount == 9 })
    sockets[0] = try held(world)
    for socket in sockets { socket.close() }
    #expect(eventually { world.server.connectionCount == 0 })
  }

  @Test func `keeps a prefix to its rate`() throws {
    let server = try TestServer.echo()
    defer { withExtendedLifetime(server) {} }
    let world = try ProxyWorld(regions: [[server.address]]) {
      $0.clientLimits.prefix.perSecond = 2
    }
    var refused = 0
    while refused < 20 {
      let socket = try TestSocket(to: world.address)
      do {
        try socket.send([1])
        _ = try socket.receive()
      } catch { refused += 1 }
    }
    #expect(world.counter("limited_clients", "prefix", "rate") == 20)
    #expect(world.counter("limited_clients", "connections") == 0)
  }
}
