import Editions
import Foundation
import Proxying
import Testing

@Test func `an idle connection ends after its time`() throws {
  let echo = try TestServer.echo()
  let world = try ProxyWorld(regions: [[echo.address]]) { $0.idleTimeout = .milliseconds(150) }
  let client = try TestSocket(to: world.address)
  // Busy for longer than it may be idle.
  let end = Date().addingTimeInterval(0.3)
  while Date() < end {
    try client.send([1])
    _ = try client.receive()
  }
  #expect(throws: SocketFailure.code(ECONNRESET)) { try client.receive() }
  #expect(world.closed(.idleTimeout) == 1)
}

@Test func `a half-closed connection ends after its time`() throws {
  let quiet = try TestServer { socket in
    _ = try socket.receiveAll()
    // Stays open without a word until the proxy gives up.
    _ = eventually { (try? socket.receive()) == nil }
  }
  let world = try ProxyWorld(regions: [[quiet.address]]) {
    $0.halfClosedTimeout = .milliseconds(100)
  }
  let client = try TestSocket(to: world.address)
  client.finish()
  #expect(throws: SocketFailure.code(ECONNRESET)) { try client.receive() }
  #expect(world.closed(.halfClosedTimeout) == 1)
}

@Test func `connections above the cap wait for a place`() throws {
  let echo = try TestServer.echo()
  let world = try ProxyWorld(regions: [[echo.address]], threads: 2) { $0.maximumConnections = 4 }
  var clients = try (0..<10).map { _ in try TestSocket(to: world.address) }
  for client in clients { try client.send([7]) }
  #expect(eventually { world.server.connectionCount == 4 })
  #expect(eventually { world.counter("accept_pauses", "connection_cap") > 0 })
  #expect(world.counter("accepted") == 4)
  // As clients leave, the others are served, each in its turn.
  var served = 0
  while let client = clients.popLast() {
    _ = client
    served += 1
    client.close()
  }
  #expect(served == 10)
  #expect(eventually { world.server.connectionCount == 0 && world.counter("accepted") == 10 })
}

@Test func `new limits reach a running listener`() throws {
  let echo = try TestServer.echo()
  let world = try ProxyWorld(regions: [[echo.address]]) { $0.maximumConnections = 1 }
  let first = try TestSocket(to: world.address)
  try first.send([1])
  #expect(try first.receive() == [1])
  let second = try TestSocket(to: world.address)
  try second.send([2])
  var settings = ProxyListenerSettings(
    name: "web", addresses: [loopback(port: 0)], services: .init(other: "service"))
  settings.maximumConnections = 2
  try world.update([settings])
  #expect(try second.receive() == [2])
}

@Test func `a second proxy cannot take the same address`() throws {
  let echo = try TestServer.echo()
  let world = try ProxyWorld(regions: [[echo.address]])
  #expect(throws: ProxyServer.StartError.self) {
    _ = try ProxyWorld(regions: [[echo.address]]) { $0.addresses = [world.address] }
  }
}
