import Places
import Probing
import Routing
import TestSupport
import Testing

@Suite struct ProbeSchedulerTests {
  @Test func `ten thousand targets start uniformly, in the first round and later`() {
    let targets = (0..<10_000).map { target("e\($0)") }
    var simulation = Simulation(
      targets: targets, maximumConcurrent: 1000, jitter: 0.1, seed: 2024)
    simulation.run(until: .seconds(20)) { _, _, generator in
      (.milliseconds(Int.random(in: 1...20, using: &generator)), .success)
    }
    let times = simulation.starts.map(\.at)
    let first = times.filter { $0 < .seconds(1) }
    #expect(Set(simulation.starts.prefix(10_000).map(\.endpointID)).count > 9000)
    #expect(isUniform(first, from: .zero, to: .seconds(1)))
    #expect(isUniform(times, from: .seconds(10), to: .seconds(20)))
    #expect(simulation.scheduler.isComplete)
  }

  @Test(arguments: 0..<5) func `never more probes than the cap, never two of one endpoint`(
    _ seed: UInt64
  ) {
    let monitor = tcpMonitor(interval: .seconds(2), fast: .milliseconds(200))
    let targets = (0..<500).map { target("e\($0)", monitor: monitor) }
    var simulation = Simulation(targets: targets, maximumConcurrent: 20, jitter: 0.2, seed: seed)
    var ends: [String: Duration] = [:]
    simulation.run(until: .seconds(60)) { id, now, generator in
      #expect(ends[id] ?? .zero <= now, "seed \(seed)")
      let took = Duration.milliseconds(Int.random(in: 1...500, using: &generator))
      ends[id] = now + took
      return (took, Bool.random(using: &generator) ? .success : .failure("f"))
    }
    #expect(simulation.highestInFlight == 20)
    // Overloaded as it is, nobody starves.
    #expect(ends.count == 500)
    #expect(ends.values.allSatisfy { $0 > .seconds(45) })
  }

  @Test func `a few targets have their first results at once`() {
    var simulation = Simulation(
      targets: (0..<6).map { target("e\($0)") }, maximumConcurrent: 10, jitter: 0.1, seed: 1)
    simulation.run(until: .milliseconds(8)) { _, _, _ in (.milliseconds(1), .success) }
    #expect(simulation.scheduler.isComplete)
    #expect(simulation.changes.count == 6)
  }

  @Test func `a reload keeps what is known of unchanged targets`() {
    let old = [target("a"), target("b"), target("c"), target("d")]
    var simulation = Simulation(targets: old, maximumConcurrent: 10, jitter: 0, seed: 1)
    simulation.run(until: .seconds(1)) { id, _, _ in
      (.zero, id == "b" ? .failure("f") : .success)
    }
    let dueBefore = simulation.scheduler.nextDue
    // b has another monitor, c another address, d is gone, e is new and f has no monitor.
    let new = [
      target("a"), target("b", monitor: tcpMonitor(fall: 5)), target("c", port: 2), target("e"),
      target("f", monitor: nil), target("a", port: 3),
    ]
    simulation.scheduler.replaceTargets(
      new, maximumConcurrent: 10, jitter: 0, now: .seconds(1), using: &simulation.generator)
    let states = simulation.scheduler.states
    #expect(states["a"] == EndpointState(health: .healthy, lastGood: .max))
    #expect(states["b"]?.health == .unhealthy)
    #expect(states["c"] == EndpointState(health: .unknown, lastGood: 0))
    #expect(states["d"] == nil)
    #expect(states["e"]?.health == .unknown)
    #expect(states["f"] == EndpointState(health: .healthy, lastGood: .max))
    #expect(!simulation.scheduler.isComplete)
    #expect(simulation.scheduler.reports.map(\.endpointID) == ["a", "b", "c", "e", "f"])
    #expect(dueBefore != nil)
    // The new monitor's first result decides, whatever the old one found.
    simulation.changes = []
    simulation.run(until: .milliseconds(1100)) { _, _, _ in (.zero, .success) }
    #expect(Set(simulation.changes.map(\.endpointID)) == ["b", "c", "e"])
    #expect(simulation.scheduler.isComplete)
  }

  @Test func `a probe of a replaced target counts for nothing but holds its successor back`() {
    var generator = SeededGenerator(seed: 1)
    var scheduler = ProbeScheduler(maximumConcurrent: 10, jitter: 0)
    func replace(_ target: ProbeTarget, at now: Duration) {
      scheduler.replaceTargets(
        [target], maximumConcurrent: 10, jitter: 0, now: now, using: &generator)
    }
    replace(target("a"), at: .zero)
    let first = scheduler.advance(now: .milliseconds(1)).starts
    #expect(first.count == 1)
    replace(target("a", port: 2), at: .milliseconds(2))
    #expect(scheduler.advance(now: .seconds(1)).starts.isEmpty)
    let change = scheduler.finish(
      first[0].token, outcome: .success, took: .zero, now: .seconds(2), using: &generator)
    #expect(change == nil)
    #expect(scheduler.states["a"]?.health == .unknown)
    let second = scheduler.advance(now: .seconds(2)).starts
    #expect(second.map(\.target.address.port) == [2])
    #expect(
      scheduler.finish(
        first[0].token, outcome: .success, took: .zero, now: .seconds(2), using: &generator)
        == nil)
    #expect(scheduler.inFlightCount == 1)
  }

  @Test func `losses are numbered in their order`() {
    let monitor = tcpMonitor(fall: 1)
    var simulation = Simulation(
      targets: ["a", "b", "c"].map { target($0, monitor: monitor) }, maximumConcurrent: 10,
      jitter: 0, seed: 3)
    simulation.run(until: .seconds(1)) { id, _, _ in
      (.zero, id == "c" ? .failure("never was") : .success)
    }
    for id in ["b", "a"] {
      let change = simulation.scheduler.noteConnectionFailures(of: id, count: 1, now: .seconds(2))
      #expect(change?.state.health == .unhealthy)
    }
    let states = simulation.scheduler.states
    #expect(states["b"]?.lastGood == 1)
    #expect(states["a"]?.lastGood == 2)
    #expect(states["c"]?.lastGood == 0)
    #expect(simulation.scheduler.noteConnectionFailures(of: "x", count: 1, now: .zero) == nil)
  }

  @Test func `an endpoint without monitor cools down and returns by itself`() {
    var simulation = Simulation(
      targets: [target("a", monitor: nil)], maximumConcurrent: 1, jitter: 0, seed: 1)
    #expect(simulation.scheduler.isComplete)
    _ = simulation.scheduler.noteConnectionFailures(of: "a", count: 3, now: .zero)
    #expect(simulation.scheduler.states["a"]?.health == .unhealthy)
    simulation.run(until: .seconds(20)) { _, _, _ in (.zero, .success) }
    #expect(simulation.changes.map(\.transition.at) == [.seconds(10)])
    #expect(simulation.starts.isEmpty)
    #expect(simulation.scheduler.states["a"]?.lastGood == .max)
  }

  @Test func `the time of probes is smoothed, and those that fail are left out`() {
    var simulation = Simulation(
      targets: [target("a")], maximumConcurrent: 1, jitter: 0, seed: 1)
    #expect(simulation.scheduler.reports.first?.roundTrip == nil)
    var count = 0
    simulation.run(until: .seconds(30)) { _, _, _ in
      count += 1
      switch count {
      case 1: return (.milliseconds(80), .success)
      case 2: return (.milliseconds(160), .success)
      default: return (.milliseconds(1), .failure("f"))
      }
    }
    #expect(count > 2 && simulation.scheduler.reports.first?.roundTrip == .milliseconds(90))
  }

  @Test func `reports say what the last probe found`() {
    var simulation = Simulation(
      targets: [target("a")], maximumConcurrent: 1, jitter: 0, seed: 1)
    simulation.run(until: .milliseconds(500)) { _, _, _ in (.milliseconds(3), .failure("gone")) }
    let report = simulation.scheduler.reports[0]
    #expect(report.lastProbe?.outcome == .failure("gone"))
    #expect(report.failuresInARow == 1)
    #expect(report.lastTransition?.to == .unhealthy)
    #expect(!report.isProbing)
    #expect(simulation.scheduler.counts.failed == 1)
    #expect(simulation.scheduler.counts.transitions == 1)
  }
}
