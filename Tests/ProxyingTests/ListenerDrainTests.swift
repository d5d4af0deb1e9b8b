import Editions
import Places
import Proxying
import Testing

private func listener(
  _ name: String, _ address: SocketAddress, drain: ProxyListenerSettings.Drain? = nil
) -> ProxyListenerSettings {
  var settings = ProxyListenerSettings(
    name: name, addresses: [address], services: .init(other: "service"), drain: drain)
  settings.raceAfter = .never
  return settings
}

private let longDrain = ProxyListenerSettings.Drain(deadline: .seconds(300), spread: .zero)
private let shortDrain = ProxyListenerSettings.Drain(
  deadline: .milliseconds(200), spread: .milliseconds(100))

private func isAnswered(_ client: TestSocket) -> Bool {
  (try? client.send([5])) != nil && (try? client.receive()) == [5]
}

private func isFree(_ address: SocketAddress) -> Bool {
  (try? Sockets.checkIsFree(address)) != nil
}

@Test func `a drained listener takes nobody, its connections finish, and others go on`() throws {
  let echo = try TestServer.echo()
  let world = try ProxyWorld(regions: [[echo.address]], threads: 2)
  try world.update([listener("web", world.address), listener("other", loopback(port: 0))])
  let other = try #require(world.address(of: "other"))
  let open = try (0..<10).map { _ in try TestSocket(to: world.address) }
  #expect(open.allSatisfy(isAnswered))
  try world.update([
    listener("web", world.address, drain: longDrain), listener("other", loopback(port: 0)),
  ])
  #expect(eventually { isFree(world.address) })
  #expect(world.address(of: "web") == nil && world.address(of: "other") == other)
  #expect(open.allSatisfy(isAnswered))
  #expect(isAnswered(try TestSocket(to: other)))
  for client in open {
    client.finish()
    #expect(try client.receiveAll().isEmpty)
  }
  #expect(eventually { world.openCount("web") == 0 })
  #expect(world.closed(.drained) == 0)
}

@Test func `who stays to a listener's deadline is reset, and nobody of another listener`() throws {
  let echo = try TestServer.echo()
  let world = try ProxyWorld(regions: [[echo.address]], threads: 2)
  try world.update([listener("web", world.address), listener("other", loopback(port: 0))])
  let other = try TestSocket(to: try #require(world.address(of: "other")))
  let staying = try (0..<10).map { _ in try TestSocket(to: world.address) }
  #expect(isAnswered(other) && staying.allSatisfy(isAnswered))
  try world.update([
    listener("web", world.address, drain: shortDrain), listener("other", loopback(port: 0)),
  ])
  #expect(eventually { world.closed(.drained) == 10 })
  #expect(eventually { world.openCount("web") == 0 })
  #expect(isAnswered(other))
  withExtendedLifetime(staying) {}
}

@Test func `a listener that is up again takes connections, and keeps those it has`() throws {
  let echo = try TestServer.echo()
  let world = try ProxyWorld(regions: [[echo.address]], threads: 2)
  let open = try TestSocket(to: world.address)
  #expect(isAnswered(open))
  for _ in 0..<5 {
    try world.update([listener("web", world.address, drain: longDrain)])
    #expect(eventually { isFree(world.address) })
    try world.update([listener("web", world.address)])
    #expect(isAnswered(try TestSocket(to: world.address)))
  }
  #expect(isAnswered(open))
  #expect(world.closed(.drained) == 0)
}

@Test func `a reload does not lengthen the drain of a listener`() throws {
  let echo = try TestServer.echo()
  let world = try ProxyWorld(regions: [[echo.address]])
  let open = try TestSocket(to: world.address)
  #expect(isAnswered(open))
  let drained = listener("web", world.address, drain: shortDrain)
  #expect(
    eventually {
      try? world.update([drained])
      return world.closed(.drained) == 1
    })
  #expect(world.openCount("web") == 0)
}
