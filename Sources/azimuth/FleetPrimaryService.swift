import Admin
import Admitting
import Clustering
import Engine
import Foundation
import Logging
import Publishing
import ServiceLifecycle
import Settings

/// The primaries of a fleet's services, as this node takes part in choosing them: what health and
/// operators ask for is written to the store by compare and swap; what the store says is served.
actor FleetPrimaries {
  private let member: FleetMember
  private let publisher: EditionPublisher
  private let logger: Logger
  private let prefix: String
  private var section: FleetSection<SharedPrimary>
  /// As the store has them.
  private var stored: [String: (primary: SharedPrimary, revision: Int64)] = [:]
  private var isVerified = false
  private var isSettling = false
  /// Times that two parts of the fleet had chosen different regions.
  private(set) var conflictCount = 0
  private var told: Set<String> = []

  /// How often it looks whether this node would change something.
  static let tick = Duration.milliseconds(200)
  private static let mostAttempts = 8

  init(_ member: FleetMember, publisher: EditionPublisher, logger: Logger) {
    self.member = member
    self.publisher = publisher
    self.logger = logger
    prefix = member.start.prefix + "primary/"
    section = FleetSection(prefix: prefix) { SharedPrimary($0) }
  }

  func take(_ picture: StorePicture) async {
    _ = section.take(picture)
    isVerified = picture.isVerified
    stored = section.values.mapValues { ($0.value, $0.revision) }
    await advance()
  }

  /// Follows the fleet, and asks it for what this node would change.
  func advance() async {
    let isReachable = await member.isConnected && isVerified
    if isReachable { await report() }
    await publisher.follow(stored.mapValues(\.primary), isReachable: isReachable)
    guard isReachable, !isSettling else { return }
    isSettling = true
    defer { isSettling = false }
    for service in await publisher.sharedPrimaries.keys.sorted() { await settle(service) }
  }

  private func report() async {
    for (service, own) in await publisher.sharedPrimaries {
      guard let found = stored[service]?.primary, isVerified,
        PrimaryAgreement.isConflict(
          own: own.primary, isReplicated: own.isReplicated, stored: found)
      else { continue }
      let conflict = "\(service) \(own.primary.epoch)"
      guard told.insert(conflict).inserted else { continue }
      conflictCount += 1
      logger.warning(
        "two primaries were chosen: the fleet's stays",
        metadata: [
          "service": "\(service)", "fleet": "\(found.region), epoch \(found.epoch)",
          "this_node": "\(own.primary.region), epoch \(own.primary.epoch)",
        ])
    }
  }

  /// Until the store and this node agree, or the store fails.
  private func settle(_ service: String) async {
    for _ in 0..<Self.mostAttempts {
      guard !section.malformed.contains(service),
        let own = await publisher.sharedPrimaries[service]
      else { return }
      let wish = await publisher.primaryProposals[service]
      let agreement = PrimaryAgreement(
        own: own.primary, isReplicated: own.isReplicated, wish: wish, stored: stored[service],
        firstEpoch: UInt64(max(1, Date.now.timeIntervalSince1970)))
      switch agreement {
      case .agreed: return
      case .follow(let primary):
        await publisher.follow([service: primary], isReachable: true)
      case .write(let primary, let revision):
        do throws(StoreFault) {
          _ = try await write(primary, of: service, expecting: revision)
        } catch {
          logger.debug(
            "a primary waits for the fleet's store",
            metadata: ["service": "\(service)", "fault": "\(error)"])
          return
        }
      }
    }
  }

  /// Writes it, and follows what stands then.
  ///
  /// - Returns: whether that is what was to be written.
  private func write(
    _ primary: SharedPrimary, of service: String, expecting revision: Int64
  ) async throws(StoreFault) -> Bool {
    let key = prefix + service
    let outcome = try await member.commit(
      StoreTransaction(
        expected: [key: revision], writes: [.put(key, primary.bytes, lease: 0)]))
    switch outcome {
    case .committed(let revision): stored[service] = (primary, revision)
    case .lost(let entries):
      guard let entry = entries[key] else {
        stored[service] = nil
        return false
      }
      guard let found = SharedPrimary(entry.value) else {
        throw .malformed("\(key) is not understood")
      }
      stored[service] = (found, entry.revision)
    }
    guard let standing = stored[service]?.primary else { return false }
    await publisher.follow([service: standing], isReachable: true)
    return standing == primary
  }

  /// An operator's word.
  func makePrimary(
    _ region: String?, _ service: String, _ acceptance: PrimaryStateMachine.Acceptance,
    _ epoch: UInt64?
  ) async throws(PrimaryRefusal) -> PrimaryReport {
    guard await member.isConnected, isVerified else {
      guard await publisher.promotesAlone(service) else { throw .storeIsLost }
      return try await publisher.makePrimary(
        region, ofService: service, accepting: acceptance, epoch: epoch)
    }
    let wish = try await publisher.proposal(
      promoting: region, ofService: service, accepting: acceptance, epoch: epoch)
    // What this node does not agree with the store about yet is settled first, at the next tick.
    guard let known = stored[service] else { throw .storeIsLost }
    guard known.primary.epoch < wish.epoch else { throw .lost(known.primary) }
    guard known.primary.epoch + 1 == wish.epoch else { throw .storeIsLost }
    let isOurs: Bool
    do throws(StoreFault) {
      isOurs = try await write(wish, of: service, expecting: known.revision)
    } catch .unavailable {
      throw .storeIsLost
    } catch {
      throw .storeRefuses("\(error)")
    }
    guard isOurs else { throw .lost(stored[service]?.primary ?? known.primary) }
    guard let report = await publisher.primaryReport(ofService: service) else {
      throw .unknownService
    }
    return report
  }

  /// For `/metrics`.
  var samples: [MetricSample] {
    [MetricSample("azimuth_primary_conflicts_total", value: Double(conflictCount))]
  }
}

/// Takes part in choosing the fleet's primaries until the node stops.
struct FleetPrimaryService: Service {
  let primaries: FleetPrimaries
  let member: FleetMember

  func run() async throws {
    await cancelWhenGracefulShutdown {
      await withTaskGroup { group in
        group.addTask {
          for await picture in member.pictures() { await primaries.take(picture) }
        }
        group.addTask {
          while !Task.isCancelled {
            await primaries.advance()
            try? await Task.sleep(for: FleetPrimaries.tick)
          }
        }
      }
    }
  }
}
