import Editions
import Foundation
import Places
import Proxying
import Routing
import Synchronization
import Testing

private func greeting(_ world: ProxyWorld) throws -> String {
  let client = try TestSocket(to: world.address)
  return String(decoding: try client.receiveAll(), as: UTF8.self)
}

@Test func `a refused endpoint is passed over for another of its region`() throws {
  let bad = try RefusingPort()
  defer { withExtendedLifetime(bad) {} }
  let good = try TestServer.greeter("good")
  let far = try TestServer.greeter("far")
  let world = try ProxyWorld(regions: [[bad.address, good.address], [far.address]])
  for _ in 0..<20 { #expect(try greeting(world) == "good") }
  let failures = world.passive.takeFailures()
  #expect(failures.count <= 1)
  #expect(failures.allSatisfy { $0.endpointID == "pool/r0/\(bad.address)" })
  // It is avoided after its first failure, so almost no connection tries it again.
  #expect(failures.reduce(0) { $0 + $1.count } < 5)
  #expect(world.passive.takeFailures().isEmpty)
  #expect(world.counter("connect_failures", "refused") == UInt64(failures.first?.count ?? 0))
}

@Test func `when a whole region refuses the next one serves`() throws {
  let bad = [try RefusingPort(), try RefusingPort()]
  defer { withExtendedLifetime(bad) {} }
  let far = try TestServer.greeter("far")
  let world = try ProxyWorld(regions: [bad.map(\.address), [far.address]])
  for _ in 0..<5 { #expect(try greeting(world) == "far") }
  #expect(world.counter("region_connections", "r1") == 5)
  #expect(world.counter("region_connections", "r0") == 0)
}

@Test func `an endpoint that does not answer is passed over after the time-out`() throws {
  let hole = try BlackHole()
  defer { withExtendedLifetime(hole) {} }
  let good = try TestServer.greeter("good")
  let world = try ProxyWorld(regions: [[hole.address], [good.address]]) {
    $0.connectTimeout = .milliseconds(100)
  }
  #expect(try greeting(world) == "good")
  #expect(world.counter("connect_failures", "timed_out") == 1)
  // From now on it is avoided at once.
  #expect(try greeting(world) == "good")
  #expect(world.counter("connect_failures", "timed_out") == 1)
}

@Test func `an endpoint that does not answer is raced with another one`() throws {
  let hole = try BlackHole()
  defer { withExtendedLifetime(hole) {} }
  let good = try TestServer.greeter("good")
  let world = try ProxyWorld(regions: [[hole.address], [good.address]]) {
    $0.raceAfter = .roundTrips
    $0.connectTimeout = .seconds(300)
    $0.connectBudget = .seconds(300)
  }
  // Nobody knows how far the first one is: it is given some chances.
  for races in 1...3 {
    #expect(try greeting(world) == "good")
    #expect(world.counter("connect_races") == UInt64(races))
  }
  #expect(world.passive.takeFailures().map(\.count) == [1])
  // From now on it is avoided at once.
  #expect(try greeting(world) == "good")
  #expect(world.counter("connect_races") == 3)
  #expect(world.counter("region_connections", "r1") == 4)
  #expect(eventually { world.server.connectionCount == 0 })
}

@Test func `an answer that comes with the rival's connection is passed on whole`() throws {
  let hole = try BlackHole()
  defer { withExtendedLifetime(hole) {} }
  let good = try TestServer.greeter("good")
  // All at once: some answers are there, with their FIN, before the proxy looks.
  let world = try ProxyWorld(regions: [[hole.address], [good.address]]) {
    $0.raceAfter = .roundTrips
    $0.connectTimeout = .seconds(300)
    $0.connectBudget = .seconds(300)
  }
  let clients = try (0..<100).map { _ in try TestSocket(to: world.address) }
  for client in clients {
    #expect(String(decoding: try client.receiveAll(), as: UTF8.self) == "good")
  }
}

@Test func `a rival that is refused leaves the race to others`() throws {
  let hole = try BlackHole()
  let bad = try RefusingPort()
  defer { withExtendedLifetime((hole, bad)) {} }
  let good = try TestServer.greeter("good")
  let world = try ProxyWorld(regions: [[hole.address], [bad.address], [good.address]]) {
    $0.raceAfter = .roundTrips
    $0.connectTimeout = .seconds(300)
    $0.connectBudget = .seconds(300)
  }
  #expect(try greeting(world) == "good")
  #expect(world.counter("connect_failures", "refused") == 1)
  #expect(world.counter("region_connections", "r2") == 1)
}

@Test func `an endpoint is used again once it serves`() throws {
  let hole = try BlackHole()
  defer { withExtendedLifetime(hole) {} }
  let world = try ProxyWorld(regions: [[hole.address]]) { $0.connectTimeout = .milliseconds(50) }
  let lost = try TestSocket(to: world.address)
  #expect(throws: SocketFailure.code(ECONNRESET)) { try lost.receive() }
  // Nothing else is left, so it is tried although it is avoided.
  let again = try TestSocket(to: world.address)
  #expect(throws: SocketFailure.code(ECONNRESET)) { try again.receive() }
  #expect(world.counter("connect_attempts") == 2)
  #expect(world.closed(.connectTimedOut) == 2)
}

@Test func `attempts end with their number`() throws {
  let bad = try (0..<6).map { _ in try RefusingPort() }
  defer { withExtendedLifetime(bad) {} }
  let world = try ProxyWorld(regions: [bad.map(\.address)]) { $0.maximumAttempts = 3 }
  let client = try TestSocket(to: world.address)
  #expect(throws: SocketFailure.code(ECONNRESET)) { try client.receive() }
  #expect(world.closed(.connectFailed) == 1)
  #expect(world.counter("connect_attempts") == 3)
}

@Test func `attempts end with their budget`() throws {
  let holes = try (0..<4).map { _ in try BlackHole() }
  defer { withExtendedLifetime(holes) {} }
  let world = try ProxyWorld(regions: [holes.map(\.address)]) {
    $0.connectTimeout = .milliseconds(60)
    $0.connectBudget = .milliseconds(100)
  }
  let client = try TestSocket(to: world.address)
  #expect(throws: SocketFailure.code(ECONNRESET)) { try client.receive() }
  #expect(world.closed(.connectBudget) == 1)
}

@Test func `clients that the policy refuses are reset`() throws {
  let good = try TestServer.greeter("good")
  let world = try ProxyWorld(regions: [[good.address]])
  world.publish(regions: [[good.address]], override: .down, onAllDown: .failClosed)
  let client = try TestSocket(to: world.address)
  #expect(throws: SocketFailure.code(ECONNRESET)) { try client.receive() }
  #expect(world.closed(.refusedByPolicy) == 1)
}

@Test func `nothing is accepted before the edition is ready`() throws {
  let good = try TestServer.greeter("good")
  let world = try ProxyWorld(regions: [[good.address]], isReady: false)
  let client = try TestSocket(to: world.address)
  // An edition goes only when every worker has taken the next one: then each has looked at its
  // listeners since the client came.
  weak let first = world.desk.take()
  world.publish(regions: [[good.address]], isReady: false)
  #expect(eventually { first == nil })
  #expect(world.counter("accepted") == 0)
  world.publish(regions: [[good.address]])
  #expect(String(decoding: try client.receiveAll(), as: UTF8.self) == "good")
}

@Test func `a service is found by its name in every edition`() throws {
  let good = try TestServer.greeter("good")
  let world = try ProxyWorld(regions: [[good.address]])
  world.publish(regions: [[good.address]], revision: 2, serviceNames: ["other", "service"])
  #expect(try greeting(world) == "good")
  world.publish(regions: [[good.address]], revision: 3, serviceNames: ["other"])
  let client = try TestSocket(to: world.address)
  #expect(throws: SocketFailure.code(ECONNRESET)) { try client.receive() }
  #expect(world.closed(.notReady) == 1)
}

@Test func `new editions under load break no connection`() throws {
  let near = try TestServer.greeter("near")
  let far = try TestServer.greeter("far")
  let world = try ProxyWorld(regions: [[near.address]], threads: 2) {
    $0.halfClosedTimeout = .seconds(300)
  }
  let held = try TestSocket(to: world.address)
  #expect(eventually { world.counter("region_connections", "r0") == 1 })
  for round in 0..<200 {
    let regions = round % 2 == 0 ? [[far.address], [near.address]] : [[near.address]]
    world.publish(regions: regions, revision: UInt64(round + 2))
    #expect(try ["near", "far"].contains(greeting(world)))
  }
  held.finish()
  #expect(String(decoding: try held.receiveAll(), as: UTF8.self) == "near")
  held.close()
  #expect(eventually { world.counter("closed") == 201 })
  #expect(world.closed(.upstreamClosed) == 201)
}

@Test func `load is shared by weight and open connections`() throws {
  let servers = try (0..<3).map { _ in try TestServer.echo() }
  let world = try ProxyWorld(regions: [servers.map(\.address)])
  let clients = try (0..<150).map { _ in
    let client = try TestSocket(to: world.address)
    try client.send([1])
    _ = try client.receive()
    return client
  }
  let counts = servers.map { $0.acceptedCount.load(ordering: .relaxed) }
  #expect(counts.reduce(0, +) == clients.count)
  #expect(counts.allSatisfy { (40...60).contains($0) }, "\(counts)")
}
