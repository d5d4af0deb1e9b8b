/// Follows a prefix of a shared store, with one watch at a time, and lets its own heartbeat come
/// back on it: the store that takes it and the stream that brings it both live then.
package actor StoreFollower {
  /// A key below the prefix that this node writes, under a lease: it goes when the node does.
  package struct Heartbeat: Sendable {
    package var key: String
    package var interval: Duration
    package var leaseSeconds: Int
    /// What it says now.
    package var value: @Sendable (Standing) async -> [UInt8]

    package init(
      key: String, interval: Duration = .seconds(5), leaseSeconds: Int = 15,
      value: @escaping @Sendable (Standing) async -> [UInt8]
    ) {
      self.key = key
      self.interval = interval
      self.leaseSeconds = leaseSeconds
      self.value = value
    }
  }

  /// For those who look at the node.
  package struct Standing: Sendable, Equatable {
    /// How long a watch has stood; nil: none does.
    package var connected: Duration?
    package var isConnected: Bool { connected != nil }
    package var member: Int
    package var revision: Int64?
    package var isVerified: Bool
    /// Since an own heartbeat was last seen on the watch; nil: never.
    package var lag: Duration?
    package var lastFault: StoreFault?
  }

  private let store: any SharedStore
  private let prefix: String
  private let heartbeat: Heartbeat?
  private let publish: @Sendable (StorePicture) async -> Void
  private let report: @Sendable (StoreFault) -> Void
  private let clock = ContinuousClock()
  private let start: ContinuousClock.Instant
  private var machine: FollowStateMachine
  private var watch: Task<StoreFault?, Never>?
  private var pause: Task<Void, Never>?
  /// That the heartbeat stands under; nil: none yet, or it has ended. What is written under it goes
  /// when the node does, and is to be written anew under the next one.
  package private(set) var lease: Int64?
  private var lastFault: StoreFault?

  /// - Parameters:
  ///   - known: what a file has kept.
  ///   - publish: takes the picture each time there is something new in it.
  ///   - report: hears every fault.
  package init(
    _ store: any SharedStore, prefix: String, nodeID: String, known: StorePicture? = nil,
    heartbeat: Heartbeat? = nil, report: @escaping @Sendable (StoreFault) -> Void = { _ in },
    publish: @escaping @Sendable (StorePicture) async -> Void
  ) {
    self.store = store
    self.prefix = prefix
    self.heartbeat = heartbeat
    self.publish = publish
    self.report = report
    start = clock.now
    machine = FollowStateMachine(
      memberCount: store.memberCount, nodeID: nodeID, known: known,
      heartbeatInterval: heartbeat?.interval ?? .seconds(5))
  }

  package var picture: StorePicture? { machine.picture }

  package var standing: Standing {
    Standing(
      connected: machine.connectedSince.map { now - $0 }, member: machine.member,
      revision: machine.picture?.revision, isVerified: machine.picture?.isVerified ?? false,
      lag: machine.lastHeartbeat.map { now - $0 }, lastFault: lastFault)
  }

  /// Until the task is cancelled. What stands under the lease of the heartbeat goes then.
  package func run() async {
    let beating = heartbeat.map { heartbeat in Task { await beat(heartbeat) } }
    await withTaskCancellationHandler {
      while !Task.isCancelled { await takeStep() }
    } onCancel: {
      beating?.cancel()
      Task { await self.closeWatch() }
    }
    await beating?.value
    // Not as a part of this task, in which nothing can be asked any more.
    await Task { await endLease() }.value
  }

  private var now: Duration { clock.now - start }

  private func takeStep() async {
    switch machine.step(now: now) {
    case .wait(let pause): try? await Task.sleep(for: pause)
    case .list(let consistency, let member): await list(consistency, member: member)
    case .watch(let revision, let member): await follow(from: revision, member: member)
    }
  }

  private func list(_ consistency: StoreConsistency, member: Int) async {
    do {
      let listed = try await store.list(prefix: prefix, consistency: consistency, member: member)
      if machine.listed(listed) { await publish(listed) }
    } catch {
      machine.listFailed(note(error), now: now, jitter: .random(in: 0..<1))
    }
  }

  private func follow(from revision: Int64, member: Int) async {
    let watch = Task { [store, prefix] () -> StoreFault? in
      do throws(StoreFault) {
        try await store.watch(prefix: prefix, from: revision, member: member) { frame in
          await self.receive(frame)
        }
        return nil
      } catch {
        return error
      }
    }
    self.watch = watch
    if Task.isCancelled { watch.cancel() }
    let fault = await watch.value
    self.watch = nil
    guard !Task.isCancelled else { return }
    machine.watchEnded(fault.map(note), now: now, jitter: .random(in: 0..<1))
  }

  /// - Returns: whether the watch goes on.
  private func receive(_ frame: WatchFrame) async -> Bool {
    lastFault = nil
    let hadKey = isHeartbeatThere
    let reaction = machine.received(frame, now: now)
    if reaction.isChanged, let picture = machine.picture {
      // Somebody has taken the node's own key away, such as a predecessor that ends.
      if hadKey && !isHeartbeatThere { sayNow() }
      await publish(picture)
    }
    return !reaction.endsWatch
  }

  private var isHeartbeatThere: Bool {
    heartbeat.map { machine.picture?.entries[$0.key] != nil } ?? false
  }

  private func closeWatch() { watch?.cancel() }

  private func note(_ fault: StoreFault) -> StoreFault {
    lastFault = fault
    report(fault)
    return fault
  }
}

// MARK: - heartbeats

extension StoreFollower {
  private func beat(_ heartbeat: Heartbeat) async {
    while !Task.isCancelled {
      let wait = machine.pauseBeforeHeartbeat(now: now)
      guard wait == .zero else {
        await pause(for: wait)
        continue
      }
      machine.beginHeartbeat(now: now)
      let reaction = await write(heartbeat)
      if reaction.endsWatch { closeWatch() }
    }
  }

  /// What the heartbeat says has changed: it is written at once, or as soon as it may be.
  package func sayNow() {
    machine.noteNews()
    pause?.cancel()
  }

  private func pause(for interval: Duration) async {
    let pause = Task<Void, Never> { try? await Task.sleep(for: interval) }
    self.pause = pause
    await withTaskCancellationHandler {
      await pause.value
    } onCancel: {
      pause.cancel()
    }
  }

  /// Where it cannot be ended, it ends by itself.
  private func endLease() async {
    guard let lease, machine.isConnected else { return }
    do {
      try await store.revokeLease(lease, member: machine.member)
    } catch {
      _ = note(error)
    }
    self.lease = nil
  }

  private func write(_ heartbeat: Heartbeat) async -> FollowStateMachine.Reaction {
    let member = machine.member
    do throws(StoreFault) {
      let lease = try await heldLease(seconds: heartbeat.leaseSeconds, member: member)
      let put = StoreTransaction.Write.put(
        heartbeat.key, await heartbeat.value(standing), lease: lease)
      let outcome = try await store.commit(StoreTransaction(writes: [put]), member: member)
      guard case .committed(let revision) = outcome else { return .init() }
      return machine.wroteHeartbeat(revision: revision, now: now)
    } catch {
      if case .leaseEnded = error { lease = nil }
      guard !Task.isCancelled, case .unavailable = note(error) else { return .init() }
      // What was meant for a member that was left since says nothing of the present one.
      return member == machine.member ? machine.missedHeartbeat() : .init()
    }
  }

  private func heldLease(seconds: Int, member: Int) async throws(StoreFault) -> Int64 {
    if let lease, try await store.renewLease(lease, member: member) { return lease }
    let granted = try await store.grantLease(seconds: seconds, member: member)
    lease = granted
    return granted
  }
}
