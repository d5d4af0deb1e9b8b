import ClientLimits
import Editions
import Glibc
import Places
import Proxying
import Testing

extension ProxyWorld {
  /// As a reload does it: binds, then swaps.
  func update(_ listeners: [ProxyListenerSettings]) throws {
    server.update(listeners: listeners, with: try server.bind(listeners))
  }

  func address(of listener: String) -> SocketAddress? {
    server.boundAddresses.first { $0.listener == listener }?.address
  }

  func openCount(_ listener: String) -> Int {
    Int(counter("accepted", listener)) - Int(counter("closed", listener))
  }
}

private func listener(_ name: String, _ addresses: [SocketAddress]) -> ProxyListenerSettings {
  var settings = ProxyListenerSettings(
    name: name, addresses: addresses, services: .init(other: "service"))
  settings.raceAfter = .never
  return settings
}

private func isAnswered(_ client: TestSocket) -> Bool {
  (try? client.send([5])) != nil && (try? client.receive()) == [5]
}

/// A new connection's byte comes back.
private func echoes(_ address: SocketAddress) -> Bool {
  guard let client = try? TestSocket(to: address) else { return false }
  return isAnswered(client)
}

/// Nobody listens there any more.
private func isFree(_ address: SocketAddress) -> Bool {
  (try? Sockets.checkIsFree(address)) != nil
}

/// A port that was free a moment ago.
private func freeAddress(_ bits: UInt32 = 0x7F00_0001) throws -> SocketAddress {
  let socket = try Sockets.listen(on: SocketAddress(address: .ipv4(bits), port: 0))
  defer { Sockets.close(socket) }
  return try Sockets.localAddress(of: socket)
}

@Test func `a listener that is added serves, and the others' connections go on`() throws {
  let echo = try TestServer.echo()
  let world = try ProxyWorld(regions: [[echo.address]], threads: 2)
  let open = try TestSocket(to: world.address)
  #expect(isAnswered(open))
  try world.update([listener("web", [loopback(port: 0)]), listener("new", [loopback(port: 0)])])
  #expect(world.address(of: "web") == world.address)
  let added = try #require(world.address(of: "new"))
  #expect(added != world.address)
  for _ in 0..<10 { #expect(echoes(added) && echoes(world.address)) }
  #expect(isAnswered(open))
  #expect(eventually { world.openCount("web") == 1 && world.openCount("new") == 0 })
}

@Test func `a listener that is removed takes nobody, and its connections go on`() throws {
  let echo = try TestServer.echo()
  let world = try ProxyWorld(regions: [[echo.address]], threads: 2)
  let open = try TestSocket(to: world.address)
  #expect(isAnswered(open))
  try world.update([listener("other", [loopback(port: 0)])])
  #expect(eventually { isFree(world.address) })
  #expect(isAnswered(open))
  #expect(world.openCount("web") == 1 && world.server.connectionCount == 1)
  open.finish()
  #expect(try open.receiveAll().isEmpty)
  #expect(eventually { world.openCount("web") == 0 && world.server.connectionCount == 0 })
}

@Test func `an address goes to a listener of another name without a break`() throws {
  let echo = try TestServer.echo()
  let world = try ProxyWorld(regions: [[echo.address]], threads: 2)
  var clients: [TestSocket] = []
  for round in 0..<50 {
    try world.update([listener(round % 2 == 0 ? "even" : "odd", [world.address])])
    for _ in 0..<4 { clients.append(try TestSocket(to: world.address)) }
  }
  #expect(clients.allSatisfy(isAnswered))
  #expect(eventually { world.counter("accepted") == 200 })
}

@Test func `a listener goes to another address`() throws {
  let echo = try TestServer.echo()
  let world = try ProxyWorld(regions: [[echo.address]], threads: 2)
  let open = try TestSocket(to: world.address)
  #expect(isAnswered(open))
  let next = try freeAddress()
  try world.update([listener("web", [next])])
  #expect(eventually { isFree(world.address) })
  #expect(echoes(next) && isAnswered(open))
  #expect(eventually { world.openCount("web") == 1 })
}

@Test func `all addresses of a port give way to one of them`() throws {
  let echo = try TestServer.echo()
  let world = try ProxyWorld(regions: [[echo.address]], threads: 2) {
    $0.addresses = [SocketAddress(address: .ipv4(0), port: 0)]
  }
  let loopback = loopback(port: world.address.port)
  #expect(echoes(loopback))
  try world.update([listener("web", [loopback])])
  #expect(eventually { world.server.boundAddresses.map(\.address) == [loopback] })
  #expect(echoes(loopback))
}

@Test func `what cannot be bound changes nothing`() throws {
  let echo = try TestServer.echo()
  let world = try ProxyWorld(regions: [[echo.address]])
  let free = try freeAddress()
  let taken = try TestServer.echo()
  let fault = #expect(throws: ProxyServer.StartError.self) {
    try world.update([listener("web", [free]), listener("new", [taken.address])])
  }
  #expect(fault?.listener == "new" && fault?.cause.code == EADDRINUSE)
  #expect(world.server.boundAddresses.map(\.address) == [world.address])
  #expect(isFree(free) && echoes(world.address))
}

@Test func `sockets that are bound in vain are closed`() throws {
  let echo = try TestServer.echo()
  let world = try ProxyWorld(regions: [[echo.address]])
  let free = try freeAddress()
  var bound: BoundListeners? = try world.server.bind([listener("new", [free])])
  #expect(!isFree(free))
  withExtendedLifetime(bound) {}
  bound = nil
  #expect(isFree(free))
}

/// The limits of clients are kept by listener: one that comes into the place of another does not
/// count what the other has counted.
@Test func `places of listeners that are gone are used again, and nothing is mixed up`() throws {
  let echo = try TestServer.echo()
  let world = try ProxyWorld(regions: [[echo.address]], threads: 2)
  for round in 0..<100 {
    var settings = listener("l\(round)", [loopback(port: 0)])
    settings.clientLimits.address.connections = 1
    try world.update([settings])
    let address = try #require(world.address(of: settings.name))
    let client = try TestSocket(to: address)
    #expect(isAnswered(client), "round \(round)")
    #expect(eventually { world.counter("accepted", settings.name) == 1 })
    client.close()
  }
  #expect(eventually { world.server.connectionCount == 0 })
}

@Test func `an ending proxy takes up no listener`() throws {
  let echo = try TestServer.echo()
  let world = try ProxyWorld(regions: [[echo.address]], threads: 2)
  let free = try freeAddress()
  world.server.drain(deadline: .seconds(300), spread: .zero)
  try world.update([listener("new", [free])])
  #expect(isFree(free))
}

@Test func `a listener that comes and goes before all workers have looked leaves no socket`() throws
{
  let echo = try TestServer.echo()
  let world = try ProxyWorld(regions: [[echo.address]], threads: 4)
  for _ in 0..<50 {
    try world.update([listener("web", [world.address]), listener("brief", [loopback(port: 0)])])
    let brief = try #require(world.address(of: "brief"))
    try world.update([listener("web", [world.address])])
    try #require(eventually { isFree(brief) })
  }
}
