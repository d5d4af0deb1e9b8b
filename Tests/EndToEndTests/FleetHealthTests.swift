import Foundation
import TestSupport
import Testing

/// By region, of the endpoints.
private let addresses = ["lima": "127.0.10.3", "oslo": "127.0.10.2", "tokyo": "127.0.10.1"]

/// What `/v1/fleet/votes` says, as far as this looks.
private struct Votes: Decodable {
  struct Endpoint: Decodable {
    struct Vote: Decodable {
      var node: String
      var health: String
      var isolated: Bool
    }
    var id: String
    var health: String
    var basis: String?
    var votes: [Vote]
  }
  var standing: String
  var isolated: Bool
  var endpoints: [Endpoint]
}

/// A node, and an endpoint in each of three regions at a port of its own, so that a test can take
/// an endpoint away from this node alone.
private final class WatchingNode {
  let node: FleetNode
  /// By region.
  let endpoints: [String: RegionServer]

  init(_ node: FleetNode) throws {
    self.node = node
    endpoints = Dictionary(
      uniqueKeysWithValues: try addresses.map {
        ($0, try RegionServer(region: $0, address: $1, port: node.ports.endpoints))
      })
  }

  /// The region to which DNS sends clients; nil: no answer.
  var region: String? {
    let address = node.answer
    return addresses.first { $0.value == address }?.key
  }

  var votes: Votes {
    get throws { try node.admin("GET", "/v1/fleet/votes").decoded(as: Votes.self) }
  }

  /// How it stands with its anycast addresses.
  var anycast: String? {
    get throws {
      struct Standing: Decodable { var standing: String }
      return try node.admin("GET", "/v1/anycast").decoded(as: Standing.self).standing
    }
  }

  func endpoint(_ region: String) throws -> Votes.Endpoint? {
    try votes.endpoints.first { $0.id.hasPrefix("\(region)/") }
  }

  /// What a node says of a region's endpoint, as this one knows it.
  func vote(of node: String, on region: String) throws -> String? {
    try endpoint(region)?.votes.first { $0.node == node }?.health
  }
}

/// Nodes that check what they share. DNS gives Lima's address first, then Oslo's, then Tokyo's.
private final class WatchingFleet {
  let fleet: Fleet
  let nodes: [WatchingNode]

  /// - Parameters:
  ///   - regions: of its nodes, by their ids.
  ///   - isSampled: not every node watches every endpoint.
  init(
    _ regions: KeyValuePairs<String, String>, health: String = "{}", isSampled: Bool = false
  ) throws {
    let endpoints = addresses.map { "\($0): [\"\($1):80\"]" }.joined(separator: ", ")
    fleet = try Fleet(
      nodes: regions,
      global: """
        regions: {tokyo: {}, oslo: {}, lima: {}}
        health: {jitter: 0%}
        monitors: {up: {type: tcp, interval: 200ms, fast_interval: 100ms, timeout: 100ms}}
        pools: {web: {monitor: up, endpoints: {\(endpoints)}}}
        policies: {near: {type: failover, order: [lima, oslo, tokyo]}}
        services: {web: {pool: web, policy: near}}
        anycast: {prefixes: [192.0.2.53/32], hold_up: 1s}
        zones:
          example.org:
            soa: {primary: ns1, serial: 1}
            ns: [ns1]
            steered: {www: web}
            records: ["ns1 A 192.0.2.9"]
        """,
      health: health, own: { "monitors: {up: {port: \($0.endpoints)}}" }, isServing: false)
    let nodes = try fleet.nodes.map { try WatchingNode($0) }
    self.nodes = nodes
    try fleet.serve()
    guard health != "off" else { return }
    for watching in nodes {
      watching.node.eventually("that it knows what all say") {
        try watching.votes.standing == "voting"
          && watching.votes.endpoints.allSatisfy { endpoint in
            isSampled || endpoint.votes.count { $0.health == "healthy" } == nodes.count
          }
      }
      watching.node.eventually("an answer") { watching.region == "lima" }
    }
  }

  func stop() {
    fleet.stop()
    for node in nodes { for endpoint in node.endpoints.values { endpoint.stop() } }
  }
}

extension EndToEndWaiting {
  @Suite(.enabled(if: EtcdCluster.isInstalled)) struct `Health in a fleet` {
    @Test(.timeLimit(.minutes(2)))
    func `goes by most of a region's nodes, and what all lose is down everywhere within seconds`()
      throws
    {
      let fleet = try WatchingFleet(["a": "oslo", "b": "oslo", "c": "oslo", "d": "tokyo"])
      defer { fleet.stop() }
      let (oslo, tokyo) = (fleet.nodes.prefix(3), fleet.nodes[3])
      // One of three.
      oslo[0].endpoints["lima"]?.stop()
      for node in fleet.nodes {
        eventually("what a finds") { try node.vote(of: "a", on: "lima") == "unhealthy" }
        #expect(try node.endpoint("lima")?.health == "healthy")
        #expect(try node.endpoint("lima")?.basis == "own_region")
        #expect(node.region == "lima")
      }
      // Two of three: the region's clients go elsewhere, and nobody else's.
      oslo[1].endpoints["lima"]?.stop()
      for node in oslo { eventually("another answer") { node.region == "oslo" } }
      eventually("what b finds") { try tokyo.vote(of: "b", on: "lima") == "unhealthy" }
      #expect(tokyo.region == "lima")
      // All.
      oslo[2].endpoints["lima"]?.stop()
      tokyo.endpoints["lima"]?.stop()
      let taken = eventually("another answer") { tokyo.region == "oslo" }
      #expect(taken < .seconds(3))
      // And back.
      for node in fleet.nodes { try node.endpoints["lima"]?.start() }
      for node in fleet.nodes { eventually("the return") { node.region == "lima" } }
    }

    @Test(.timeLimit(.minutes(2)))
    func `of a node that is cut off from the others does not go by its own checks of them`() throws
    {
      let fleet = try WatchingFleet(["a": "oslo", "d": "tokyo", "e": "lima"])
      defer { fleet.stop() }
      let cut = fleet.nodes[0]
      eventually("routes to all") {
        fleet.nodes.allSatisfy { $0.node.metric("azimuth_anycast_announced") == "1" }
      }
      for region in ["lima", "tokyo"] { cut.endpoints[region]?.stop() }
      eventually("that it knows") { cut.node.metric("azimuth_fleet_isolated") == "1" }
      eventually("no route") { try cut.anycast == "isolated" }
      #expect(try cut.votes.isolated)
      for node in fleet.nodes {
        eventually("that all know") {
          try node.endpoint("lima")?.votes.first { $0.node == "a" }?.isolated == true
        }
        #expect(node.region == "lima")
      }
      #expect(try cut.endpoint("lima")?.basis == "regions")
      for region in ["lima", "tokyo"] { try cut.endpoints[region]?.start() }
      eventually("the end of it") { cut.node.metric("azimuth_fleet_isolated") == "0" }
      #expect(cut.region == "lima")
      eventually("a route") { try cut.anycast == "announced" }
      // What goes wrong for all is no reason that nobody is left.
      for region in ["oslo", "tokyo", "lima"] {
        fleet.fleet.say("region/\(region)", "anycast: {name: gone.example.org}")
      }
      for node in fleet.nodes {
        eventually("the last hope", within: .seconds(30)) { try node.anycast == "last_hope" }
        #expect(node.node.metric("azimuth_anycast_announced") == "1")
      }
    }

    @Test(.timeLimit(.minutes(2)))
    func `stays as it was for other regions while the store is lost, and then goes by the node`()
      throws
    {
      let fleet = try WatchingFleet(
        ["a": "oslo", "b": "oslo", "d": "tokyo"], health: "{stale_hold: 10s}")
      defer { fleet.stop() }
      let node = fleet.nodes[0]
      fleet.fleet.cluster.kill(member: 0)
      eventually("that the loss is noticed", within: .seconds(30)) {
        node.node.metric("azimuth_fleet_frozen") == "1"
      }
      // Other than of regions that it does not stand in, it goes by itself of its own.
      node.endpoints["lima"]?.stop()
      node.endpoints["oslo"]?.stop()
      eventually("what it finds itself") { try node.endpoint("oslo")?.health == "unhealthy" }
      eventually("what it finds of Lima") {
        try node.vote(of: "a", on: "lima") == "unhealthy"
      }
      #expect(try node.endpoint("lima")?.basis == "kept" && node.region == "lima")
      eventually("the end of the hold", within: .seconds(30)) { node.region == "tokyo" }
      #expect(try node.votes.standing == "cut_off")
      #expect(fleet.nodes[2].region == "lima")
      // Back with the store: most of the region's nodes, and half is not most.
      try fleet.fleet.cluster.start(0)
      eventually("the votes", within: .seconds(30)) {
        try node.votes.standing == "voting" && node.region == "lima"
      }
    }

    @Test(.timeLimit(.minutes(2)))
    func `is found out by a few nodes of a region, and by the others when one is lost`() throws {
      let fleet = try WatchingFleet(
        ["a": "oslo", "b": "oslo"], health: "{observers: 1}", isSampled: true)
      defer { fleet.stop() }
      func watched(_ node: WatchingNode) throws -> Int {
        Int(node.node.metric("azimuth_fleet_watched_endpoints") ?? "") ?? 0
      }
      // Oslo's by both, and each of the two others by one of them.
      eventually("the work to be shared") {
        try watched(fleet.nodes[0]) + watched(fleet.nodes[1]) == 4
      }
      for node in fleet.nodes {
        eventually("the other's word") { try node.endpoint("lima")?.health == "healthy" }
        #expect(node.region == "lima")
      }
      fleet.nodes[1].node.kill()
      eventually("the work to be taken over", within: .seconds(40)) {
        #expect(fleet.nodes[0].region == "lima")
        return try watched(fleet.nodes[0]) == 3
      }
      #expect(try fleet.nodes[0].endpoint("lima")?.health == "healthy")
    }

    @Test(.timeLimit(.minutes(2)))
    func `is of each node by itself where that is wanted`() throws {
      let fleet = try WatchingFleet(["a": "oslo", "d": "tokyo"], health: "off")
      defer { fleet.stop() }
      let node = fleet.nodes[0]
      node.endpoints["lima"]?.stop()
      eventually("what it finds") { node.region == "oslo" }
      #expect(fleet.nodes[1].region == "lima")
      #expect(try node.node.admin("GET", "/v1/fleet/votes").status == 404)
      let keys = try fleet.fleet.cluster.control("get", "--prefix", "/azimuth/prod/v1/health/")
      #expect(keys.isEmpty)
    }
  }
}
