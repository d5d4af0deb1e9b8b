import Routing
import TestSupport
import Testing
import Voting

private let regions = ["tokyo", "oslo", "lima"]
private let homes = Dictionary(
  uniqueKeysWithValues: regions.flatMap { region in (1...2).map { ("\(region)/\($0)", region) } })

/// Two regions, in either direction.
private struct Link: Hashable {
  var from: String
  var to: String
}

/// What the nodes live in: links between regions, endpoints, and a store of a member a region.
private struct Landscape {
  var cut: Set<Link> = []
  var dead: Set<String> = []
  /// Members that do not run.
  var stopped: Set<String> = []
  /// By node, and until when their leases last.
  var reports: [String: (report: HealthReport, until: Int)] = [:]

  func reaches(_ from: String, _ to: String) -> Bool {
    from == to || !cut.contains(Link(from: from, to: to))
  }

  /// A word and its answer come through.
  private func speaks(_ a: String, _ b: String) -> Bool { reaches(a, b) && reaches(b, a) }

  /// It runs, and has most of the members with it.
  private func isQuorate(_ member: String) -> Bool {
    !stopped.contains(member)
      && regions.count { !stopped.contains($0) && speaks(member, $0) } * 2 > regions.count
  }

  func hasStore(_ region: String) -> Bool {
    regions.contains { speaks(region, $0) && isQuorate($0) }
  }

  /// Leases end by the cluster's word alone.
  mutating func expire(now: Int) {
    if regions.contains(where: isQuorate) { reports = reports.filter { $0.value.until > now } }
  }

  /// As a check finds it, and as whoever watches knows it to be.
  func isUp(_ endpoint: String, from region: String) -> Bool {
    !dead.contains(endpoint) && homes[endpoint].map { speaks(region, $0) } == true
  }
}

/// A node with its checks: two results in a row change what it finds.
private struct Node {
  let id: String
  let region: String
  /// Nodes of a region that watch an endpoint of another.
  var observers = 1
  var keeper = VerdictKeeper(VotingRules(staleHold: .seconds(20)))
  var found: [String: Observation] = [:]
  var against: [String: Int] = [:]
  var picture: [String: HealthReport] = [:]

  /// Of the nodes that live, as they were when this was made.
  var watches: (nodes: Set<String>, endpoints: Set<String>)?

  mutating func watched() -> Set<String> {
    guard keeper.standing == .voting || keeper.standing == .frozen else { return Set(homes.keys) }
    let nodes = Set(picture.keys)
    if let watches, watches.nodes == nodes { return watches.endpoints }
    let endpoints = Observers.endpoints(
      watchedBy: id, in: region, nodes: picture.mapValues(\.region), endpoints: homes,
      count: observers)
    watches = (nodes, endpoints)
    return endpoints
  }

  mutating func advance(_ world: inout Landscape, now: Int) {
    let watched = watched()
    found = found.filter { watched.contains($0.key) }
    for endpoint in watched {
      let health: Health = world.isUp(endpoint, from: region) ? .healthy : .unhealthy
      guard let before = found[endpoint] else {
        found[endpoint] = Observation(health, since: UInt64(now), wasGood: health == .healthy)
        continue
      }
      against[endpoint] = before.health == health ? 0 : against[endpoint, default: 0] + 1
      if against[endpoint, default: 0] >= 2 {
        found[endpoint] = Observation(health, since: UInt64(now))
      }
    }
    let isConnected = world.hasStore(region)
    var own = HealthReport(region: region, observations: found)
    if isConnected { picture = world.reports.mapValues(\.report) }
    keeper.settle(
      VerdictKeeper.Evidence(
        own: own, others: picture.filter { $0.key != id }, homes: homes,
        isConnected: isConnected),
      now: .seconds(now))
    own.isIsolated = keeper.isIsolated
    if isConnected { world.reports[id] = (own, now + 15) }
  }

  func isUp(_ endpoint: String) -> Bool {
    keeper.verdicts[endpoint].map { $0.opinion.health != .unhealthy } ?? false
  }
}

private struct Fleet {
  var world = Landscape()
  var nodes = zip(["a", "b", "c", "d", "e"], ["tokyo", "tokyo", "oslo", "oslo", "lima"])
    .map { Node(id: $0, region: $1) }
  var now = 0

  mutating func advance(_ seconds: Int, check: (Self) -> Void = { _ in }) {
    for _ in 0..<seconds {
      now += 1
      world.expire(now: now)
      for index in nodes.indices { nodes[index].advance(&world, now: now) }
      check(self)
    }
  }

  /// Something happens to links, members, endpoints or nodes.
  mutating func disturb(
    killing mayKill: Bool, using generator: inout SeededGenerator
  ) {
    let from = regions.randomElement(using: &generator) ?? ""
    let to = regions.randomElement(using: &generator) ?? ""
    switch Int.random(in: 0..<(mayKill ? 8 : 6), using: &generator) {
    case 0: world.cut.insert(Link(from: from, to: to))
    case 1:
      world.cut.formUnion(
        regions.flatMap { [Link(from: $0, to: from), Link(from: from, to: $0)] })
    case 2: world.cut = []
    case 3: world.stopped.formSymmetricDifference([from])
    case 4:
      // A node is lost, with all that it knew, and another begins.
      let index = Int.random(in: nodes.indices, using: &generator)
      nodes[index] = Node(id: nodes[index].id, region: nodes[index].region)
    case 5: world.stopped = Set(regions)
    default:
      if let endpoint = homes.keys.sorted().randomElement(using: &generator) {
        world.dead.formSymmetricDifference([endpoint])
      }
    }
  }
}

struct PartitionTests {
  /// A node reaches its own region, whatever is cut: what is there is never lost to its clients.
  @Test func `whatever is cut, no node's board is empty, and no live region is lost to itself`() {
    for seed in 0..<UInt64(1000) {
      var generator = SeededGenerator(seed: seed)
      var fleet = Fleet()
      fleet.advance(5)
      for _ in 0..<6 {
        fleet.disturb(killing: false, using: &generator)
        fleet.advance(Int.random(in: 1...20, using: &generator)) { fleet in
          for node in fleet.nodes {
            let isWhole = node.keeper.verdicts.count == homes.count
            if isWhole && (1...2).allSatisfy({ node.isUp("\(node.region)/\($0)") }) { continue }
            Issue.record("seed \(seed), second \(fleet.now), node \(node.id)")
          }
        }
      }
    }
  }

  @Test func `once all is healed, all nodes find what is so`() {
    for seed in 0..<UInt64(1000) {
      var generator = SeededGenerator(seed: seed)
      var fleet = Fleet()
      fleet.advance(5)
      for _ in 0..<6 {
        fleet.disturb(killing: true, using: &generator)
        fleet.advance(Int.random(in: 1...20, using: &generator))
      }
      fleet.world.cut = []
      fleet.world.stopped = []
      fleet.advance(25)
      for node in fleet.nodes {
        #expect(!node.keeper.isIsolated && node.keeper.standing == .voting)
        for endpoint in homes.keys {
          #expect(
            node.isUp(endpoint) == !fleet.world.dead.contains(endpoint),
            "seed \(seed), node \(node.id), \(endpoint)")
        }
      }
    }
  }

  @Test func `a lost region is found down everywhere else, its last reports notwithstanding`() {
    for region in regions {
      var fleet = Fleet()
      fleet.advance(5)
      fleet.world.cut = Set(
        regions.flatMap { [Link(from: $0, to: region), Link(from: region, to: $0)] })
      fleet.world.dead = Set(homes.filter { $0.value == region }.keys)
      fleet.nodes.removeAll { $0.region == region }
      fleet.advance(4)
      for node in fleet.nodes {
        for (endpoint, home) in homes { #expect(node.isUp(endpoint) == (home != region)) }
      }
    }
  }

  @Test func `a region that is cut from one other moves its own clients and no others`() {
    var fleet = Fleet()
    for index in fleet.nodes.indices { fleet.nodes[index].observers = 2 }
    fleet.advance(5)
    fleet.world.cut = [Link(from: "tokyo", to: "oslo")]
    fleet.advance(5)
    for node in fleet.nodes {
      for (endpoint, home) in homes {
        let isCut =
          node.region == "tokyo" && home == "oslo" || node.region == "oslo" && home == "tokyo"
        #expect(node.isUp(endpoint) == !isCut, "\(node.id), \(endpoint)")
      }
    }
  }
}
