import Admin
import Compiling
import Counters
import Gating
import NIOPosix
import ProxyProtocol
import Publishing
import Routing
import SelfQuerying
import ServiceLifecycle
import Settings

/// Asks the node's own DNS each second, and says by that and by all else whether routes are to lead
/// here, until the node stops.
struct RouteGateService: Service {
  /// From one question to the next.
  private static let pace = Duration.seconds(1)
  /// How often is looked at what else is known.
  private static let interval = Duration.milliseconds(500)
  /// How often is looked whether there are such addresses, where there are none.
  private static let idleInterval = Duration.seconds(2)

  let gate: RouteGate
  let dataPlane: DataPlane
  let publisher: EditionPublisher
  let reloader: Reloader
  /// nil: the node stands alone.
  let fleet: FleetAssembly?

  func run() async throws {
    // A restart alone changes what it goes by.
    let query = SelfQuery(
      group: MultiThreadedEventLoopGroup.singleton,
      proxies: TrustedProxies(await publisher.compiled.settings.dns.trustedProxies))
    await cancelWhenGracefulShutdown {
      await withDiscardingTaskGroup { group in
        group.addTask { await ask(query) }
        group.addTask { await settle() }
      }
    }
  }

  private func ask(_ query: SelfQuery) async {
    let clock = ContinuousClock()
    while !Task.isCancelled {
      let next = clock.now + Self.pace
      let addresses = dataPlane.dnsAddresses
      if let question = gate.question, !addresses.isEmpty {
        let fault = await query.fault(
          of: addresses, name: question.name, type: question.type)
        if !Task.isCancelled { gate.note(fault: fault) }
      }
      try? await clock.sleep(
        until: gate.question == nil ? next + Self.idleInterval : next)
    }
  }

  private func settle() async {
    let clock = ContinuousClock()
    var lastConnected = clock.now
    while !Task.isCancelled {
      let settings = await publisher.compiled.settings
      guard settings.anycast != nil || gate.question != nil else {
        try? await Task.sleep(for: Self.idleInterval)
        continue
      }
      let isConnected = await fleet?.member.isConnected ?? true
      if isConnected { lastConnected = clock.now }
      await gate.settle(
        settings.anycast, evidence(settings, isConnected: isConnected),
        degraded: degraded(settings.anycast, lost: clock.now - lastConnected))
      try? await Task.sleep(for: Self.interval)
    }
  }

  private func evidence(
    _ settings: Settings, isConnected: Bool
  ) async -> AnycastGate.Evidence {
    AnycastGate.Evidence(
      isDrained: await isDrained(settings),
      isIsolated: await fleet?.health?.figures.isIsolated ?? false, isConnected: isConnected,
      others: fleet?.member.otherAnycastStandings ?? [])
  }

  /// An operator has taken the node's region away, or the part of it where the node stands.
  private func isDrained(_ settings: Settings) async -> Bool {
    guard settings.anycast?.followsRegion == true, let region = settings.node.region else {
      return false
    }
    let name = settings.regions[region].name
    return await publisher.overrides.contains { override in
      let target = override.target
      return [.drain, .down].contains(override.state) && target.region == name
        && (target.isRegion
          || (target.availabilityZone != nil
            && target.availabilityZone == settings.node.availabilityZone))
    }
  }

  /// - Parameter lost: since the fleet's store was there.
  private func degraded(_ settings: Settings.Anycast?, lost: Duration) async -> String? {
    guard fleet != nil, let settings else { return nil }
    if await !reloader.storedStanding.isValid { return "the node refuses what the store says" }
    return lost >= settings.staleAfter
      ? "the store was lost \(Int(lost / .seconds(1))) s ago" : nil
  }
}

/// Figures of the anycast gate for `/metrics`; none where there are no such addresses.
func anycastSamples(_ gate: RouteGate) -> [MetricSample] {
  guard let standing = gate.standing else { return [] }
  let counts = gate.counts
  return [("right", counts.right), ("wrong", counts.wrong)].map { result, count in
    MetricSample(
      "azimuth_self_queries_total", labels: [.init("result", result)], value: Double(count))
  } + [MetricSample("azimuth_anycast_announced", value: standing.isAnnounced ? 1 : 0)]
}
