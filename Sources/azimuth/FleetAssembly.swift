import Admin
import Clustering
import Compiling
import Counters
import Logging
import Probing
import Publishing
import ServiceLifecycle
import Settings

/// What a node of a fleet has besides: its part in settling with the others what counts.
struct FleetAssembly: Sendable {
  let member: FleetMember
  /// nil: the node goes by its own checks.
  let health: FleetHealth?
  /// nil: nodes do not tell each other what they measure.
  let latencies: FleetLatencies?
  private let overrides: FleetOverrides
  private let primaries: FleetPrimaries
  private let rollouts: FleetRollouts

  init(
    _ member: FleetMember, _ compiled: CompiledSettings, publisher: EditionPublisher,
    counters: CounterBoard, logger: Logger
  ) {
    self.member = member
    health = compiled.settings.fleet?.health.map { rules in
      FleetHealth(
        compiled, rules: rules, nodeID: member.start.nodeID, prefix: member.start.prefix,
        publisher: publisher)
    }
    latencies =
      compiled.settings.fleet?.sharesLatencies == true
      ? FleetLatencies(member, logger: logger) : nil
    overrides = FleetOverrides(member, publisher: publisher, logger: logger)
    primaries = FleetPrimaries(member, publisher: publisher, logger: logger)
    rollouts = FleetRollouts(member, publisher: publisher, counters: counters, logger: logger)
  }

  func services(_ reloader: Reloader, _ prober: Prober) -> [any Service] {
    // The first ends last, and closes the store.
    var services: [any Service] = [FleetService(member: member, reloader: reloader)]
    if let health {
      services.append(FleetHealthService(health: health, member: member, prober: prober))
    }
    return services + [
      FleetOverrideService(overrides: overrides, member: member),
      FleetPrimaryService(primaries: primaries, member: member),
      FleetRolloutService(rollouts: rollouts, member: member),
    ]
  }

  /// Lets operators see it, and change it.
  func join(_ sources: inout AdminSources, _ reloader: Reloader) {
    sources.fleet = {
      var report = await member.report
      report.rollout = await rollouts.report
      return report
    }
    sources.fleetVotes = { await azimuth.fleetVotes(health) }
    let configuration = FleetConfiguration(member: member, source: reloader.source)
    sources.sharedConfiguration = configuration
    sources.rollouts = FleetRolloutDesk(
      configuration: configuration, member: member, rollouts: rollouts)
    sources.sharedOverrides = overrides.shared
    sources.makeSharedPrimary = {
      region, service, acceptance, epoch throws(PrimaryRefusal) in
      try await primaries.makePrimary(region, service, acceptance, epoch)
    }
  }

  /// For `/metrics`.
  func samples(_ reloader: Reloader) async -> [MetricSample] {
    await fleetSamples(member, reloader) + fleetHealthSamples(health) + overrides.samples
      + (latencies?.samples ?? []) + primaries.samples + rollouts.samples
  }
}
