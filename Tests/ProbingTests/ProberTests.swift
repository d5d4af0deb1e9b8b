import Logging
import NIOPosix
import Probing
import Routing
import Synchronization
import Testing

@testable import Settings

@Suite(.timeLimit(.minutes(1))) struct ProberTests {
  /// What endpoints would answer, what was published and what was logged.
  final class World: Sendable {
    struct State {
      var outcomes: [String: ProbeOutcome] = [:]
      var passive: [(endpointID: String, failures: Int)] = []
      var updates: [HealthUpdate] = []
      var lines: [String] = []
    }
    let state = Mutex(State())

    func set(_ outcome: ProbeOutcome, of ids: [String]) {
      state.withLock { for id in ids { $0.outcomes[id] = outcome } }
    }
    func fail(_ id: String, count: Int) { state.withLock { $0.passive.append((id, count)) } }
    var updates: [HealthUpdate] { state.withLock { $0.updates } }
    var lines: [String] { state.withLock { $0.lines } }

    /// Without an outcome a probe never ends by itself.
    func outcome(of target: ProbeTarget) async -> ProbeOutcome {
      if let outcome = state.withLock({ $0.outcomes[target.endpointID] }) { return outcome }
      try? await Task.sleep(for: .seconds(3600))
      return .inconclusive("cancelled")
    }

    func prober(
      _ targets: [ProbeTarget], deadline: Duration = .seconds(600)
    ) -> Prober {
      Prober(
        targets: targets, settings: checking(deadline: deadline),
        eventLoop: MultiThreadedEventLoopGroup.singleton.any(),
        logger: Logger(label: "test") { _ in LineLog(world: self) },
        probe: { await self.outcome(of: $0) },
        passiveFailures: {
          self.state.withLock { state in
            defer { state.passive = [] }
            return state.passive
          }
        },
        publish: { update in self.state.withLock { $0.updates.append(update) } })
    }

    func wait(until isTrue: @Sendable (World) -> Bool) async {
      while !isTrue(self) { try? await Task.sleep(for: .milliseconds(1)) }
    }
  }

  struct LineLog: LogHandler {
    let world: World
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace
    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }
    func log(event: LogEvent) {
      let pairs = (event.metadata ?? [:]).map { "\($0.key)=\($0.value)" }.sorted()
      let line = "\(event.level) \(event.message) \(pairs.joined(separator: " "))"
      world.state.withLock { $0.lines.append(line) }
    }
  }

  static func checking(deadline: Duration) -> Settings.HealthChecking {
    Settings.HealthChecking(
      firstRoundDeadline: deadline, maximumConcurrentChecks: 1000, jitter: 0.1)
  }
  static func checking() -> Settings.HealthChecking { checking(deadline: .seconds(600)) }

  static let quick = tcpMonitor(interval: .milliseconds(100), fast: .milliseconds(20))
  static let slow = tcpMonitor(interval: .seconds(3600), fast: .seconds(3600))

  @Test func `the first round ends when every endpoint has a result`() async {
    let world = World()
    world.set(.success, of: ["a"])
    world.set(.failure("connection refused"), of: ["b"])
    let prober = world.prober([target("a"), target("b"), target("c", monitor: nil)])
    await running(prober) {
      await world.wait { $0.updates.last?.isFirstRoundComplete == true }
    }
    // Published as one.
    #expect(world.updates.count == 1)
    #expect(Set(world.updates[0].changes.map(\.endpointID)) == ["a", "b"])
    #expect(await prober.states["c"] == EndpointState(health: .healthy, lastGood: .max))
    #expect(await prober.states["b"] == EndpointState(health: .unhealthy, lastGood: 0))
    #expect(world.lines.count == 2)
    #expect(
      world.lines.contains(
        "warning endpoint health changed "
          + "cause=connection refused endpoint=b from=unknown to=unhealthy"))
  }

  @Test func `the first round ends at its deadline at the latest`() async {
    let world = World()
    world.set(.success, of: ["a"])
    let prober = world.prober([target("a"), target("b")], deadline: .milliseconds(300))
    await running(prober) {
      await world.wait { $0.updates.last?.isFirstRoundComplete == true }
      #expect(await prober.reports.map(\.isProbing) == [false, true])
    }
    #expect(await prober.states["b"]?.health == .unknown)
  }

  @Test func `without targets the first round is complete`() async {
    let world = World()
    await running(world.prober([])) {
      await world.wait { $0.updates == [HealthUpdate(changes: [], isFirstRoundComplete: true)] }
    }
  }

  @Test func `a mass failure makes few updates`() async {
    let world = World()
    let ids = (0..<300).map { "e\($0)" }
    world.set(.success, of: ids)
    let prober = world.prober(ids.map { target($0, monitor: Self.quick) })
    await running(prober) {
      await world.wait { $0.updates.last?.isFirstRoundComplete == true }
      let updateCount = world.updates.count
      world.set(.failure("gone"), of: ids)
      await world.wait { world in
        Set(
          world.updates.flatMap(\.changes).filter { $0.state.health == .unhealthy }
            .map(\.endpointID)
        ).count == 300
      }
      #expect(world.updates.count - updateCount < 60)
    }
  }

  @Test func `passive failures complete the fall and bring a probe`() async {
    let world = World()
    world.set(.success, of: ["a"])
    let prober = world.prober([target("a", monitor: Self.slow), target("b", monitor: nil)])
    await running(prober) {
      await world.wait { $0.updates.last?.isFirstRoundComplete == true }
      world.fail("a", count: 3)
      world.fail("b", count: 3)
      world.fail("stranger", count: 3)
      await world.wait { world in
        world.updates.flatMap(\.changes).filter { $0.state.health == .unhealthy }.count == 2
      }
    }
    #expect(await prober.counts.passiveFailures == 6)
    #expect(world.lines.contains { $0.contains("cause=3 connections failed endpoint=a") })
  }

  @Test func `a reload carries over what it can and probes what is new`() async {
    let world = World()
    world.set(.success, of: ["a", "b"])
    let prober = world.prober([target("a", monitor: Self.slow)])
    await running(prober) {
      await world.wait { $0.updates.last?.isFirstRoundComplete == true }
      let states = await prober.replaceTargets(
        [target("a", monitor: Self.slow), target("b", monitor: Self.slow)],
        settings: Self.checking())
      #expect(states["a"]?.health == .healthy)
      #expect(states["b"]?.health == .unknown)
      await world.wait { $0.updates.last?.changes.map(\.endpointID) == ["b"] }
    }
    #expect(await prober.counts.started == 2)
    #expect(await prober.counts.succeeded == 2)
  }

  @Test func `what cannot be probed is logged and stays as it was`() async {
    let world = World()
    world.set(.inconclusive("no file descriptor left"), of: ["a"])
    let prober = world.prober([target("a", monitor: Self.quick)], deadline: .milliseconds(50))
    await running(prober) {
      await world.wait { $0.updates.last?.isFirstRoundComplete == true && $0.lines.count > 0 }
    }
    #expect(await prober.states["a"]?.health == .unknown)
    #expect(
      world.lines.first
        == "warning probe could not be made cause=no file descriptor left endpoint=a")
  }

  @Test func `times are since 1970`() async {
    let world = World()
    world.set(.success, of: ["a"])
    let prober = world.prober([target("a", monitor: Self.slow)])
    await running(prober) { await world.wait { !$0.updates.isEmpty } }
    let at = await prober.reports.first?.lastProbe?.at ?? .zero
    #expect(at > .seconds(1_700_000_000))
  }

  /// Runs the prober during the body, and waits for its end.
  private func running(_ prober: Prober, _ body: () async -> Void) async {
    let task = Task { await prober.run() }
    await body()
    task.cancel()
    await task.value
  }
}
