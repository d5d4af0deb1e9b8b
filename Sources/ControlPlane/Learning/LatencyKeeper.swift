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
///
/// In a fleet what other nodes have told is laid over the model first; see `LatencyKeeper+Sharing`.
package actor LatencyKeeper {
  let publisher: EditionPublisher
  private let logger: Logger
  private let now: @Sendable () -> Double
  /// What this node has measured since it was last asked: its proxy and its health checks.
  private let collect: @Sendable () async -> Measurements
  /// What this node has measured, and what imported tables say.
  var model: LatencyModel?
  /// Of the configuration that ``model`` has its regions from.
  private var revision: UInt64 = 0
  private var generation: UInt64 = 0
  private var rowsAddedAt: UInt32 = 0
  /// Regions, or the round trips between them, are others since maps were compiled.
  private var mustCompile = false
  private var savedAt = 0.0

  /// The name of this node in a fleet whose nodes tell each other; nil: it is by itself.
  let nodeID: String?
  /// What this node has measured and nobody else, for its word.
  var own: LatencyModel?
  /// What others have told.
  var shared = LatencyWords()
  /// ``model`` and what others have told: what maps are compiled from; nil: ``model`` alone.
  var joined: LatencyModel?
  var isJoinDue = true
  var joinedAt: UInt32 = 0
  /// What was kept on the disk is taken up: it says more than the words of the store.
  private(set) var hasStarted = false
  /// What nodes had told when it had not started yet.
  var heard: [String: LatencyWord] = [:]
  /// Its own word of an earlier life was heard.
  var hasTakenBack = false
  package internal(set) var counts = LatencyCounts()

  static let fileName = "latencies.csv"
  /// Seconds between two savings.
  private static let saveInterval = 300.0

  /// - Parameters:
  ///   - nodeID: of this node in a fleet whose nodes tell each other what they measure; nil: it is
  ///     by itself.
  ///   - now: seconds since 1970.
  package init(
    publisher: EditionPublisher, logger: Logger, nodeID: String? = nil,
    now: @escaping @Sendable () -> Double,
    collect: @escaping @Sendable () async -> Measurements = { Measurements() }
  ) {
    self.publisher = publisher
    self.logger = logger
    self.nodeID = nodeID
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
    for line in (await stateText() ?? "").split(separator: "\n") {
      guard let record = LatencyRecord(line: line) else { continue }
      model?.restore(record, now: seconds(), maximumAge: maximumAge)
    }
    await restoreWords()
    hasStarted = true
    await take(heard)
    heard = [:]
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
        let expected = (joined ?? model).estimates(from: client, network: network)[region],
        expected.milliseconds <= sample.milliseconds
      {
        continue
      }
      model.add(
        milliseconds: sample.milliseconds, count: sample.count, from: client, network: network,
        to: region, now: seconds())
      // Without a place: ASNs and countries learn in ``model``.
      own?.add(
        milliseconds: sample.milliseconds, count: sample.count, from: LatencyClient(point: nil),
        network: network, to: region, now: seconds())
      taken += 1
    }
    self.model = model
    counts.taken += taken
    counts.ignored += samples.count - taken
    isJoinDue = true
    if nodeID == nil { counts.networks = model.networkCount }
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
    isJoinDue = true
  }

  /// Follows a reload: other regions, or policies that ask for latencies now, or no more.
  func adoptConfiguration() async {
    let current = await publisher.edition.revision
    guard current != revision else { return }
    let compiled = await publisher.compiled
    // Somebody else may have done it meanwhile.
    guard current != revision else { return }
    revision = current
    guard let view = compiled.model.latency else {
      (model, own, joined, hasTakenBack) = (nil, nil, nil, false)
      return
    }
    adopt(view.model.sites, view.model.limits)
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

  /// Follows other regions with what a fleet's nodes tell each other.
  private func adopt(_ sites: [LatencySite], _ limits: LatencyLimits) {
    isJoinDue = true
    joined = joined?.carried(to: sites, limits: limits)
    guard nodeID != nil else { return }
    var ownLimits = limits
    ownLimits.networks = min(limits.networks, Self.ownLimits)
    own =
      own?.carried(to: sites, limits: ownLimits)
      ?? LatencyModel(sites: sites, limits: ownLimits)
  }

  /// Imported tables don't fade: they are counted again before they have lost half their weight.
  private func refreshTables() async {
    let compiled = await publisher.compiled
    guard let tables = compiled.latencyTables, let halfLife = model?.limits.halfLifeSeconds,
      Double(seconds()) - Double(rowsAddedAt) > halfLife / 2
    else { return }
    model?.add(tables, places: compiled.places, now: seconds())
    rowsAddedAt = seconds()
    isJoinDue = true
  }

  /// Has maps compiled if any estimate has moved.
  private func compile() async {
    let compiled = await publisher.compiled
    let hasMoved = publishKnown(compiled)
    guard hasMoved || mustCompile, let model = joined ?? model else { return }
    mustCompile = false
    generation += 1
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

  /// - Returns: whether any estimate may have changed.
  private func publishKnown(_ compiled: CompiledSettings) -> Bool {
    guard nodeID != nil else { return model?.publish(at: seconds()) == true }
    let maximumAge = UInt32(clamping: compiled.settings.latency.maximumAge.components.seconds)
    return publishJoined(compiled.places, maximumAge: maximumAge)
  }

  func seconds() -> UInt32 { UInt32(clamping: Int(now())) }
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
    guard let model, let file = await stateFile(),
      let folder = await publisher.compiled.settings.stateFolder
    else { return }
    let records = model.records(now: seconds(), maximumAge: await maximumAgeSeconds())
    let text = records.map(\.line).joined(separator: "\n") + "\n"
    do {
      try file.replace(with: Data(text.utf8))
      try saveWords(in: folder)
    } catch {
      logger.warning("latencies cannot be kept", metadata: ["reason": "\(error)"])
    }
  }
}
