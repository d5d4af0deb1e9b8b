import Probing
import Routing
import Testing

@Suite struct PassiveStateMachineTests {
  @Test func `an endpoint without monitor is healthy at once`() {
    let machine = PassiveStateMachine()
    #expect(machine.health == .healthy)
    #expect(machine.due == nil)
  }

  @Test func `three failures keep it away, and the cooling time lets it return`() {
    var machine = PassiveStateMachine()
    #expect(machine.noteConnectionFailures(2, now: .seconds(1)) == nil)
    let lost = machine.noteConnectionFailures(1, now: .seconds(2))
    #expect(lost?.to == .unhealthy)
    #expect(machine.due == .seconds(12))
    #expect(machine.wake(now: .seconds(11)) == nil)
    #expect(machine.noteConnectionFailures(5, now: .seconds(11)) == nil)
    #expect(machine.due == .seconds(12))
    #expect(machine.wake(now: .seconds(12))?.to == .healthy)
    #expect(machine.due == nil)
  }

  @Test func `failures far apart do not add up`() {
    var machine = PassiveStateMachine()
    for second in stride(from: 0, to: 200, by: 11) {
      #expect(machine.noteConnectionFailures(1, now: .seconds(second)) == nil)
    }
    #expect(machine.health == .healthy)
  }

  @Test func `the cooling time doubles up to its limit and starts over after a good time`() {
    var machine = PassiveStateMachine()
    var now = Duration.zero
    for expected in [10, 20, 40, 80, 160, 300, 300] {
      _ = machine.noteConnectionFailures(3, now: now)
      #expect(machine.due == now + .seconds(expected))
      now = (machine.due ?? now)
      _ = machine.wake(now: now)
      now += .seconds(1)
    }
    now += .seconds(300)
    _ = machine.noteConnectionFailures(3, now: now)
    #expect(machine.due == now + .seconds(10))
  }
}
