import Balancing
import Foundation
import Proxying
import Routing
import Testing

@Suite struct `Open connections of an endpoint that gets no new ones` {
  private static func rules(_ edit: (inout ClosingRules) -> Void) -> ClosingRules {
    var rules = ClosingRules()
    edit(&rules)
    return rules
  }

  private static func clients(_ world: ProxyWorld, _ count: Int = 1) throws -> [TestSocket] {
    try (0..<count).map { _ in
      let client = try TestSocket(to: world.address)
      try client.send([7])
      #expect(try client.receiveExactly(1) == [7])
      return client
    }
  }

  @Test(arguments: [
    (EndpointCondition(health: .unhealthy), CloseReason.endpointDown),
    (EndpointCondition(health: .healthy, override: .down), .endpointDown),
    (EndpointCondition(health: .healthy, override: .drain), .endpointDrained),
    (EndpointCondition(health: .healthy, sharePercent: 0), .endpointDrained),
  ])
  func `are closed where the pool wants it, and those of others go on`(
    condition: EndpointCondition, reason: CloseReason
  ) throws {
    let (left, right) = (try TestServer.echo(), try TestServer.echo())
    let regions = [[left.address], [right.address]]
    let closing = Self.rules { ($0.whenDown, $0.whenDrained) = (.close, .close) }
    let world = try ProxyWorld(regions: regions)
    world.publish(regions: regions, closing: closing, revision: 2)
    let before = try Self.clients(world, 5)
    world.publish(
      regions: regions, closing: closing, revision: 2,
      conditions: [condition, EndpointCondition(health: .healthy)])
    for client in before { #expect(throws: (any Error).self) { try client.receiveExactly(1) } }
    #expect(eventually { world.closed(reason) == 5 })
    // New ones go to the other endpoint, and stay.
    let after = try Self.clients(world, 5)
    world.publish(
      regions: regions, closing: closing, revision: 2,
      conditions: [condition, EndpointCondition(health: .healthy)])
    for client in after {
      try client.send([8])
      #expect(try client.receiveExactly(1) == [8])
    }
    #expect(world.closed(reason) == 5)
  }

  @Test func `go on unless the pool says otherwise`() throws {
    let echo = try TestServer.echo()
    let world = try ProxyWorld(regions: [[echo.address]])
    let clients = try Self.clients(world, 3)
    for state in [OverrideState.down, .drain] {
      world.publish(regions: [[echo.address]], override: state)
    }
    world.publish(regions: [[]], revision: 2)
    // Refused: the worker has seen that edition.
    #expect((try? TestSocket(to: world.address).receiveAll())?.isEmpty != false)
    for client in clients {
      try client.send([8])
      #expect(try client.receiveExactly(1) == [8])
    }
  }

  @Test func `are closed when it is removed`() throws {
    let (left, right) = (try TestServer.echo(), try TestServer.echo())
    let closing = Self.rules { $0.whenRemoved = .close }
    let world = try ProxyWorld(regions: [[left.address]])
    world.publish(regions: [[left.address]], closing: closing, revision: 2)
    let clients = try Self.clients(world, 3)
    world.publish(regions: [[right.address]], closing: closing, revision: 3)
    for client in clients { #expect(throws: (any Error).self) { try client.receiveExactly(1) } }
    #expect(eventually { world.closed(.endpointRemoved) == 3 })
  }

  @Test func `are spread over the end of the deadline, and stay if it is back before`() throws {
    let (left, right) = (try TestServer.echo(), try TestServer.echo())
    let regions = [[left.address], [right.address]]
    let closing = Self.rules {
      $0.whenDrained = .drain
      ($0.deadline, $0.spread) = (400_000_000, 300_000_000)
    }
    let late = Self.rules {
      $0.whenDrained = .drain
      ($0.deadline, $0.spread) = (600_000_000_000, 0)
    }
    let drained = [
      EndpointCondition(health: .healthy, override: .drain), EndpointCondition(health: .healthy),
    ]
    let world = try ProxyWorld(regions: regions)
    world.publish(regions: regions, closing: late, revision: 2)
    let clients = try Self.clients(world, 20)
    world.publish(regions: regions, closing: late, revision: 2, conditions: drained)
    world.publish(regions: regions, closing: closing, revision: 3)
    for client in clients {
      try client.send([8])
      #expect(try client.receiveExactly(1) == [8])
    }
    let start = ContinuousClock.now
    world.publish(regions: regions, closing: closing, revision: 3, conditions: drained)
    #expect(eventually { world.closed(.endpointDrained) > 0 })
    #expect(ContinuousClock.now - start >= .milliseconds(100))
    #expect(eventually { world.closed(.endpointDrained) == 20 })
    #expect(ContinuousClock.now - start >= .milliseconds(300))
    withExtendedLifetime(clients) {}
  }

  @Test func `stay where they came in spite of it, as nothing else was left`() throws {
    let echo = try TestServer.echo()
    let closing = Self.rules { ($0.whenDown, $0.whenRemoved) = (.close, .close) }
    let down = [EndpointCondition(health: .unhealthy)]
    let world = try ProxyWorld(regions: [[echo.address]])
    world.publish(regions: [[echo.address]], closing: closing, revision: 2, conditions: down)
    let clients = try Self.clients(world, 3)
    world.publish(regions: [[echo.address]], closing: closing, revision: 2, conditions: down)
    for client in clients {
      try client.send([8])
      #expect(try client.receiveExactly(1) == [8])
    }
    // Not when there is another reason.
    world.publish(regions: [[]], closing: closing, revision: 3)
    #expect(eventually { world.closed(.endpointRemoved) == 3 })
    withExtendedLifetime(clients) {}
  }
}
