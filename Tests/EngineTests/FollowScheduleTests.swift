import Engine
import TestSupport
import Testing

/// A store as it should be, with all that may befall it: a history of puts and deletes, members
/// that are behind, compaction, and another cluster in its place.
private struct StoreModel {
  struct Write {
    var key: String
    var value: [UInt8]?
  }

  var clusterID: UInt64 = 1
  /// Revision 1 is the empty store.
  var history: [Write] = []
  var compacted: Int64 = 0
  var revision: Int64 { Int64(history.count) + 1 }

  func values(at revision: Int64) -> [String: [UInt8]] {
    history.prefix(Int(revision) - 1).reduce(into: [:]) { $0[$1.key] = $1.value }
  }

  func picture(at revision: Int64, isVerified: Bool) -> StorePicture {
    StorePicture(
      clusterID: clusterID, revision: revision,
      entries: values(at: revision).mapValues { StoreEntry(value: $0, revision: revision) },
      isVerified: isVerified)
  }

  func changes(_ revisions: ClosedRange<Int64>) -> [StoreChange] {
    revisions.map {
      let write = history[Int($0) - 2]
      return StoreChange(key: write.key, value: write.value, revision: $0)
    }
  }
}

/// A machine against the model, one random event after the other.
private struct Schedule {
  var generator: SeededGenerator
  var store = StoreModel()
  /// Every cluster that ever was, by its number: a picture must be one of its moments.
  var past: [UInt64: StoreModel] = [:]
  var machine = FollowStateMachine(memberCount: 3, nodeID: "node")
  var now = Duration.zero
  /// Of the open watch: the next revision that it brings.
  var next: Int64?
  var isOfOldCluster = false
  var hasCluster = true

  init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

  mutating func chance(_ percent: Int) -> Bool {
    Int.random(in: 0..<100, using: &generator) < percent
  }

  mutating func befall() {
    now += .milliseconds(Int.random(in: 0...2000, using: &generator))
    if hasCluster && chance(60) {
      let key = "key-\(Int.random(in: 0..<6, using: &generator))"
      let value = chance(25) ? nil : [UInt8.random(in: 0...9, using: &generator)]
      store.history.append(.init(key: key, value: value))
    }
    if chance(5) { store.compacted = Int64.random(in: 0...store.revision, using: &generator) }
    if chance(5) { hasCluster.toggle() }
    if chance(2) { replaceCluster() }
  }

  mutating func replaceCluster() {
    past[store.clusterID] = store
    let kept = Int.random(in: 0...store.history.count, using: &generator)
    store.history.removeSubrange(kept...)
    store.clusterID += 1
    store.compacted = 0
    isOfOldCluster = true
  }

  mutating func advance() {
    if next != nil { return watch() }
    switch machine.step(now: now) {
    case .wait(let pause): now += pause
    case .list(let consistency, _): list(consistency)
    case .watch(let revision, _):
      next = revision
      isOfOldCluster = false
    }
  }

  mutating func list(_ consistency: StoreConsistency) {
    let isVerified = consistency == .linearizable
    guard chance(90), hasCluster || !isVerified else {
      machine.listFailed(.unavailable(""), now: now, jitter: 0.5)
      return
    }
    let behind = isVerified ? 0 : Int64.random(in: 0..<store.revision, using: &generator)
    _ = machine.listed(store.picture(at: store.revision - behind, isVerified: isVerified))
  }

  mutating func watch() {
    guard let from = next else { return }
    let lag = chance(20) ? Int64.random(in: 0..<store.revision, using: &generator) : 0
    let seen = store.revision - lag
    if isOfOldCluster || chance(8) { return end(chance(50) ? .unavailable("no leader") : nil) }
    if from <= store.compacted {
      return deliver(.canceled(compacted: store.compacted, reason: ""), head: seen)
    }
    if chance(20) { return deliver(.created, head: seen) }
    if from > seen { return deliver(.progress, head: seen) }
    let last = Int64.random(in: from...seen, using: &generator)
    next = last + 1
    // Some of them once more, as after a reconnection.
    let first = chance(10) ? max(2, store.compacted + 1, from - 2) : from
    deliver(.changes(store.changes(min(first, from)...last)), head: store.revision)
  }

  mutating func deliver(_ content: WatchFrame.Content, head: Int64) {
    let frame = WatchFrame(clusterID: store.clusterID, revision: head, content: content)
    if machine.received(frame, now: now).endsWatch { end(nil) }
  }

  mutating func end(_ fault: StoreFault?) {
    next = nil
    machine.watchEnded(fault, now: now, jitter: 0.5)
  }

  /// The picture is exactly one moment of one cluster, never a mixture and never emptied.
  func picturesOneMoment() -> Bool {
    guard let picture = machine.picture else { return true }
    guard let model = picture.clusterID == store.clusterID ? store : past[picture.clusterID]
    else { return false }
    return picture.entries.mapValues(\.value) == model.values(at: picture.revision)
  }

  mutating func settle() {
    hasCluster = true
    for _ in 0..<400 {
      now += .seconds(10)
      if let from = next, !isOfOldCluster, from > store.compacted {
        if from <= store.revision {
          next = store.revision + 1
          deliver(.changes(store.changes(from...store.revision)), head: store.revision)
        } else {
          deliver(.progress, head: store.revision)
        }
      } else if next != nil && isOfOldCluster {
        end(nil)
      } else if next != nil {
        deliver(.canceled(compacted: store.compacted, reason: ""), head: store.revision)
      } else if case .list(let consistency, _) = machine.step(now: now) {
        _ = machine.listed(
          store.picture(at: store.revision, isVerified: consistency == .linearizable))
      } else {
        advance()
      }
    }
  }
}

struct FollowScheduleTests {
  @Test(arguments: 0..<20)
  func `every picture is one moment of the store, and in the end the present one`(_ part: UInt64) {
    for seed in part * 100..<part * 100 + 100 {
      var schedule = Schedule(seed: seed)
      for step in 0..<300 {
        schedule.befall()
        schedule.advance()
        guard schedule.picturesOneMoment() else {
          Issue.record("seed \(seed), step \(step): no moment of the store")
          return
        }
      }
      schedule.settle()
      let picture = schedule.machine.picture
      let isPresent =
        picture?.clusterID == schedule.store.clusterID
        && picture?.entries.mapValues(\.value)
          == schedule.store.values(at: schedule.store.revision)
      #expect(isPresent, "seed \(seed)")
    }
  }
}
