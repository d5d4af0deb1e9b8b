import CLinux
import Compiling
import DNSWire
import Editions
import Foundation
import Logging
import NIOCore
import NIOPosix
import Places
import Publishing
import Replicating
import ServiceLifecycle
import Settings
import Synchronization
import Transferring
import Zones

/// Transfers as the node joins them to its parts: zones that come from primaries go into editions,
/// zones of editions go out to secondaries, who are told of changes.
final class TransferAssembly: Service {
  let desk: TransferDesk
  let secondaries: Secondaries
  private let notifier: Notifier
  let publisher: EditionPublisher
  /// Its own, so that a large zone keeps nobody waiting.
  private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
  private let logger: Logger

  init(_ settings: Settings, publisher: EditionPublisher, logger: Logger) {
    let now: @Sendable () -> Double = { Date.now.timeIntervalSince1970 }
    let notices = Notices()
    self.publisher = publisher
    self.logger = logger
    desk = TransferDesk(TransferRules(settings), now: now) { notices.add($0, from: $1) }
    let notifyClient = NotifyClient(group: group)
    let notifier = Notifier(desk: desk, logger: logger, now: now) {
      message, peer, timeout, isAnswer in
      await notifyClient.ask(message, of: peer, within: timeout, isAnswer: isAnswer)
    }
    self.notifier = notifier
    let client = TransferClient(group: group, now: now)
    secondaries = Secondaries(
      Secondaries.Surroundings(
        now: now, jitter: { .random(in: 0...1) },
        fetch: { (session, primary, limits) throws(TransferFault) in
          try await client.run(session, with: primary, limits: limits)
        },
        publish: { (zone, contents) throws(TransferFault) in
          try await publish(zone, contents, by: publisher)
          await announceZones(of: publisher, by: notifier)
        }),
      desk: desk, store: settings.stateFolder.map { ZoneStore(folder: $0 + "/zones") },
      limits: Secondaries.Limits(settings.transfers), logger: logger)
    notices.join(secondaries)
  }

  /// Serves what was kept of zones, and asks their primaries.
  func start() async {
    let settings = await publisher.compiled.settings
    await secondaries.replace(
      secondaryZones(settings), limits: Secondaries.Limits(settings.transfers))
  }

  func run() async throws {
    try? await gracefulShutdown()
    await secondaries.stop()
    await notifier.stop()
    try? await group.shutdownGracefully()
  }

  /// Tells the secondaries of what they do not know yet.
  func announce() async { await announceZones(of: publisher, by: notifier) }

  /// After a reload.
  ///
  /// - Parameter lost: zones that do not go with the new configuration.
  func update(_ settings: Settings, lost: [DomainName]) async {
    desk.replace(TransferRules(settings))
    for zone in lost {
      logger.error(
        "a zone of a primary does not go with the new configuration and is not served",
        metadata: ["zone": "\(zone)"])
    }
    await secondaries.lost(lost)
    await secondaries.replace(
      secondaryZones(settings), limits: Secondaries.Limits(settings.transfers))
    await announce()
  }
}

/// NOTIFYs on their way from the threads that answer to the secondaries: many of one zone are one.
private final class Notices: Sendable {
  private struct State {
    var waiting: [DomainName: IPAddress] = [:]
    var secondaries: Secondaries?
  }
  private let state = Mutex(State())

  func join(_ secondaries: Secondaries) { state.withLock { $0.secondaries = secondaries } }

  func add(_ zone: DomainName, from source: IPAddress) {
    let isFirst = state.withLock { state in
      defer { state.waiting[zone] = source }
      return state.waiting.isEmpty
    }
    if isFirst { Task { await deliver() } }
  }

  private func deliver() async {
    let (waiting, secondaries) = state.withLock { state in
      defer { state.waiting = [:] }
      return (state.waiting, state.secondaries)
    }
    for (zone, source) in waiting { await secondaries?.notified(zone, from: source) }
  }
}

private func publish(
  _ zone: DomainName, _ contents: ZoneContents?, by publisher: EditionPublisher
) async throws(TransferFault) {
  let steered = await publisher.compiled.secondaries[zone] ?? []
  var source: TransferredZone?
  if let contents {
    do throws(ZoneBlockFaults) {
      source = try TransferredZone(under: steered) { (steered) throws(ZoneBlockFaults) in
        try contents.block(under: steered)
      }
    } catch {
      throw .zone(ZoneRefusal(messages: error.faults.map(\.message)).description)
    }
  }
  do throws(ZoneRefusal) {
    try await publisher.replace(zone, by: source)
  } catch {
    throw .zone(error.description)
  }
  clinux_release_free_memory()
}

private func announceZones(of publisher: EditionPublisher, by notifier: Notifier) async {
  let settings = await publisher.compiled.settings
  let zones = publisher.desk.take().zones
  await notifier.announce(
    settings.zones.compactMap { zone in
      guard !zone.transfer.notify.isEmpty, let name = try? DomainName(zone.name),
        let index = zones.zone(named: name),
        let authority = ServedZone(zones.block(ofZone: index)).authority
      else { return nil }
      return Notifier.Announcement(
        zone: name, authority: authority,
        targets: zone.transfer.notify.map { target in
          Notifier.Target(
            address: target.address, key: target.key.map { TransferKey(settings.keys[$0]) })
        })
    })
}

// MARK: - Settings as transfers have them

private func secondaryZones(_ settings: Settings) -> [SecondaryZone] {
  settings.zones.compactMap { zone in
    guard let primary = zone.primary, let name = try? DomainName(zone.name) else { return nil }
    return SecondaryZone(
      name: name, primaries: primary.from,
      key: primary.key.map { TransferKey(settings.keys[$0]) })
  }
}

extension TransferKey {
  fileprivate init(_ key: Settings.Key) {
    self.init(
      name: (try? DomainName(key.name)) ?? .root,
      algorithm: Algorithm(rawValue: key.algorithm.rawValue) ?? .sha256, secret: key.secret)
  }
}

extension Secondaries.Limits {
  fileprivate init(_ transfers: Settings.Transfers) {
    self.init(
      zone: TransferReader.Limits(
        records: transfers.maximumZoneRecords, bytes: transfers.maximumZoneBytes),
      client: TransferClient.Limits(
        idleTimeout: transfers.idleTimeout, timeout: transfers.timeout),
      maximumTransfers: transfers.maximumIn)
  }
}

extension TransferRules {
  fileprivate init(_ settings: Settings) {
    let keys = settings.keys.map { TransferKey($0) }
    self.init(
      keys: keys, maximumTransfers: settings.transfers.maximumOut,
      maximumTransfersToClient: settings.transfers.maximumOutPerClient)
    for zone in settings.zones {
      guard let name = try? DomainName(zone.name) else { continue }
      zones[name] = Zone(
        allow: zone.transfer.allow.map { peer in
          switch peer {
          case .prefix(let prefix): .prefix(prefix)
          case .key(let index): .key(keys[index].name)
          }
        },
        primaries: zone.primary?.from ?? [],
        primaryKey: zone.primary?.key.map { keys[$0].name },
        servesDifferences: zone.steered.isEmpty)
    }
  }
}
