import Compiling
import Editions
import Foundation
import Latency
package import Logging
import Places
package import Publishing
import Routing
import Settings
import StateFiles

/// Owns what is learned of latencies: takes samples, has the maps compiled anew where estimates
/// have moved, and keeps everything over a restart.
///
///     samples ─→ model ─→ every `interval`: publish ─→ compile maps ─→ publisher
///                  └────→ every `saveInterval`, and at the end: a file in `state`
package actor LatencyKeeper {
  private let publisher: EditionPublisher
  private let logger: Logger
  private let now: @Sendable () -> Double
  /// What this node has measured since it was last asked: its proxy and its health checks.
  private let collect: @Sendable () async -> Measurements
  private var model: LatencyModel?
  /// Of the configuration that ``model`` has its regions from.
  private var revision: UInt64 = 0
  private var generation: UInt64 = 0
  private var rowsAddedAt: UInt32 = 0
  /// Regions, or the round trips between them, are others since maps were compiled.
  private var mustCompile = false
  private var savedAt = 0.0
  package private(set) var counts = LatencyCounts()

  static let fileName = "latencies.csv"
  /// Seconds between two savings.
  private static let saveInterval = 300.0

  /// - Parameter now: seconds since 1970.
  package init(
    publisher: EditionPublisher, logger: Logger, now: @escaping @Sendable () -> Double,
    collect: @escaping @Sendable () async -> Measurements = { Measurements() }
  ) {
    self.publisher = publisher
    self.logger = logger
    self.now = now
    self.collect = collect
  }

  /// Until the task is cancelled.
  package func run() async {
    await start()
    while !Task.isCancelled {
      let interval = await publisher.compiled.settings.latency.interval
      try? await Task.sleep(for: interval)
      await tick()
    }
    await save()
  }

  /// Takes up what was kept, and compiles it.
  package func start() async {
    await adoptConfiguration()
    let maximumAge = await maximumAgeSeconds()
    guard let text = await stateText() else { return }
    for line in text.split(separator: "\n") {
      guard let record = LatencyRecord(line: line) else { continue }
      model?.restore(record, now: seconds(), maximumAge: maximumAge)
    }
    savedAt = now()
    await compile()
  }

  /// Takes samples; those of regions that there are none of are counted and forgotten.
  ///
  /// - Returns: how many were taken.
  @discardableResult
  package func add(_ samples: [LatencySample]) async -> Int {
    await adoptConfiguration()
    let places = await publisher.compiled.places
    guard var model = model else {
      counts.ignored += samples.count
      return 0
    }
    // The only copy, so that it is changed in place.
    self.model = nil
    var taken = 0
    for sample in samples {
      guard let region = model.sites.firstIndex(where: { $0.name == sample.region }) else {
        continue
      }
      let network = LatencyNetwork(of: sample.client)
      let client = LatencyClient(of: network, in: places)
      if sample.isDetour,
        let expected = model.estimates(from: client, network: network)[region],
        expected.milliseconds <= sample.milliseconds
      {
        continue
      }
      model.add(
        milliseconds: sample.milliseconds, count: sample.count, from: client, network: network,
        to: region, now: seconds())
      taken += 1
    }
    self.model = model
    counts.taken += taken
    counts.ignored += samples.count - taken
    counts.networks = model.networkCount
    return taken
  }

  /// What is due: collected samples, imported tables that have faded, maps, the file.
  package func tick() async {
    let collected = await collect()
    if !collected.samples.isEmpty { await add(collected.samples) }
    await adoptConfiguration()
    for roundTrip in collected.regionRoundTrips { take(roundTrip) }
    await refreshTables()
    await compile()
    if now() - savedAt >= Self.saveInterval { await save() }
  }

  /// Takes a round trip between regions where it has moved by a tenth and 2 ms, so that a check
  /// that was slow once compiles nothing for nothing.
  private func take(_ roundTrip: RegionRoundTrip) {
    guard let from = model?.sites.firstIndex(where: { $0.name == roundTrip.from }),
      let to = model?.sites.firstIndex(where: { $0.name == roundTrip.to })
    else { return }
    let before = model?.roundTrip(from: from, to: to) ?? -1_000
    guard abs(before - roundTrip.milliseconds) > max(2, before / 10) else { return }
    model?.setRoundTrip(milliseconds: roundTrip.milliseconds, from: from, to: to)
    mustCompile = true
  }

  /// Follows a reload: other regions, or policies that ask for latencies now, or no more.
  private func adoptConfiguration() async {
    let current = await publisher.edition.revision
    guard current != revision else { return }
    let compiled = await publisher.compiled
    revision = current
    guard let view = compiled.model.latency else {
      model = nil
      return
    }
    generation = max(generation, view.generation)
    rowsAddedAt = seconds()
    guard let known = model else {
      model = view.model
      return
    }
    var carried = known.carried(to: view.model.sites, limits: view.model.limits)
    if let tables = compiled.latencyTables {
      carried.add(tables, places: compiled.places, now: seconds())
    }
    model = carried
    mustCompile = true
  }

  /// Imported tables don't fade: they are counted again before they have lost half their weight.
  private func refreshTables() async {
    let compiled = await publisher.compiled
    guard let tables = compiled.latencyTables, let halfLife = model?.limits.halfLifeSeconds,
      Double(seconds()) - Double(rowsAddedAt) > halfLife / 2
    else { return }
    model?.add(tables, places: compiled.places, now: seconds())
    rowsAddedAt = seconds()
  }

  /// Has maps compiled if any estimate has moved.
  private func compile() async {
    guard model?.publish(at: seconds()) == true || mustCompile, let model else { return }
    mustCompile = false
    generation += 1
    let compiled = await publisher.compiled
    let started = now()
    let next = compiled.learning(LatencyView(model, generation: generation))
    // After a reload meanwhile the next tick compiles for the new configuration.
    guard await publisher.learn(next, revision: revision) else { return }
    counts.compilations += 1
    logger.debug(
      "latencies compiled",
      metadata: [
        "networks": "\(model.networkCount)",
        "milliseconds": "\(Int((now() - started) * 1000))",
      ])
  }

  private func seconds() -> UInt32 { UInt32(clamping: Int(now())) }
}

// MARK: - over a restart

extension LatencyKeeper {
  private func stateFile() async -> StateFile? {
    await publisher.compiled.settings.stateFolder.map { StateFile(Self.fileName, in: $0) }
  }

  private func stateText() async -> String? {
    await stateFile()?.contents.flatMap { String(data: $0, encoding: .utf8) }
  }

  private func maximumAgeSeconds() async -> UInt32 {
    UInt32(clamping: await publisher.compiled.settings.latency.maximumAge.components.seconds)
  }

  /// Writes everything that is not too old.
  package func save() async {
    savedAt = now()
    guard let model, let file = await stateFile() else { return }
    let records = model.records(now: seconds(), maximumAge: await maximumAgeSeconds())
    let text = records.map(\.line).joined(separator: "\n") + "\n"
    do {
      try file.replace(with: Data(text.utf8))
    } catch {
      logger.warning("latencies cannot be kept", metadata: ["reason": "\(error)"])
    }
  }
}
