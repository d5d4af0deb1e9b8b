import Admin
import Announcing
import Clustering
import Counters
import Engine
import Logging
import Publishing
import Routing
import ServiceLifecycle
import Settings

/// This node's part in a rollout: it says what it does for its clients, and takes the steps that
/// are due. Nobody leads: of all nodes the first takes each.
actor FleetRollouts {
  private let member: FleetMember
  private let publisher: EditionPublisher
  private let counters: CounterBoard
  private let logger: Logger
  private let prefix: String
  private let clock = ContinuousClock()
  private let start: ContinuousClock.Instant
  private var machine = RolloutStateMachine()
  private var window = ErrorWindow()
  /// What the window is of.
  private var countedText: Int64?
  private var nodes: FleetSection<NodeWord>
  private var picture: StorePicture?
  private var stored: StoredRollout?
  private var isActing = false
  private var toldFaults: Set<String> = []

  /// How often it looks at a rollout whose time goes on.
  static let tick = Duration.seconds(1)
  /// How often it counts what clients got.
  static let countInterval = Duration.seconds(5)

  init(
    _ member: FleetMember, publisher: EditionPublisher, counters: CounterBoard, logger: Logger
  ) {
    self.member = member
    self.publisher = publisher
    self.counters = counters
    self.logger = logger
    prefix = member.start.prefix
    start = clock.now
    nodes = FleetSection(prefix: "\(prefix)node/") { NodeWord(json: $0) }
  }

  private var now: Duration { clock.now - start }

  func take(_ picture: StorePicture) async {
    self.picture = picture
    _ = nodes.take(picture)
    let next = StoredRollout(picture, prefix: prefix)
    if next != stored { tell(next, picture) }
    stored = next
    await advance()
  }

  /// Takes a step if one is due.
  func advance() async {
    let isConnected = await member.isConnected
    guard !isActing else { return }
    guard let picture, let stored else {
      machine = RolloutStateMachine()
      return
    }
    let layer = StoredRollout.layerKey(stored.rollout.plan, prefix)
    let action = machine.step(
      RolloutStateMachine.Sight(
        stored: stored, clusterID: picture.clusterID,
        layerRevision: picture.entries[layer]?.revision ?? 0, nodes: nodes.values,
        isCurrent: isConnected && picture.isVerified),
      now: now)
    switch action {
    case .wait: return
    case .write(let next): await commit(stored.transaction(to: next, prefix: prefix))
    case .finish: await commit(stored.finish(prefix: prefix))
    }
  }

  /// What has become of it comes with a picture.
  private func commit(_ transaction: StoreTransaction) async {
    isActing = true
    defer { isActing = false }
    do throws(StoreFault) {
      _ = try await member.commit(transaction)
    } catch {
      if case .unavailable = error { return }
      guard toldFaults.insert("\(error)").inserted else { return }
      logger.warning(
        "this node cannot take the steps of a rollout", metadata: ["fault": "\(error)"])
    }
  }

  /// Counts what clients got, with each text by itself.
  func count() async {
    let text = member.standing.rolloutRevision
    if text != countedText { window = ErrorWindow() }
    countedText = text
    let sums = ErrorSums(counters)
    window.take(asked: sums.asked, failed: sums.failed, now: now)
    let down = await publisher.edition.poolStandings.count { $0.standing.standing == .unhealthy }
    member.standing.take(
      NodeFigures(asked: window.asked, failed: window.failed, down: down))
  }

  /// As operators see it.
  var report: FleetReport.Rollout? {
    stored.map {
      FleetReport.Rollout($0, baked: machine.baked(now: now), waits: machine.waits)
    }
  }

  /// For `/metrics`.
  var samples: [MetricSample] {
    let phase = stored?.rollout.phase
    return [Rollout.Phase.baking, .stopped].map {
      MetricSample(
        "azimuth_rollout_state", labels: [.init("state", $0.rawValue)], value: phase == $0 ? 1 : 0)
    } + [
      MetricSample(
        "azimuth_rollout_step", value: Double(stored.map { $0.rollout.step + 1 } ?? 0))
    ]
  }
}

// MARK: - the log

extension FleetRollouts {
  private func tell(_ next: StoredRollout?, _ picture: StorePicture) {
    guard let next else { return tellEnd(picture) }
    let rollout = next.rollout
    let word = rollout.last ?? rollout.start
    var about: Logger.Metadata = [
      "layer": "\(rollout.plan.layer)", "revision": "\(next.textRevision)",
      "step": "\(rollout.step + 1) of \(rollout.plan.order.count)",
      "regions": "\(rollout.plan.order[rollout.step].joined(separator: ", "))",
    ]
    let before = stored?.rollout
    if rollout.phase == .stopped {
      guard before?.phase != .stopped else { return }
      about["author"] = "\(word.author)"
      about["reason"] = "\(word.reason)"
      logger.warning("rollout stopped: its regions go back", metadata: about)
    } else if before?.phase != .baking || before?.step != rollout.step {
      about["author"] = "\(word.author)"
      about["reason"] = "\(word.reason)"
      logger.notice("rollout: a step begins", metadata: about)
    }
  }

  private func tellEnd(_ picture: StorePicture) {
    guard let stored else { return }
    let key = StoredRollout.layerKey(stored.rollout.plan, prefix)
    let isFinished = picture.entries[key]?.value == Array(stored.text.utf8)
    logger.notice(
      isFinished ? "rollout finished: the text is the layer's" : "rollout abandoned",
      metadata: ["layer": "\(stored.rollout.plan.layer)", "revision": "\(stored.textRevision)"])
  }
}

/// What clients asked for and did not get, since the start of the process.
private struct ErrorSums {
  var asked: UInt64 = 0
  var failed: UInt64 = 0

  /// Of connections that came to no endpoint.
  private static let reasons: Set = [
    "refused_by_policy", "connect_failed", "connect_timed_out", "connect_budget", "endpoints_full",
    "upstream_tls",
  ]

  init(_ counters: CounterBoard) {
    for (series, value) in counters.sums() {
      switch series.name {
      case "azimuth_dns_answers_total":
        asked += value
        if series.labels.contains(.init("rcode", "SERVFAIL")) { failed += value }
      case "azimuth_proxy_accepted_total": asked += value
      case "azimuth_proxy_closed_total":
        let isFailure = series.labels.contains {
          $0.name == "reason" && Self.reasons.contains($0.value)
        }
        if isFailure { failed += value }
      default: break
      }
    }
  }
}

/// Takes part in the fleet's rollouts until the node stops.
struct FleetRolloutService: Service {
  let rollouts: FleetRollouts
  let member: FleetMember

  func run() async throws {
    await cancelWhenGracefulShutdown {
      await withTaskGroup { group in
        group.addTask {
          for await picture in member.pictures() { await rollouts.take(picture) }
        }
        group.addTask {
          while !Task.isCancelled {
            await rollouts.advance()
            try? await Task.sleep(for: FleetRollouts.tick)
          }
        }
        group.addTask {
          while !Task.isCancelled {
            await rollouts.count()
            try? await Task.sleep(for: FleetRollouts.countInterval)
          }
        }
      }
    }
  }
}
