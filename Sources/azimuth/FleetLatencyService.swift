import Admin
import Clustering
import Compiling
import Engine
import Latency
import Learning
import Logging
import Publishing
import ServiceLifecycle
import Settings

/// What a fleet's nodes tell each other of the round trips that they have measured: between the
/// keeper of this node's and the store.
///
/// A word stands under a lease of its own that is as long as what is learned is kept, not under
/// that of the node's heartbeat: what was measured stays true when the node is gone.
actor FleetLatencies {
  private let member: FleetMember
  private let logger: Logger
  private let prefix: String
  private let clock = ContinuousClock()
  private let start: ContinuousClock.Instant
  private var section: FleetSection<LatencyWord>
  private var toldMalformed: Set<String> = []
  private var schedule = LatencySchedule()
  private var lease: (id: Int64, grantedAt: Duration)?
  private var hasHeard = false
  private var hasNews = false
  private var isWriteRefused = false
  private(set) var written = 0

  init(_ member: FleetMember, logger: Logger) {
    self.member = member
    self.logger = logger
    prefix = member.start.prefix + "latency/"
    section = FleetSection(prefix: prefix) { LatencyWord($0) }
    start = clock.now
  }

  private var now: Duration { clock.now - start }
  private var key: String { prefix + member.start.nodeID }

  /// - Parameter latencies: hears what is new.
  func take(_ picture: StorePicture, _ latencies: LatencyKeeper) async {
    let hasHeardNow = hasHeard || picture.isVerified
    if section.take(picture) || hasHeardNow != hasHeard {
      for name in section.malformed.subtracting(toldMalformed) {
        logger.warning("a node's latencies are not understood", metadata: ["node": "\(name)"])
      }
      toldMalformed = section.malformed
      await latencies.take(section.values.mapValues(\.value))
    }
    // Not before its own word of an earlier life was heard: it would be overwritten.
    hasHeard = hasHeardNow
  }

  /// Writes the node's word if that is due, and says something new or would end with its lease.
  ///
  /// - Parameter lifetime: of the word, seconds.
  func tell(_ latencies: LatencyKeeper, lifetime: Int) async {
    guard hasHeard, schedule.isDue(now: now), await member.isConnected else { return }
    let isEnding = lease.map { now - $0.grantedAt > .seconds(lifetime) / 4 } ?? true
    let isMissing = section.values[member.start.nodeID] == nil
    guard let word = await latencies.word(isRepeated: hasNews || isEnding || isMissing) else {
      return
    }
    hasNews = true
    let bytes = word.bytes
    let before = schedule
    schedule.wrote(byteCount: bytes.count, now: now)
    do throws(StoreFault) {
      let id = try await heldLease(isEnding: isEnding, lifetime: lifetime)
      _ = try await member.commit(StoreTransaction(writes: [.put(key, bytes, lease: id)]))
      written += 1
      hasNews = false
      isWriteRefused = false
    } catch {
      if case .leaseEnded = error {
        // Such as that of a store that was rebuilt: nothing was written.
        lease = nil
        schedule = before
      }
      if !isWriteRefused {
        logger.warning("the node's latencies cannot be told", metadata: ["fault": "\(error)"])
      }
      isWriteRefused = true
    }
  }

  private func heldLease(isEnding: Bool, lifetime: Int) async throws(StoreFault) -> Int64 {
    if let lease, !isEnding { return lease.id }
    let id = try await member.grantLease(seconds: lifetime)
    lease = (id, now)
    return id
  }

  var malformed: Set<String> { section.malformed }

  /// For `/metrics`.
  var samples: [MetricSample] {
    [
      MetricSample("azimuth_fleet_latency_words", value: Double(section.values.count)),
      MetricSample(
        "azimuth_fleet_latency_words_malformed", value: Double(section.malformed.count)),
      MetricSample("azimuth_fleet_latency_words_written_total", value: Double(written)),
    ]
  }
}

/// Tells the fleet what this node has measured, and takes what the others have, until the node
/// stops.
struct FleetLatencyService: Service {
  /// Of a word: longer than the longest pause between two.
  private static let shortestLifetime = Duration.seconds(3600)

  let shared: FleetLatencies
  let latencies: LatencyKeeper
  let member: FleetMember
  let publisher: EditionPublisher

  func run() async throws {
    await cancelWhenGracefulShutdown {
      await withTaskGroup { group in
        group.addTask {
          for await picture in member.pictures() { await shared.take(picture, latencies) }
        }
        group.addTask { await tell() }
        // Where no pictures come any more, nothing can be told either.
        await group.next()
        group.cancelAll()
      }
    }
  }

  /// Apart from the other, since a store that is lost answers late.
  private func tell() async {
    while !Task.isCancelled {
      let settings = await publisher.compiled.settings.latency
      let lifetime = max(settings.maximumAge, Self.shortestLifetime)
      await shared.tell(latencies, lifetime: Int(lifetime / .seconds(1)))
      try? await Task.sleep(for: settings.interval)
    }
  }
}
