import Foundation
import Proxying
import Testing

@Test func `connections are closed evenly over the last part of the deadline`() {
  let schedule = DrainSchedule(now: 1000, deadline: 500, spread: 100)
  var tenths = [Int](repeating: 0, count: 10)
  for sequence in 1...1000 as ClosedRange<UInt64> {
    let time = schedule.closingTime(sequence: sequence)
    #expect((1400..<1500).contains(time))
    tenths[Int(time - 1400) / 10] += 1
  }
  #expect(tenths.allSatisfy { (90...110).contains($0) }, "\(tenths)")
}

@Test func `without a spread all are closed at the deadline`() {
  let schedule = DrainSchedule(now: 0, deadline: 500, spread: 0)
  #expect((1...10).allSatisfy { schedule.closingTime(sequence: UInt64($0)) == 500 })
}

@Test func `a spread is no longer than the deadline`() {
  let schedule = DrainSchedule(now: 0, deadline: 500, spread: 900)
  #expect((1...10).allSatisfy { schedule.closingTime(sequence: UInt64($0)) < 500 })
}

@Test func `a draining proxy takes nobody and lets the others finish`() throws {
  let echo = try TestServer.echo()
  let world = try ProxyWorld(regions: [[echo.address]], threads: 2)
  let clients = try (0..<20).map { _ in try TestSocket(to: world.address) }
  for client in clients {
    try client.send([7])
    #expect(try client.receiveExactly(1) == [7])
  }
  world.server.drain(deadline: .seconds(300), spread: .zero)
  // Not by a connection: the port may be another test's by then.
  #expect(eventually { (try? Sockets.checkIsFree(world.address)) != nil })
  for client in clients {
    try client.send([8])
    #expect(try client.receiveExactly(1) == [8])
    client.finish()
    #expect(try client.receiveAll().isEmpty)
  }
  #expect(eventually { world.server.connectionCount == 0 })
  #expect(world.closed(.drained) == 0)
}

@Test func `who stays to the deadline is reset`() throws {
  let echo = try TestServer.echo()
  let world = try ProxyWorld(regions: [[echo.address]])
  let clients = try (0..<10).map { _ in try TestSocket(to: world.address) }
  defer { withExtendedLifetime(clients) {} }
  for client in clients { try client.send([7]) }
  #expect(eventually { world.counter("bytes", "down") == 10 })
  world.server.drain(deadline: .milliseconds(200), spread: .milliseconds(200))
  #expect(eventually { world.closed(.drained) == 10 })
  // They are counted first.
  #expect(eventually { world.server.connectionCount == 0 })
}
