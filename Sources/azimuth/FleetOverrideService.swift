import Admin
import Clustering
import Engine
import Foundation
import Logging
import Publishing
import ServiceLifecycle
import Settings
import StateFiles

/// The fleet's overrides on this node: what the store says is in force here, and what is said here
/// comes to the store; at once by compare and swap, or when the store is back.
actor FleetOverrides {
  private let member: FleetMember
  private let publisher: EditionPublisher
  private let file: StateFile?
  private let logger: Logger
  private let prefix: String
  private var section: FleetSection<SharedOverride>
  private var ledger: OverrideLedger
  private var kept: OverrideLedger
  private var isSending = false
  /// Nothing was heard of the store yet: what a process before has left stays.
  private var isBlind = true

  init(_ member: FleetMember, publisher: EditionPublisher, logger: Logger) {
    self.member = member
    self.publisher = publisher
    self.logger = logger
    prefix = member.start.prefix + "override/"
    section = FleetSection(prefix: prefix) { SharedOverride($0) }
    file = member.start.stateFolder.map { StateFile("fleet-overrides.json", in: $0) }
    ledger = OverrideLedger(
      node: member.start.nodeID, entries: file?.contents.flatMap { keptEntries($0) } ?? [:])
    kept = ledger
  }

  /// Of one word more than is likely.
  private static let mostAttempts = 8
  /// How often it looks for what has ended or is still to be written.
  static let tick = Duration.seconds(1)

  private var now: Double { Date.now.timeIntervalSince1970 }

  func take(_ picture: StorePicture) async {
    _ = section.take(picture)
    var stored: [Override.Target: OverrideLedger.Stored] = [:]
    for (key, found) in section.values {
      guard let target = Override.Target(storeKey: key) else { continue }
      stored[target] = .init(record: found.value, revision: found.revision)
    }
    for key in section.malformed {
      guard let target = Override.Target(storeKey: key) else { continue }
      let revision = picture.entries[prefix + key]?.revision ?? 0
      stored[target] = .init(record: nil, revision: revision)
    }
    ledger.take(stored, revision: picture.revision, isVerified: picture.isVerified)
    isBlind = isBlind && !picture.isVerified
    await advance()
  }

  /// Lets words end, and gives the store what it lacks.
  func advance() async {
    await apply()
    guard !isSending, await member.isConnected else { return }
    isSending = true
    defer { isSending = false }
    for (target, _) in ledger.due { await send(target) }
    for (target, revision) in ledger.forgettable(now: now) {
      let key = prefix + target.storeKey
      _ = try? await member.commit(
        StoreTransaction(expected: [key: revision], writes: [.delete(key)]))
    }
    await apply()
  }

  /// Until it stands, or the store fails.
  private func send(_ target: Override.Target) async {
    for _ in 0..<Self.mostAttempts {
      guard let entry = ledger.entries[target], entry.isPending else { return }
      do throws(StoreFault) {
        _ = try await commit(entry, of: target)
      } catch {
        logger.debug(
          "an override waits for the fleet's store",
          metadata: ["target": "\(target)", "fault": "\(error)"])
        return
      }
    }
  }

  /// - Returns: nil: it stands; else what stands there.
  private func commit(
    _ entry: OverrideLedger.Entry, of target: Override.Target
  ) async throws(StoreFault) -> OverrideLedger.Stored?? {
    let key = prefix + target.storeKey
    let outcome = try await member.commit(
      StoreTransaction(
        expected: [key: entry.revision], writes: [.put(key, entry.record.bytes, lease: 0)]))
    switch outcome {
    case .committed(let revision):
      ledger.committed(entry.record, of: target, revision: revision)
      return nil
    case .lost(let entries):
      let found = entries[key].map {
        OverrideLedger.Stored(record: SharedOverride($0.value), revision: $0.revision)
      }
      // Written by a member that was gone before it said so.
      if let found, found.record == entry.record {
        ledger.committed(entry.record, of: target, revision: found.revision)
        return nil
      }
      ledger.take(found, of: target)
      return .some(found)
    }
  }

  private func apply() async {
    if ledger != kept { keep() }
    guard !isBlind || !ledger.entries.isEmpty else { return }
    await publisher.replaceOverrides(with: ledger.overrides(at: now))
  }

  private func keep() {
    kept = ledger
    do {
      try file?.replace(with: data(of: ledger.entries))
    } catch {
      logger.error("the fleet's overrides cannot be kept", metadata: ["reason": "\(error)"])
    }
  }
}

// MARK: - an operator's word

extension FleetOverrides {
  nonisolated var shared: SharedOverrides {
    SharedOverrides(
      entries: { await self.entries },
      say: { override throws(SharedOverrideRefusal) in try await self.say(override) })
  }

  private var entries: [SharedOverrides.Entry] {
    ledger.entries.keys.map(entry).filter { $0.override != nil || !$0.conflict.isEmpty }
      .sorted { $0.target.description < $1.target.description }
  }

  private func entry(_ target: Override.Target) -> SharedOverrides.Entry {
    let entry = ledger.entries[target]
    return SharedOverrides.Entry(
      target: target, override: entry?.record.inForce(on: target, at: now),
      conflict: entry?.record.conflict(at: now) ?? [], isLocalOnly: entry?.isPending ?? false)
  }

  private func say(
    _ override: Override
  ) async throws(SharedOverrideRefusal) -> SharedOverrides.Entry {
    let target = override.target
    let isConnected = await member.isConnected
    for _ in 0..<Self.mostAttempts where isConnected {
      let before = ledger.entries[target]?.record
      let proposal = ledger.proposal(for: override, now: now)
      let lost: OverrideLedger.Stored??
      do throws(StoreFault) {
        lost = try await commit(proposal, of: target)
      } catch .unavailable {
        break
      } catch {
        throw .refused("\(error)")
      }
      await apply()
      guard let lost else { return entry(target) }
      // Nobody else has said anything: only the revision was another one.
      if let record = lost?.record, record != before {
        throw .lost(record.inForce(on: target, at: now))
      }
    }
    ledger.keep(ledger.proposal(for: override, now: now), of: target)
    await apply()
    logger.warning(
      "the fleet's store does not answer: the override is this node's alone for now",
      metadata: ["target": "\(target)"])
    return entry(target)
  }

  /// For `/metrics`.
  var samples: [MetricSample] {
    [
      MetricSample(
        "azimuth_override_conflicts", value: Double(ledger.conflicts(at: now).count)),
      MetricSample("azimuth_overrides_local", value: Double(ledger.due.count)),
    ]
  }
}

/// Keeps the fleet's overrides in force until the node stops.
struct FleetOverrideService: Service {
  let overrides: FleetOverrides
  let member: FleetMember

  func run() async throws {
    await cancelWhenGracefulShutdown {
      await withTaskGroup { group in
        group.addTask {
          for await picture in member.pictures() { await overrides.take(picture) }
        }
        group.addTask {
          while !Task.isCancelled {
            await overrides.advance()
            try? await Task.sleep(for: FleetOverrides.tick)
          }
        }
      }
    }
  }
}

private struct KeptOverrides: Codable {
  var version: Int
  var overrides: [String: OverrideLedger.Entry]
}

/// What is kept; nil: it is not understood.
private func keptEntries(_ data: Data) -> [Override.Target: OverrideLedger.Entry]? {
  guard let kept = try? JSONDecoder().decode(KeptOverrides.self, from: data), kept.version == 1
  else { return nil }
  return kept.overrides.reduce(into: [:]) { result, found in
    if let target = Override.Target(found.key) { result[target] = found.value }
  }
}

private func data(of entries: [Override.Target: OverrideLedger.Entry]) throws -> Data {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
  let overrides = entries.map { ($0.key.description, $0.value) }
  return try encoder.encode(
    KeptOverrides(
      version: 1, overrides: Dictionary(overrides, uniquingKeysWith: { $1 })))
}
