import Engine
import Etcd
import Foundation
import FoundationNetworking
import TestSupport
import Testing

/// What a member has done for its clients so far.
private struct MemberFigures {
  var requests = 0.0
  var watchers = 0.0
  /// Of the protocol inside; the gateway's JSON is larger.
  var bytes = 0.0
  var connections = 0

  init(_ cluster: EtcdCluster) async throws {
    let url = try #require(URL(string: cluster.clients[0] + "/metrics"))
    let (data, _) = try await URLSession.shared.data(from: url)
    for line in String(decoding: data, as: UTF8.self).split(separator: "\n") {
      guard let value = line.split(separator: " ").last.flatMap({ Double($0) }) else { continue }
      if line.hasPrefix("grpc_server_handled_total"), !line.contains("Watch") { requests += value }
      if line.hasPrefix("etcd_debugging_mvcc_watcher_total") { watchers = value }
      if line.hasPrefix("etcd_network_client_grpc_") { bytes += value }
    }
    let port = try #require(url.port)
    let suffix = ":" + String(port, radix: 16, uppercase: true)
    let file = try FileHandle(forReadingFrom: URL(filePath: "/proc/net/tcp"))
    let sockets = String(decoding: try file.readToEnd() ?? Data(), as: UTF8.self)
    connections = sockets.split(separator: "\n").count { line in
      let words = line.split(separator: " ")
      // Its own side of those that stand.
      return words.count > 3 && words[1].hasSuffix(suffix) && words[3] == "01"
    }
  }
}

/// What a fleet asks of its store (docs/fleet.md has the figures).
@Suite(.serialized, .enabled(if: EtcdCluster.isInstalled), .timeLimit(.minutes(5)))
struct EtcdLoadTests {
  @Test func `a hundred nodes cost one member what the documents say`() async throws {
    let count = 100
    let cluster = try EtcdCluster(members: 1)
    defer { cluster.stop() }
    let first = try await readyStore(cluster)
    try await first.put("/f/config/global", String(repeating: "# a layer\n", count: 2000))
    let word = Array(String(repeating: "x", count: 190).utf8)
    var stores: [EtcdStore] = []
    var followers: [StoreFollower] = []
    for number in 0..<count {
      let store = try EtcdStore(EtcdStore.Access(members: cluster.clients))
      stores.append(store)
      followers.append(
        StoreFollower(
          store, prefix: "/f/", nodeID: "node-\(number)",
          heartbeat: StoreFollower.Heartbeat(key: "/f/node/node-\(number)") { standing in
            word + Array("\(standing.revision ?? 0)".utf8)
          }, publish: { _ in }))
    }
    let running = followers.map { follower in Task { await follower.run() } }
    let seesAll = await eventually(within: .seconds(90)) {
      for follower in followers {
        guard await follower.picture?.entries.count == count + 1 else { return false }
      }
      return true
    }
    #expect(seesAll)
    let clock = ContinuousClock()
    let (before, start) = (try await MemberFigures(cluster), clock.now)
    let revision = await followers[0].picture?.revision ?? 0
    // Four heartbeats of each node.
    let isBeating = await eventually(within: .seconds(90)) {
      await followers[0].picture?.revision ?? 0 >= revision + Int64(4 * count)
    }
    #expect(isBeating)
    let (after, seconds) = (try await MemberFigures(cluster), (clock.now - start) / .seconds(1))
    func rate(_ figure: KeyPath<MemberFigures, Double>) -> Double {
      (after[keyPath: figure] - before[keyPath: figure]) / seconds
    }
    #expect(after.watchers == Double(count))
    // One watches, one asks; and those of the gateway itself.
    #expect((count...2 * count + 10).contains(after.connections), "\(after.connections)")
    #expect(rate(\.requests) <= 0.5 * Double(count))
    #expect(rate(\.bytes) <= 10_000 * Double(count))
    for task in running { task.cancel() }
    for task in running { await task.value }
    for store in stores + [first] { await store.close() }
  }
}
