import Engine
import Etcd
import Foundation
import Synchronization
import TestSupport
import Testing

/// What a watch has brought so far.
final class Frames: Sendable {
  private let frames = Mutex<[WatchFrame]>([])
  var all: [WatchFrame] { frames.withLock { $0 } }
  func take(_ frame: WatchFrame) { frames.withLock { $0.append(frame) } }

  var keys: [String] {
    all.flatMap { frame -> [String] in
      if case .changes(let changes) = frame.content { return changes.map(\.key) }
      return []
    }
  }
}

/// A store that is there: its cluster has a leader.
func readyStore(
  _ cluster: EtcdCluster, user: EtcdStore.User? = nil, rootsFile: String? = nil
) async throws -> EtcdStore {
  let store = try EtcdStore(
    EtcdStore.Access(members: cluster.clients, user: user, rootsFile: rootsFile))
  let isReady = await eventually {
    for member in 0..<store.memberCount {
      let listed = try? await store.list(prefix: "/", consistency: .linearizable, member: member)
      if listed == nil { return false }
    }
    return true
  }
  #expect(isReady)
  return store
}

func put(_ key: String, _ value: String, lease: Int64 = 0) -> StoreTransaction.Write {
  .put(key, Array(value.utf8), lease: lease)
}

extension EtcdStore {
  @discardableResult
  func put(_ key: String, _ value: String, member: Int = 0) async throws -> StoreOutcome {
    try await commit(StoreTransaction(writes: [EtcdTests.put(key, value)]), member: member)
  }
}

/// The facts of the gateway on which Azimuth stands, on a real etcd.
@Suite(.serialized, .enabled(if: EtcdCluster.isInstalled), .timeLimit(.minutes(4)))
struct EtcdStoreTests {
  @Test func `keys are listed, watched and written, and revisions count up`() async throws {
    let cluster = try EtcdCluster(members: 1)
    defer { cluster.stop() }
    let store = try await readyStore(cluster)
    let empty = try await store.list(prefix: "/a/", consistency: .linearizable, member: 0)
    #expect(empty.entries.isEmpty && empty.revision == 1 && empty.clusterID != 0)
    let writes = StoreTransaction(writes: [put("/a/1", "one"), put("/a/2", ""), put("/b", "x")])
    #expect(try await store.commit(writes, member: 0) == .committed(2))
    let listed = try await store.list(prefix: "/a/", consistency: .linearizable, member: 0)
    #expect(
      listed.entries == [
        "/a/1": StoreEntry(value: Array("one".utf8), revision: 2),
        "/a/2": StoreEntry(value: [], revision: 2),
      ])
    let frames = Frames()
    try await store.watch(prefix: "/a/", from: 2, member: 0) { frame in
      frames.take(frame)
      return frames.keys.count < 2
    }
    #expect(frames.all.first?.content == .created)
    #expect(frames.keys == ["/a/1", "/a/2"])
    await store.close()
  }

  @Test func `of two who compare and swap one wins, and the other hears who`() async throws {
    let cluster = try EtcdCluster(members: 1)
    defer { cluster.stop() }
    let store = try await readyStore(cluster)
    let first = StoreTransaction(expected: ["/primary": 0], writes: [put("/primary", "tokyo")])
    let second = StoreTransaction(expected: ["/primary": 0], writes: [put("/primary", "oslo")])
    #expect(try await store.commit(first, member: 0) == .committed(2))
    #expect(
      try await store.commit(second, member: 0)
        == .lost(["/primary": StoreEntry(value: Array("tokyo".utf8), revision: 2)]))
    let next = StoreTransaction(expected: ["/primary": 2], writes: [.delete("/primary")])
    #expect(try await store.commit(next, member: 0) == .committed(3))
    #expect(try await store.commit(next, member: 0) == .lost([:]))
    await store.close()
  }

  @Test func `a key goes with its lease, and an ended lease is told`() async throws {
    let cluster = try EtcdCluster(members: 1)
    defer { cluster.stop() }
    let store = try await readyStore(cluster)
    let lease = try await store.grantLease(seconds: 1, member: 0)
    let write = StoreTransaction(writes: [put("/node", "here", lease: lease)])
    _ = try await store.commit(write, member: 0)
    #expect(try await store.renewLease(lease, member: 0))
    let isGone = await eventually {
      let listed = try? await store.list(prefix: "/node", consistency: .linearizable, member: 0)
      return listed?.entries.isEmpty == true
    }
    #expect(isGone)
    #expect(try await store.renewLease(lease, member: 0) == false)
    await #expect(throws: StoreFault.leaseEnded) { try await store.commit(write, member: 0) }
    await store.close()
  }

  @Test func `a watch from a compacted revision is canceled, and its stream stays open`()
    async throws
  {
    let cluster = try EtcdCluster(members: 1)
    defer { cluster.stop() }
    let store = try await readyStore(cluster)
    for value in 0..<5 { try await store.put("/a", "\(value)") }
    try cluster.control("compact", "5")
    let frames = Frames()
    let watch = Task {
      try await store.watch(prefix: "/a", from: 2, member: 0) { frame in
        frames.take(frame)
        return true
      }
    }
    #expect(await eventually { frames.all.count >= 2 || frames.all.last?.content != .created })
    #expect(
      await eventually { frames.all.last?.content == .canceled(compacted: 5, reason: "") })
    watch.cancel()
    _ = await watch.result
    await store.close()
  }

  @Test func `progress shows revisions of keys that are not watched`() async throws {
    let cluster = try EtcdCluster(
      members: 1, arguments: ["--experimental-watch-progress-notify-interval", "200ms"])
    defer { cluster.stop() }
    let store = try await readyStore(cluster)
    for value in 0..<3 { try await store.put("/elsewhere", "\(value)") }
    let frames = Frames()
    try await store.watch(prefix: "/a/", from: 1, member: 0) { frame in
      frames.take(frame)
      return frame.content != .progress
    }
    #expect(frames.all.last?.revision == 4)
    await store.close()
  }

  @Test
  func `a member that loses its cluster ends the watch, fails in time, and still reads alone`()
    async throws
  {
    let cluster = try EtcdCluster(members: 3)
    defer { cluster.stop() }
    let store = try await readyStore(cluster)
    try await store.put("/a", "kept")
    let watch = Task { () -> StoreFault? in
      do throws(StoreFault) {
        try await store.watch(prefix: "/a", from: 1, member: 0) { _ in true }
        return nil
      } catch {
        return error
      }
    }
    cluster.kill(member: 1)
    cluster.kill(member: 2)
    let fault = await watch.value
    #expect(fault.map(isUnavailable) == true, "\(String(describing: fault))")
    let clock = ContinuousClock()
    let start = clock.now
    await #expect {
      _ = try await store.list(prefix: "/a", consistency: .linearizable, member: 0)
    } throws: { ($0 as? StoreFault).map(isUnavailable) == true }
    await #expect {
      try await store.put("/a", "lost")
    } throws: { ($0 as? StoreFault).map(isUnavailable) == true }
    // etcd itself would take 7 s for each.
    #expect(clock.now - start < .seconds(7))
    let alone = try await store.list(prefix: "/a", consistency: .serializable, member: 0)
    #expect(alone.entries["/a"]?.value == Array("kept".utf8) && !alone.isVerified)
    await store.close()
  }

  @Test func `when the leader is killed, writes go on and leases end late, never early`()
    async throws
  {
    let cluster = try EtcdCluster(members: 3)
    defer { cluster.stop() }
    let store = try await readyStore(cluster)
    let clock = ContinuousClock()
    let lease = try await store.grantLease(seconds: 5, member: 0)
    _ = try await store.commit(
      StoreTransaction(writes: [put("/node", "here", lease: lease)]), member: 0)
    let start = clock.now
    let leader = try #require(
      try (0..<3).first { try cluster.control("endpoint", "status", member: $0).contains("true") })
    cluster.kill(member: leader)
    let other = (leader + 1) % 3
    #expect(await eventually { (try? await store.put("/a", "1", member: other)) != nil })
    let isGone = await eventually {
      let listed = try? await store.list(
        prefix: "/node", consistency: .linearizable, member: other)
      return listed?.entries.isEmpty == true
    }
    #expect(isGone)
    #expect(clock.now - start >= .seconds(5))
    await store.close()
  }
}

func isUnavailable(_ fault: StoreFault) -> Bool {
  if case .unavailable = fault { true } else { false }
}
