import Foundation
import Glibc
import Synchronization
import TestSupport
import Testing

/// A node of a fleet, and the etcd from which it has its configuration.
final class FleetWorld {
  static let global = """
    regions: {tokyo: {}, oslo: {}, lima: {}}
    pools:
      web: {endpoints: {tokyo: ["192.0.2.1:80"], oslo: ["192.0.2.2:80"], lima: ["192.0.2.3:80"]}}
    policies: {near: {type: failover, order: [tokyo, oslo, lima]}}
    services: {web: {pool: web, policy: near}}
    zones:
      example.org:
        soa: {primary: ns1, serial: 1}
        ns: [ns1]
        steered: {www: web}
        records: ["ns1 A 192.0.2.9"]
    """

  let cluster: EtcdCluster
  let ports = Ports()
  let file: URL
  var process: RunningProcess?

  /// - Parameters:
  ///   - own: of the node's file, beside what makes it a node of the fleet.
  ///   - other: a node whose store this one shares.
  init(
    members: Int = 1, own: String = "", node id: String = "edge-1", beside other: FleetWorld? = nil
  ) throws {
    cluster = try other?.cluster ?? EtcdCluster(members: members)
    file = try temporaryFolder().appending(path: "node.yaml")
    let urls = cluster.clients.map { "\"\($0)\"" }.joined(separator: ", ")
    try """
    node: {id: \(id), region: tokyo}
    state: state
    fleet: {name: prod, members: [\(urls)], start_wait: 2s, timeout: 1s}
    admin: {listen: "127.0.0.1:\(ports.admin)", token: demo-token}
    dns: {listen: ["127.0.0.1:\(ports.dns)"]}
    \(own)
    """.write(to: file, atomically: true, encoding: .utf8)
  }

  func stop() {
    process?.signal(SIGKILL)
    cluster.stop()
    try? FileManager.default.removeItem(at: file.deletingLastPathComponent())
  }

  func serve() throws { process = try RunningProcess(Program.path, ["serve", file.path]) }

  func end() {
    process?.signal(SIGTERM)
    eventually("the end") { process?.isRunning == false }
  }

  func say(_ layer: String, _ text: String) throws {
    eventually("a write") {
      try cluster.control("put", "/azimuth/prod/v1/config/\(layer)", text)
      return true
    }
  }

  /// The address of the service's first region, as DNS has it; nil: no answer.
  var answer: String? {
    let client = try? DNSClient(port: ports.dns, timeoutMilliseconds: 300)
    return try? client?.ask(DNSQuestion("www.example.org")).addresses.first
  }

  /// Questions from one socket, so that a lost one is seen; all others than this answer are wrong.
  func load(expecting answer: String) throws -> Load {
    let client = Mutex(try DNSClient(port: ports.dns))
    return Load {
      let reply = try client.withLock { try $0.ask(DNSQuestion("www.example.org")) }
      guard reply.addresses == [answer] else { throw Load.Failure(text: "\(reply)") }
      return answer
    }
  }

  func metric(_ name: String) throws -> String? {
    let text = try HTTPConnection(port: ports.admin).request("GET", "/metrics").text
    return text.split(separator: "\n").first { $0.hasPrefix("\(name) ") }
      .map { String($0.dropFirst(name.count + 1)) }
  }

  var readiness: Int? {
    try? HTTPConnection(port: ports.admin).request("GET", "/readyz").status
  }

  func force() throws -> Int {
    try HTTPConnection(port: ports.admin).request(
      "POST", "/v1/reload?force=true", headers: ["Authorization": "Bearer demo-token"]
    ).status
  }
}

extension EndToEnd {
  @Suite(.enabled(if: EtcdCluster.isInstalled)) struct `A node of a fleet` {
    @Test func `takes its layers from the store within a second, and changes with them`() throws {
      let world = try FleetWorld()
      defer { world.stop() }
      try world.say("global", FleetWorld.global)
      try world.serve()
      eventually("an answer") { world.answer == "192.0.2.1" }
      try world.say("region/tokyo", "policies: {near: {order: [oslo, tokyo, lima]}}")
      let taken = eventually("the region's layer") { world.answer == "192.0.2.2" }
      #expect(taken < .seconds(1))
      try world.say("node/edge-1", "policies: {near: {order: [lima, oslo, tokyo]}}")
      eventually("the node's layer") { world.answer == "192.0.2.3" }
      try world.say("node/edge-2", "policies: {near: {order: [tokyo, oslo, lima]}}")
      eventually("the heartbeat") { try world.metric("azimuth_engine_watch_lag_seconds") != nil }
      #expect(world.answer == "192.0.2.3")
      #expect(try world.metric("azimuth_config_valid") == "1")
      #expect(try world.metric("azimuth_engine_connected") == "1")
      let key = try world.cluster.control("get", "/azimuth/prod/v1/node/edge-1")
      #expect(key.contains("\"valid\":true"))
    }

    @Test func `goes on with the last good configuration when the store is poisoned or emptied`()
      throws
    {
      let world = try FleetWorld()
      defer { world.stop() }
      try world.say("global", FleetWorld.global)
      try world.serve()
      eventually("an answer") { world.answer == "192.0.2.1" }
      try world.say("node/edge-1", "policies: {near: {oder: [oslo]}}")
      eventually("the refusal") { try world.metric("azimuth_config_valid") == "0" }
      #expect(world.answer == "192.0.2.1" && world.readiness == 200)
      eventually("that it is said") {
        world.process?.all.contains(
          "/azimuth/prod/v1/config/node/edge-1:1: policies.near.oder: unknown key") == true
      }
      try world.say("node/edge-1", "")
      eventually("a good one again") { try world.metric("azimuth_config_valid") == "1" }
      try world.cluster.control("del", "--prefix", "/azimuth/prod/v1/config/")
      eventually("the refusal") { try world.metric("azimuth_config_valid") == "0" }
      #expect(world.answer == "192.0.2.1" && world.readiness == 200)
      // Not by a restart either.
      world.end()
      try world.serve()
      eventually("an answer") { world.answer == "192.0.2.1" }
    }

    @Test func `holds back what takes too much away until an operator confirms it`() throws {
      let world = try FleetWorld()
      defer { world.stop() }
      try world.say("global", FleetWorld.global)
      try world.serve()
      eventually("an answer") { world.answer == "192.0.2.1" }
      let lima = FleetWorld.global
        .replacing("oslo: {}, ", with: "")
        .replacing("tokyo: [\"192.0.2.1:80\"], oslo: [\"192.0.2.2:80\"], ", with: "")
        .replacing("[tokyo, oslo, lima]", with: "[lima]")
      try world.say("global", lima)
      eventually("the refusal") { try world.metric("azimuth_config_valid") == "0" }
      #expect(world.answer == "192.0.2.1")
      #expect(world.process?.all.contains("would take away 2 of 3 endpoints") == true)
      #expect(try world.force() == 200)
      eventually("what was confirmed") { world.answer == "192.0.2.3" }
      #expect(try world.metric("azimuth_config_valid") == "1")
    }

    @Test(.timeLimit(.minutes(20)))
    func `answers on without two of three members, and heals without a restart`() throws {
      let world = try FleetWorld(members: 3)
      defer { world.stop() }
      try world.say("global", FleetWorld.global)
      try world.serve()
      eventually("an answer") { world.answer == "192.0.2.1" }
      eventually("the watch") { try world.metric("azimuth_engine_connected") == "1" }
      let load = try world.load(expecting: "192.0.2.1")
      world.cluster.kill(member: 1)
      world.cluster.kill(member: 2)
      eventually("that it is noticed", within: .seconds(30)) {
        try world.metric("azimuth_engine_connected") == "0"
      }
      // A second is some 10,000 questions; ten minutes are AZIMUTH_LOST_SECONDS=600.
      let questions = load.count + 10_000 * rounds("AZIMUTH_LOST_SECONDS", otherwise: 5)
      eventually("the questions", within: .seconds(1200)) { load.count >= questions }
      #expect(world.readiness == 200)
      expectNoFailure(of: [load])
      try world.cluster.start(1)
      try world.cluster.start(2)
      try world.say("global", FleetWorld.global.replacing("[tokyo, oslo", with: "[oslo, tokyo"))
      eventually("the healing", within: .seconds(30)) { world.answer == "192.0.2.2" }
    }

    @Test func `starts without the store from what that last said`() throws {
      let world = try FleetWorld(own: "")
      defer { world.stop() }
      try world.say("global", FleetWorld.global)
      try world.serve()
      eventually("an answer") { world.answer == "192.0.2.1" }
      world.end()
      world.cluster.kill(member: 0)
      try world.serve()
      eventually("an answer") { world.answer == "192.0.2.1" }
      eventually("that its age is said") { world.process?.all.contains("age_seconds") == true }
      #expect(try world.metric("azimuth_engine_connected") == "0")
      try world.cluster.start(0)
      eventually("the store", within: .seconds(30)) {
        try world.metric("azimuth_engine_verified") == "1"
      }
    }

    @Test func `starts without the store from its own file, if that is enough`() throws {
      let world = try FleetWorld(own: FleetWorld.global)
      defer { world.stop() }
      world.cluster.kill(member: 0)
      try world.serve()
      eventually("an answer") { world.answer == "192.0.2.1" }
      try world.cluster.start(0)
      try world.say("global", "policies: {near: {order: [oslo, tokyo, lima]}}")
      eventually("the store's word", within: .seconds(30)) { world.answer == "192.0.2.2" }
    }

    @Test func `waits for the store where there is nothing else, and neither ends nor answers`()
      throws
    {
      let world = try FleetWorld()
      defer { world.stop() }
      world.cluster.kill(member: 0)
      try world.serve()
      eventually("that it says so") {
        world.process?.all.contains("nothing to serve yet") == true
      }
      eventually("that it says so to who asks") { world.readiness == 503 }
      let live = try HTTPConnection(port: world.ports.admin).request("GET", "/livez")
      #expect(live.status == 200)
      #expect(world.process?.isRunning == true && world.answer == nil)
      try world.cluster.start(0)
      try world.say("global", FleetWorld.global)
      eventually("an answer", within: .seconds(30)) { world.answer == "192.0.2.1" }
      eventually("that it is ready") { world.readiness == 200 }
    }
  }
}
