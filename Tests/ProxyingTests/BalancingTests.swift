import Balancing
import Places
import Proxying
import Synchronization
import Testing

@Suite struct `A balancing proxy` {
  private func rules(_ method: BalanceRules.Method = .powerOfTwo) -> BalanceRules {
    var rules = BalanceRules()
    rules.method = method
    return rules
  }

  private func greeting(_ world: ProxyWorld) throws -> String {
    String(decoding: try TestSocket(to: world.address).receiveAll(), as: UTF8.self)
  }

  private func greeters(_ count: Int) throws -> [TestServer] {
    try (0..<count).map { try TestServer.greeter("\($0)") }
  }

  /// A connection that is open to the end: one byte went there and back.
  private func held(_ world: ProxyWorld) throws -> TestSocket {
    let socket = try TestSocket(to: world.address)
    try socket.send([1])
    #expect(try socket.receive() == [1])
    return socket
  }

  /// A client, after a probe that has ended the penalty for failures: only an ejection keeps the
  /// endpoint out. Whether its reset comes before or after the proxy sees the connection is chance.
  private func greetForgiving(_ bad: TestServer, _ world: ProxyWorld) {
    world.passive.forgive(endpointID: "pool/r0/\(bad.address)")
    _ = try? greeting(world)
  }

  private func untilEjected(_ bad: TestServer, _ world: ProxyWorld) {
    while world.counter("ejections") == 0 { greetForgiving(bad, world) }
  }

  private func accepted(_ servers: [TestServer]) -> [Int] {
    servers.map { $0.acceptedCount.load(ordering: .relaxed) }
  }

  @Test(arguments: [BalanceRules.Method.powerOfTwo, .leastConnections])
  func `gives connections that stay to the less loaded endpoint`(
    method: BalanceRules.Method
  ) throws {
    let servers = try (0..<2).map { _ in try TestServer.echo() }
    let world = try ProxyWorld(
      regions: [servers.map(\.address)], balance: rules(method), threads: 2)
    var sockets: [TestSocket] = []
    for _ in 0..<20 { sockets.append(try held(world)) }
    let counts = accepted(servers)
    #expect(abs(counts[0] - counts[1]) <= 1, "\(counts)")
    // What is closed counts no more.
    for socket in sockets { socket.close() }
    #expect(eventually { world.server.connectionCount == 0 })
  }

  @Test func `takes turns by weight`() throws {
    let servers = try greeters(2)
    defer { withExtendedLifetime(servers) {} }
    let world = try ProxyWorld(
      regions: [servers.map(\.address)], weights: [3, 1], balance: rules(.roundRobin))
    var greetings: [String] = []
    for _ in 0..<40 { greetings.append(try greeting(world)) }
    #expect(greetings.count { $0 == "0" } == 30)
  }

  @Test func `keeps a client at its endpoint, over reloads and threads, and by the hash alone`()
    throws
  {
    let servers = try greeters(5)
    defer { withExtendedLifetime(servers) {} }
    let balance = rules(.hash)
    let key = Rendezvous.key(ClientAddress(ipv4: 0x7F00_0001), bitsIPv4: 32, bitsIPv6: 64)
    let costs = servers.map { server in
      Rendezvous.cost(
        key: key, identity: Rendezvous.identity("pool/r0/\(server.address)"), weight: 1)
    }
    let expected = try #require(costs.indices.min { costs[$0] < costs[$1] })
    let world = try ProxyWorld(
      regions: [servers.map(\.address)], balance: balance, threads: 2)
    for _ in 0..<20 { #expect(try greeting(world) == "\(expected)") }
    world.publish(regions: [servers.map(\.address)], balance: balance, revision: 2)
    for _ in 0..<20 { #expect(try greeting(world) == "\(expected)") }
  }

  @Test func `keeps to the most connections of an endpoint, and then goes to the next region`()
    throws
  {
    let servers = try (0..<3).map { _ in try TestServer.echo() }
    var balance = rules(.first)
    balance.maximumConnections = 2
    let world = try ProxyWorld(
      regions: [[servers[0].address, servers[1].address], [servers[2].address]], balance: balance,
      threads: 2)
    var sockets: [TestSocket] = []
    for _ in 0..<5 { sockets.append(try held(world)) }
    #expect(accepted(servers) == [2, 2, 1])
    sockets[0].close()
    #expect(eventually { world.server.connectionCount == 4 })
    sockets.append(try held(world))
    #expect(accepted(servers) == [3, 2, 1])
    sockets.append(try held(world))
    #expect(throws: SocketFailure.self) { try greeting(world) }
    #expect(eventually { world.closed(.endpointsFull) == 1 })
    #expect(world.closed(.connectFailed) == 0)
    withExtendedLifetime((servers, sockets)) {}
  }

  @Test func `leaves out an endpoint that accepts and resets at once, and probes change nothing`()
    throws
  {
    let bad = try TestServer { $0.reset() }
    let good = try TestServer.greeter("good")
    let world = try ProxyWorld(regions: [[bad.address, good.address]])
    var failures = 0
    for _ in 0..<100 {
      if (try? greeting(world)) != "good" { failures += 1 }
      world.passive.forgive(endpointID: "pool/r0/\(bad.address)")
    }
    // A reset that comes before the proxy has seen the connection is an attempt that failed: then
    // the good one answers.
    #expect(failures <= 5)
    #expect(world.counter("ejections", "pool", "r0") == 1)
    let ejection = try #require(world.passive.takeEjections().first)
    #expect(ejection.endpointID == "pool/r0/\(bad.address)" && ejection.times == 1)
    let uses = world.passive.uses(
      of: [ejection.endpointID: 1, "pool/r0/\(good.address)": 1], now: ejection.until - 1)
    #expect(
      uses.mapValues(\.ejection) == [
        ejection.endpointID: ejection, "pool/r0/\(good.address)": nil,
      ])
    let later = world.passive.uses(of: [ejection.endpointID: 1000], now: ejection.until + 1)
    #expect(later[ejection.endpointID]?.startShare == 0.1)
    #expect(later[ejection.endpointID]?.ejection == nil)
    let counts = accepted([bad, good])
    #expect((5...29).contains(counts[0]) && counts[1] == 100 - failures, "\(counts)")
  }

  @Test func `tries an ejected endpoint again when its time is over, and ejects it for longer`()
    throws
  {
    let bad = try RefusingPort()
    defer { withExtendedLifetime(bad) {} }
    let good = try TestServer.greeter("good")
    var balance = rules(.roundRobin)
    balance.ejection?.failures = 1
    balance.ejection?.base = 150_000_000
    let world = try ProxyWorld(regions: [[bad.address, good.address]], balance: balance)
    var times: [Int] = []
    let hasFourTimes = eventually {
      // A probe that succeeds ends the penalty, so that only the ejection keeps it out.
      world.passive.forgive(endpointID: "pool/r0/\(bad.address)")
      #expect((try? greeting(world)) == "good")
      times += world.passive.takeEjections().map(\.times)
      return times.count == 4
    }
    #expect(hasFourTimes)
    #expect(times == [1, 2, 3, 4])
    #expect(world.counter("connect_failures", "refused") == 4)
  }

  @Test func `never leaves out a lone endpoint`() throws {
    let isBad = Atomic<Bool>(true)
    let server = try TestServer { socket in
      if isBad.load(ordering: .relaxed) { return socket.reset() }
      try socket.send([1])
    }
    let world = try ProxyWorld(regions: [[server.address]])
    for _ in 0..<20 { #expect(throws: SocketFailure.self) { try greeting(world) } }
    isBad.store(false, ordering: .relaxed)
    #expect(try greeting(world) == "\u{1}")
    #expect(world.counter("ejections") == 0)
  }

  @Test func `tries an ejected endpoint before it sends a client away`() throws {
    let isBad = Atomic<Bool>(true)
    let ejected = try TestServer { socket in
      if isBad.load(ordering: .relaxed) { return socket.reset() }
      try socket.send(Array("back".utf8))
    }
    let full = try TestServer.echo()
    defer { withExtendedLifetime((ejected, full)) {} }
    var balance = rules(.roundRobin)
    balance.maximumConnections = 1
    let world = try ProxyWorld(regions: [[ejected.address, full.address]], balance: balance)
    // The first client that is not reset has the other endpoint.
    var other: TestSocket?
    #expect(
      eventually {
        other = try? held(world)
        return other != nil
      })
    untilEjected(ejected, world)
    isBad.store(false, ordering: .relaxed)
    #expect(try greeting(world) == "back")
    other?.close()
  }

  @Test func `lets what was ejected back where nothing is to be ejected any more`() throws {
    let bad = try TestServer { $0.reset() }
    let good = try TestServer.greeter("good")
    let regions = [[bad.address, good.address]]
    let world = try ProxyWorld(regions: regions)
    untilEjected(bad, world)
    // What is known lasts over a reload.
    world.publish(regions: regions, revision: 2)
    for _ in 0..<20 { #expect(try greeting(world) == "good") }
    var balance = rules()
    balance.ejection = nil
    world.publish(regions: regions, balance: balance, revision: 3)
    let before = accepted([bad])[0]
    #expect(
      eventually {
        greetForgiving(bad, world)
        return accepted([bad])[0] > before
      })
  }
}
