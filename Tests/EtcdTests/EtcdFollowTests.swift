import Engine
import Etcd
import Foundation
import FoundationNetworking
import Synchronization
import TestSupport
import Testing

/// A follower of `/azimuth/` that runs, and what it has published.
private final class Followed: Sendable {
  let follower: StoreFollower
  private let pictures: PublishedPictures
  private let running: Task<Void, Never>

  /// - Parameter word: what the heartbeat says.
  init(
    _ store: EtcdStore, heartbeat: Duration? = .milliseconds(200), leaseSeconds: Int = 2,
    word: @escaping @Sendable () -> String = { "" }
  ) {
    let pictures = PublishedPictures()
    follower = StoreFollower(
      store, prefix: "/azimuth/", nodeID: "node",
      heartbeat: heartbeat.map {
        StoreFollower.Heartbeat(
          key: "/azimuth/node", interval: $0, leaseSeconds: leaseSeconds
        ) { _ in Array(word().utf8) }
      },
      publish: { pictures.take($0) })
    self.pictures = pictures
    let follower = follower
    running = Task { await follower.run() }
  }

  /// Of the last picture, without the heartbeat.
  var values: [String: String]? {
    pictures.all.last.map { picture in
      picture.entries.filter { $0.key != "/azimuth/node" }
        .mapValues { String(decoding: $0.value, as: UTF8.self) }
    }
  }

  /// What its own heartbeat says in the last picture.
  var word: String? {
    pictures.all.last?.entries["/azimuth/node"].map { String(decoding: $0.value, as: UTF8.self) }
  }

  var wasEverEmpty: Bool {
    pictures.all.drop { $0.entries.count <= 1 }.contains { $0.entries.isEmpty }
  }

  func shows(_ values: [String: String]) async -> Bool {
    await eventually { self.values == values }
  }

  func isConnected(otherThan member: Int? = nil) async -> Bool {
    await eventually {
      let standing = await follower.standing
      return standing.isConnected && standing.member != member
    }
  }

  func stop() async {
    running.cancel()
    await running.value
  }
}

private final class PublishedPictures: Sendable {
  private let pictures = Mutex<[StorePicture]>([])
  var all: [StorePicture] { pictures.withLock { $0 } }
  func take(_ picture: StorePicture) { pictures.withLock { $0.append(picture) } }
}

/// What befalls a store, and that whoever follows it goes on right, without a restart.
@Suite(.serialized, .enabled(if: EtcdCluster.isInstalled), .timeLimit(.minutes(4)))
struct EtcdFollowTests {
  @Test func `what a node says of itself is written when it has changed, not with its next turn`()
    async throws
  {
    let cluster = try EtcdCluster(members: 1)
    defer { cluster.stop() }
    let store = try await readyStore(cluster)
    let word = Mutex("waits")
    let followed = Followed(store, heartbeat: .seconds(3600), leaseSeconds: 7200) {
      word.withLock { $0 }
    }
    func shows(_ text: String) async -> Bool {
      await eventually { followed.word == text }
    }
    #expect(await shows("waits"))
    for text in ["serves", "refuses"] {
      word.withLock { $0 = text }
      await followed.follower.sayNow()
      #expect(await shows(text))
    }
    await followed.stop()
    await store.close()
  }

  @Test func `changes and deletions arrive, over one watch`() async throws {
    let cluster = try EtcdCluster(members: 1)
    defer { cluster.stop() }
    let store = try await readyStore(cluster)
    try await store.put("/azimuth/a", "1")
    let followed = Followed(store)
    #expect(await followed.shows(["/azimuth/a": "1"]))
    #expect(await followed.isConnected())
    for value in 0..<50 { try await store.put("/azimuth/\(value % 5)", "\(value)") }
    try cluster.control("del", "/azimuth/a")
    #expect(
      await followed.shows(
        Dictionary(uniqueKeysWithValues: (0..<5).map { ("/azimuth/\($0)", "\(45 + $0)") })))
    let (metrics, _) = try await URLSession.shared.data(
      from: try #require(URL(string: cluster.clients[0] + "/metrics")))
    let watchers = String(decoding: metrics, as: UTF8.self).split(separator: "\n")
      .first { $0.hasPrefix("etcd_debugging_mvcc_watcher_total ") }
    #expect(watchers?.hasSuffix(" 1") == true, "\(watchers ?? "none")")
    #expect(await eventually { await followed.follower.standing.lag != nil })
    await followed.stop()
    await store.close()
  }

  @Test func `a compacted watch and a store that is emptied are followed to the letter`()
    async throws
  {
    let cluster = try EtcdCluster(members: 1)
    defer { cluster.stop() }
    let store = try await readyStore(cluster)
    try await store.put("/azimuth/a", "1")
    let followed = Followed(store, heartbeat: nil)
    #expect(await followed.shows(["/azimuth/a": "1"]))
    cluster.kill(member: 0)
    try cluster.start(0)
    #expect(await eventually { (try? await store.put("/azimuth/b", "1")) != nil })
    for value in 2..<6 { try await store.put("/azimuth/b", "\(value)") }
    let last = try await store.list(prefix: "/", consistency: .linearizable, member: 0).revision
    try cluster.control("compact", "\(last)")
    #expect(await followed.shows(["/azimuth/a": "1", "/azimuth/b": "5"]))
    try cluster.control("del", "--prefix", "/azimuth/")
    #expect(await followed.shows([:]))
    await followed.stop()
    await store.close()
  }

  @Test func `another cluster in the old one's place, whose revisions are lower, is taken over`()
    async throws
  {
    let cluster = try EtcdCluster(members: 1)
    defer { cluster.stop() }
    let store = try await readyStore(cluster)
    for value in 0..<20 { try await store.put("/azimuth/a", "\(value)") }
    let followed = Followed(store, heartbeat: nil)
    #expect(await followed.shows(["/azimuth/a": "19"]))
    try cluster.rebuild()
    #expect(await eventually { (try? await store.put("/azimuth/b", "new")) != nil })
    #expect(await followed.shows(["/azimuth/b": "new"]))
    #expect(await followed.follower.standing.isVerified)
    try await store.put("/azimuth/b", "newer")
    #expect(await followed.shows(["/azimuth/b": "newer"]))
    await followed.stop()
    await store.close()
  }

  @Test func `a member that stands still is left within three heartbeats`() async throws {
    let cluster = try EtcdCluster(members: 3)
    defer { cluster.stop() }
    let store = try await readyStore(cluster)
    let followed = Followed(store)
    #expect(await followed.isConnected())
    let member = await followed.follower.standing.member
    cluster.signal(SIGSTOP, member: member)
    #expect(await followed.isConnected(otherThan: member))
    let other = (member + 1) % 3
    #expect(
      await eventually { (try? await store.put("/azimuth/a", "1", member: other)) != nil })
    #expect(await followed.shows(["/azimuth/a": "1"]))
    cluster.signal(SIGCONT, member: member)
    await followed.stop()
    await store.close()
  }

  @Test func `without two of three members the picture stays, and heals without a restart`()
    async throws
  {
    let cluster = try EtcdCluster(members: 3)
    defer { cluster.stop() }
    let store = try await readyStore(cluster)
    try await store.put("/azimuth/a", "1")
    let followed = Followed(store)
    #expect(await followed.shows(["/azimuth/a": "1"]))
    #expect(await followed.isConnected())
    cluster.kill(member: 1)
    cluster.kill(member: 2)
    #expect(await eventually { await !followed.follower.standing.isConnected })
    #expect(followed.values == ["/azimuth/a": "1"])
    // A start in the middle of it takes what the last member knows.
    let late = Followed(store)
    #expect(await late.shows(["/azimuth/a": "1"]))
    #expect(await !late.follower.standing.isVerified)
    try cluster.start(1)
    try cluster.start(2)
    #expect(await eventually { (try? await store.put("/azimuth/a", "2")) != nil })
    #expect(await followed.shows(["/azimuth/a": "2"]))
    #expect(await late.shows(["/azimuth/a": "2"]))
    #expect(await late.follower.standing.isVerified)
    #expect(!followed.wasEverEmpty && !late.wasEverEmpty)
    await followed.stop()
    await late.stop()
    await store.close()
  }

  @Test func `a node's key goes at once when the node does, and comes back if it is only taken`()
    async throws
  {
    let cluster = try EtcdCluster(members: 1)
    defer { cluster.stop() }
    let store = try await readyStore(cluster)
    // Neither the next heartbeat nor the end of the lease would be in time.
    let followed = Followed(store, heartbeat: .seconds(600), leaseSeconds: 600)
    func isThere() async throws -> Bool {
      let listed = try await store.list(
        prefix: "/azimuth/node", consistency: .linearizable, member: 0)
      return !listed.entries.isEmpty
    }
    #expect(await followed.isConnected())
    #expect(try await eventually { try await isThere() && followed.values != nil })
    #expect(await eventually { await followed.follower.picture?.entries["/azimuth/node"] != nil })
    try cluster.control("del", "/azimuth/node")
    #expect(try await eventually { try await isThere() })
    await followed.stop()
    #expect(try await !isThere())
    #expect(await followed.follower.lease == nil)
    await store.close()
  }
}
