import Admin
import Compiling
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

  init(
    _ member: FleetMember, _ compiled: CompiledSettings, publisher: EditionPublisher,
    logger: Logger
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
    ]
  }

  /// Lets operators see it, and change it.
  func join(_ sources: inout AdminSources, _ reloader: Reloader) {
    sources.fleet = { await member.report }
    sources.fleetVotes = { await azimuth.fleetVotes(health) }
    sources.sharedConfiguration = FleetConfiguration(member: member, source: reloader.source)
    sources.sharedOverrides = overrides.shared
    sources.makeSharedPrimary = {
      region, service, acceptance, epoch throws(PrimaryRefusal) in
      try await primaries.makePrimary(region, service, acceptance, epoch)
    }
  }

  /// For `/metrics`.
  func samples(_ reloader: Reloader) async -> [MetricSample] {
    await fleetSamples(member, reloader) + fleetHealthSamples(health) + overrides.samples
      + (latencies?.samples ?? []) + primaries.samples
  }
}
