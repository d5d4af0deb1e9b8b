import Balancing
import Editions
import Places
import Proxying
import Routing
import Synchronization
import Testing

/// A server with two addresses, then another server of the same region.
private func world(
  _ first: SocketAddress, _ second: SocketAddress, other: SocketAddress,
  balance: BalanceRules = BalanceRules(), edit: (inout ProxyListenerSettings) -> Void = { _ in }
) throws -> ProxyWorld {
  var model = model(regions: [[first, second, other]], balance: balance)
  model.endpoints[0].alternate = 1
  return try ProxyWorld(edition(number: 1, revision: 1, model), edit: edit)
}

private func answer(_ world: ProxyWorld) throws -> String {
  String(decoding: try TestSocket(to: world.address).receiveAll(), as: UTF8.self)
}

private let inOrder: BalanceRules = {
  var rules = BalanceRules()
  rules.method = .first
  return rules
}()

/// RFC 8305 §5
@Suite struct `A server with two addresses` {
  @Test func `is tried at its other one before any other server`() throws {
    let refusing = try RefusingPort()
    defer { withExtendedLifetime(refusing) {} }
    let same = try TestServer.greeter("same")
    let other = try TestServer.greeter("other")
    let world = try world(
      refusing.address, same.address, other: other.address, balance: inOrder)
    for _ in 0..<20 { #expect(try answer(world) == "same") }
    // What failed is known from then on.
    #expect(world.counter("connect_failures", "refused") <= 3)
    #expect(other.acceptedCount.load(ordering: .relaxed) == 0)
  }

  @Test func `is raced with its other one where the first gives no answer`() throws {
    let hole = try BlackHole()
    defer { withExtendedLifetime(hole) {} }
    let same = try TestServer.greeter("same")
    let other = try TestServer.greeter("other")
    let world = try world(hole.address, same.address, other: other.address, balance: inOrder) {
      $0.raceAfter = .fixed(nanoseconds: 20_000_000)
      $0.connectTimeout = .seconds(300)
      $0.connectBudget = .seconds(300)
    }
    for _ in 0..<10 { #expect(try answer(world) == "same") }
    #expect(world.counter("connect_races") >= 1)
    #expect(other.acceptedCount.load(ordering: .relaxed) == 0)
  }

  @Test func `has its first one as long as that answers, and one part of the connections`() throws {
    let first = try TestServer.greeter("first")
    let second = try TestServer.greeter("second")
    let other = try TestServer.greeter("other")
    var turns = BalanceRules()
    turns.method = .roundRobin
    let world = try world(
      first.address, second.address, other: other.address, balance: turns)
    var counts: [String: Int] = [:]
    for _ in 0..<20 { counts[try answer(world), default: 0] += 1 }
    #expect(counts == ["first": 10, "other": 10])
  }

  @Test func `has its limit of connections over both`() throws {
    let first = try TestServer.echo()
    let second = try TestServer.echo()
    let other = try TestServer.greeter("other")
    var rules = inOrder
    rules.maximumConnections = 1
    let world = try world(first.address, second.address, other: other.address, balance: rules)
    let kept = try TestSocket(to: world.address)
    try kept.send([1])
    #expect(try kept.receive() == [1])
    #expect(try answer(world) == "other")
    #expect(second.acceptedCount.load(ordering: .relaxed) == 0)
    withExtendedLifetime(first) {}
  }

  @Test func `gives way to another server once it has taken a connection and reset it`() throws {
    let first = try TestServer { socket in
      _ = try socket.receive()
      socket.reset()
    }
    let second = try TestServer.namedEcho("second")
    let other = try TestServer.namedEcho("other")
    let world = try world(
      first.address, second.address, other: other.address, balance: inOrder
    ) { $0.repeatedBytes = 1024 }
    let socket = try TestSocket(to: world.address)
    try socket.send([1])
    #expect(String(decoding: try socket.receiveExactly(5), as: UTF8.self) == "other")
    withExtendedLifetime((first, second)) {}
  }
}
