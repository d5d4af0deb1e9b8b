import Foundation
import Synchronization
import TestSupport
import Testing

/// Five nodes, each in a region and a network of its own with that region's endpoint, and three
/// members of etcd, each in a network of its own: 0 to 4 are nodes, 5 to 7 members.
private final class PartedFleet: Sendable {
  static let regions = ["tokyo", "singapore", "frankfurt", "dublin", "virginia"]
  static let fencedIn: Set<String> = ["frankfurt", "dublin"]
  /// Operators speak of it, and it is never the primary: one that is drained has no clients.
  static let spokenOf = "frankfurt"

  let networks: NetworkNamespaces
  let fleet: Fleet
  private let endpoints: [RegionServer]
  /// By epoch: what any node served as the fleet's primary.
  let primaries = Mutex<[UInt64: Set<String>]>([:])

  var nodes: [FleetNode] { fleet.nodes }

  init() throws {
    let networks = try NetworkNamespaces(count: 8)
    self.networks = networks
    endpoints = try Self.regions.enumerated().map { index, region in
      let address = networks.addresses[index]
      return try networks.within(index) {
        try RegionServer(region: region, address: address, port: 8080)
      }
    }
    let order = Self.regions.filter { $0 != Self.spokenOf }.joined(separator: ", ")
    let lines = zip(Self.regions, networks.addresses).map { "\($0): [\"\($1):8080\"]" }
    fleet = try Fleet(
      members: 3,
      nodes: [
        "edge-1": "tokyo", "edge-2": "singapore", "edge-3": "frankfurt", "edge-4": "dublin",
        "edge-5": "virginia",
      ],
      global: """
        geo:
          prefixes: ["10.1.0.0/16 at=35.7,139.7 country=JP", "10.2.0.0/16 at=48.1,11.6 country=DE"]
        regions:
          tokyo: {location: [35.68, 139.69], tags: [jp]}
          singapore: {location: [1.35, 103.82], tags: [sg]}
          frankfurt: {location: [50.11, 8.68], tags: [eu]}
          dublin: {location: [53.35, -6.26], tags: [eu]}
          virginia: {location: [38.95, -77.45], tags: [us]}
        health: {jitter: 0%}
        monitors: {up: {type: tcp, interval: 300ms, fast_interval: 200ms, timeout: 150ms}}
        pools: {web: {monitor: up, endpoints: {\(lines.joined(separator: ", "))}}}
        policies:
          near: {type: proximity}
          one: {type: primary, order: [\(order)], fail_hold: 500ms}
        fences: {eu: {clients: {country: [DE]}, regions: {tags: [eu]}}}
        services:
          web: {policy: near, pool: web, on_all_down: fail_open}
          ledger: {policy: one, pool: web, on_all_down: fail_open}
        zones:
          example.org:
            soa: {primary: ns1, serial: 1}
            ns: [ns1]
            steered: {www: web, ledger: ledger}
            records: ["ns1 A 192.0.2.9"]
        """,
      networks: networks)
  }

  func stop() {
    fleet.stop()
    for endpoint in endpoints { endpoint.stop() }
    networks.remove()
  }

  /// Asks a node again and again for what must always be so.
  func watch(_ node: FleetNode) throws -> Load {
    let client = Mutex(try node.dnsClient())
    let addresses = networks.addresses
    return Load { [unowned self] in
      for (name, subnet) in [
        ("www", "10.1.0.1"), ("www", "10.2.0.1"), ("ledger", "10.1.0.1"),
      ] {
        let reply = try client.withLock {
          try $0.ask(DNSQuestion("\(name).example.org", subnet: subnet))
        }
        let answer = reply.addresses.first.flatMap { addresses.firstIndex(of: $0) }
          .map { Self.regions[$0] }
        guard let answer else { throw Load.Failure(text: "\(name) for \(subnet): \(reply)") }
        if subnet == "10.2.0.1", !Self.fencedIn.contains(answer) {
          throw Load.Failure(text: "\(subnet) left its fence for \(answer)")
        }
      }
      let found = try self.primary(of: node)
      if found.epoch > 0, !found.unreplicated {
        self.primaries.withLock { _ = $0[found.epoch, default: []].insert(found.region) }
      }
      rest()
      return node.id
    }
  }

  struct Primary: Decodable {
    var region: String
    var epoch: UInt64
    var unreplicated: Bool
  }

  func primary(of node: FleetNode) throws -> Primary {
    struct List: Decodable { var primaries: [Primary] }
    let list = try node.admin("GET", "/v1/primaries").decoded(as: List.self).primaries
    return try #require(list.first)
  }

  /// The target and the state of each override that a node has.
  func overrides(of node: FleetNode) throws -> [String] {
    struct List: Decodable {
      struct Override: Decodable {
        var target: String
        var state: String
      }
      var overrides: [Override]
    }
    return try node.admin("GET", "/v1/overrides").decoded(as: List.self).overrides
      .map { "\($0.target) \($0.state)" }.sorted()
  }
}

/// Who is cut from whom: a dozen ways.
private struct Shape: CustomTestStringConvertible, Sendable {
  let testDescription: String
  let cut: @Sendable (NetworkNamespaces) throws -> Void

  private static let nodes = Array(0..<5)
  private static let members = Array(5..<8)

  static let all = [
    Shape(testDescription: "a node apart from everything") { try $0.cut([0], from: 0..<8) },
    Shape(testDescription: "two nodes apart from the store") { try $0.cut([0, 1], from: members) },
    Shape(testDescription: "all nodes apart from the store") { try $0.cut(nodes, from: members) },
    Shape(testDescription: "a member apart from everything") { try $0.cut([5], from: 0..<8) },
    Shape(testDescription: "a member apart from the other members") {
      try $0.cut([6], from: members)
    },
    Shape(testDescription: "members apart from each other") { try $0.cut(members, from: members) },
    Shape(testDescription: "two nodes and a member apart from the rest") {
      try $0.cut([0, 1, 5], from: [2, 3, 4, 6, 7])
    },
    Shape(testDescription: "two nodes and two members apart from the rest") {
      try $0.cut([0, 1, 5, 6], from: [2, 3, 4, 7])
    },
    Shape(testDescription: "a node that is heard by nobody") {
      for other in 1..<8 { try $0.cut(from: 0, to: other) }
    },
    Shape(testDescription: "a member that hears nobody") {
      for other in 0..<8 where other != 7 { try $0.cut(from: other, to: 7) }
    },
    Shape(testDescription: "two sides that only one member hears") {
      try $0.cut([0, 1, 2, 5], from: [3, 4, 7])
    },
    Shape(testDescription: "a region apart from the others, and not from the store") {
      try $0.cut([4], from: nodes)
    },
  ]
}

extension EndToEndWaiting {
  @Suite(.enabled(if: EtcdCluster.isInstalled && NetworkNamespaces.isPermitted))
  struct `A fleet that is parted` {
    @Test(.timeLimit(.minutes(10)))
    func `answers, keeps its fences and has one primary an epoch, and is one again afterwards`()
      throws
    {
      let parted = try PartedFleet()
      defer { parted.stop() }
      let nodes = parted.nodes
      let loads = try nodes.map { try parted.watch($0) }
      func pass(_ count: Int) {
        let counts = loads.map(\.count)
        eventually("questions", within: .seconds(60)) {
          zip(loads, counts).allSatisfy { $0.count >= $1 + count }
        }
      }
      eventually("a primary") { try parted.primary(of: nodes[4]).epoch > 0 }
      for shape in Shape.all {
        try shape.cut(parted.networks)
        pass(20)
        // Operators on both sides, who do not know of each other.
        for (node, state) in [(0, "drain"), (4, "up")] {
          let body = #"{"state": "\#(state)", "reason": "parted", "author": "ada"}"#
          let status = try nodes[node].admin("PUT", "/v1/overrides/\(PartedFleet.spokenOf)", body)
            .status
          #expect([200, 201, 409].contains(status), "\(shape)")
        }
        for (node, region) in [(0, "dublin"), (4, "virginia")] {
          let body = #"{"region": "\#(region)"}"#
          let status = try nodes[node].admin("POST", "/v1/primaries/ledger/promote", body).status
          #expect([200, 409, 503].contains(status), "\(shape)")
        }
        pass(20)
        try parted.networks.heal()
        for node in nodes {
          node.eventually("it is back: \(shape)", within: .seconds(60)) {
            guard node.isConnected, node.metric("azimuth_fleet_isolated") == "0",
              node.metric("azimuth_overrides_local") == "0"
            else { return false }
            let primary = try parted.primary(of: node)
            let first = try parted.primary(of: nodes[0])
            let overrides = try parted.overrides(of: node)
            let firsts = try parted.overrides(of: nodes[0])
            return primary.epoch == first.epoch && primary.region == first.region
              && !primary.unreplicated && overrides == firsts
          }
        }
        // The safer of two words, if both were taken.
        #expect(try parted.overrides(of: nodes[0]).count == 1, "\(shape)")
        // Nobody is drained for the next shape: who sees a word that is left takes it back as well.
        eventually("the end of the override: \(shape)", within: .seconds(60)) {
          guard let node = try nodes.first(where: { try !parted.overrides(of: $0).isEmpty })
          else { return true }
          let removed = try node.admin("DELETE", "/v1/overrides/\(PartedFleet.spokenOf)")
          throw Load.Failure(text: "\(node.id): \(removed.status) \(removed.text)")
        }
      }
      expectNoFailure(of: loads)
      let primaries = parted.primaries.withLock { $0 }
      #expect(primaries.count > 1)
      #expect(primaries.allSatisfy { $0.value.count == 1 }, "\(primaries)")
    }
  }
}
