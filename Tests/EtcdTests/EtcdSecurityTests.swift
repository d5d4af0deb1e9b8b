import Engine
import Etcd
import Foundation
import TestSupport
import Testing

@Suite(.serialized, .enabled(if: EtcdCluster.isInstalled), .timeLimit(.minutes(2)))
struct EtcdSecurityTests {
  /// Roles of one prefix; tokens that are over after a second or two.
  private func guardedCluster() async throws -> EtcdCluster {
    let cluster = try EtcdCluster(
      members: 1,
      arguments: [
        "--auth-token-ttl", "1", "--logger", "zap", "--log-outputs", "stderr", "--log-level",
        "info",
      ])
    await (try readyStore(cluster)).close()
    try cluster.control("put", "/azimuth/a", "1")
    try cluster.control("role", "add", "reader")
    try cluster.control("role", "grant-permission", "reader", "--prefix=true", "read", "/azimuth/")
    try cluster.control("user", "add", "node:secret")
    try cluster.control("user", "grant-role", "node", "reader")
    try cluster.demandUsers()
    return cluster
  }

  private func store(_ cluster: EtcdCluster, _ user: EtcdStore.User?) throws -> EtcdStore {
    try EtcdStore(EtcdStore.Access(members: cluster.clients, user: user))
  }

  @Test func `a role of a prefix reads it and nothing else, and writes nothing`() async throws {
    let cluster = try await guardedCluster()
    defer { cluster.stop() }
    let store = try store(cluster, .init(name: "node", password: "secret"))
    let listed = try await store.list(
      prefix: "/azimuth/", consistency: .linearizable, member: 0)
    #expect(listed.entries.count == 1)
    await #expect {
      _ = try await store.list(prefix: "/other", consistency: .linearizable, member: 0)
    } throws: { if case StoreFault.forbidden = $0 { true } else { false } }
    await #expect {
      try await store.put("/azimuth/a", "2")
    } throws: { if case StoreFault.forbidden = $0 { true } else { false } }
    let frames = Frames()
    try await store.watch(prefix: "/other", from: 1, member: 0) { frame in
      frames.take(frame)
      if case .canceled = frame.content { return false }
      return true
    }
    #expect(frames.all.count <= 2)
    await store.close()
  }

  @Test func `a token that is over is asked for again, and an open watch does not end with it`()
    async throws
  {
    let cluster = try await guardedCluster()
    defer { cluster.stop() }
    let store = try store(cluster, .init(name: "node", password: "secret"))
    let root = try self.store(cluster, .init(name: "root", password: "root"))
    let frames = Frames()
    let watch = Task {
      try await store.watch(prefix: "/azimuth/", from: 1, member: 0) { frame in
        frames.take(frame)
        return frames.keys.filter { $0 == "/azimuth/b" }.isEmpty
      }
    }
    #expect(await eventually { !frames.all.isEmpty })
    // To ask with it would prolong it.
    #expect(await eventually { cluster.log(of: 0).contains("deleted a simple token") })
    _ = try await store.list(prefix: "/azimuth/", consistency: .linearizable, member: 0)
    try await root.put("/azimuth/b", "2")
    try await watch.value
    #expect(frames.keys.contains("/azimuth/b"))
    await store.close()
    await root.close()
  }

  @Test func `who is nobody, or has the wrong password, is not let in`() async throws {
    let cluster = try await guardedCluster()
    defer { cluster.stop() }
    for user in [nil, EtcdStore.User(name: "node", password: "wrong")] {
      let store = try store(cluster, user)
      await #expect {
        _ = try await store.list(prefix: "/azimuth/", consistency: .linearizable, member: 0)
      } throws: { error in
        switch error as? StoreFault {
        case .unauthenticated, .refused: true
        default: false
        }
      }
      await store.close()
    }
  }

  @Test func `members are checked against the roots of a file, and asked over TLS`() async throws {
    let authority = try TestAuthority()
    let files = try authority.sign(["127.0.0.1"])
    let cluster = try EtcdCluster(
      members: 1,
      arguments: ["--cert-file", files.certificate, "--key-file", files.key],
      isSecure: true)
    defer { cluster.stop() }
    let store = try await readyStore(cluster, rootsFile: authority.roots)
    #expect(try await store.put("/a", "1") == .committed(2))
    let stranger = try EtcdStore(EtcdStore.Access(members: cluster.clients))
    await #expect {
      _ = try await stranger.list(prefix: "/", consistency: .serializable, member: 0)
    } throws: { ($0 as? StoreFault).map(isUnavailable) == true }
    await store.close()
    await stranger.close()
  }
}
