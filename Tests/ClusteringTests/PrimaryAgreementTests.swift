import Clustering
import Compiling
import Publishing
import Routing
import TestSupport
import Testing

private let regions = ["tokyo", "oslo", "lima"]

private func configuration(more: String) throws -> CompiledSettings {
  try compiledText(
    """
    regions: {tokyo: {}, oslo: {}, lima: {}}
    pools:
      web: {endpoints: {tokyo: ["192.0.2.1:80"], oslo: ["192.0.2.2:80"], lima: ["192.0.2.3:80"]}}
    policies: {one: {type: primary, order: [tokyo, oslo, lima], fail_hold: 2s\(more)}}
    services: {web: {pool: web, policy: one}}
    zones: {example.org: {soa: {primary: ns1}, ns: [ns1], steered: {www: web}}}
    dns: {listen: ["127.0.0.1:0"]}
    """)
}

/// Five nodes and a store of three members, of which any may be apart from any.
private struct World {
  struct Node {
    var keeper: BoardKeeper
    var known: (primary: SharedPrimary, revision: Int64)?
    /// The part of the network in which it is.
    var part = 0
    /// As this node finds the regions.
    var down: Set<String> = []
  }

  var nodes: [Node]
  var members = [0, 0, 0]
  var stored: (primary: SharedPrimary, revision: Int64)?
  var revision: Int64 = 0
  var history: [(primary: SharedPrimary, revision: Int64)?] = [nil]
  var now = 1000.0
  /// By epoch, of what any node served with the fleet's word.
  var primaries: [UInt64: Set<String>] = [:]

  init(_ compiled: CompiledSettings) {
    var keeper = BoardKeeper(compiled)
    keeper.sharePrimaries()
    keeper.restorePrimaries([], firstEpoch: 0)
    _ = keeper.board(now: .seconds(now))
    nodes = Array(repeating: Node(keeper: keeper), count: 5)
  }

  func hasCluster(_ node: Int) -> Bool {
    members.count { $0 == nodes[node].part } >= 2
  }

  func own(_ node: Int) -> (primary: SharedPrimary, isReplicated: Bool) {
    nodes[node].keeper.sharedPrimaries["web"] ?? (SharedPrimary(region: "none", epoch: 0), true)
  }

  /// - Parameter isAnswered: false: the write may have happened, and nobody says so.
  mutating func settle(_ node: Int, isLate: Bool, isAnswered: Bool) {
    let isReachable = hasCluster(node)
    if isReachable { nodes[node].known = isLate ? history[history.count / 2] : stored }
    follow(node, isReachable: isReachable)
    _ = nodes[node].keeper.board(now: .seconds(now))
    guard isReachable else { return }
    for _ in 0..<8 {
      let own = own(node)
      let agreement = PrimaryAgreement(
        own: own.primary, isReplicated: own.isReplicated,
        wish: nodes[node].keeper.primaryProposals["web"], stored: nodes[node].known,
        firstEpoch: UInt64(now))
      switch agreement {
      case .agreed: return
      case .follow: break
      case .write(let primary, let expected):
        if expected == stored?.revision ?? 0 {
          revision += 1
          stored = (primary, revision)
          history.append(stored)
        }
        guard isAnswered else { return }
        nodes[node].known = stored
      }
      follow(node, isReachable: true)
      _ = nodes[node].keeper.board(now: .seconds(now))
    }
  }

  private mutating func follow(_ node: Int, isReachable: Bool) {
    let decided = nodes[node].known.map { ["web": $0.primary] } ?? [:]
    _ = nodes[node].keeper.follow(decided, isReachable: isReachable, now: .seconds(now))
  }

  mutating func find(_ region: String, isDown: Bool, by node: Int) {
    if isDown { nodes[node].down.insert(region) } else { nodes[node].down.remove(region) }
    let index = regions.firstIndex(of: region) ?? 0
    let health = EndpointCondition(
      health: isDown ? .unhealthy : .healthy, lastGood: isDown ? 1 : .max)
    _ = nodes[node].keeper.apply(
      ["\(region)/web/192.0.2.\(index + 1):80": health], now: .seconds(now))
  }

  /// What all nodes serve is of one mind about each epoch.
  mutating func check(_ text: String) {
    for node in nodes.indices {
      let own = own(node)
      guard own.isReplicated, own.primary.epoch > 0 else { continue }
      primaries[own.primary.epoch, default: []].insert(own.primary.region)
      #expect(primaries[own.primary.epoch]?.count == 1, "epoch \(own.primary.epoch), \(text)")
    }
  }

  mutating func heal() {
    members = [0, 0, 0]
    for node in nodes.indices {
      nodes[node].part = 0
      for region in regions { find(region, isDown: false, by: node) }
    }
    for _ in 0..<20 {
      now += 1
      for node in nodes.indices { settle(node, isLate: false, isAnswered: true) }
    }
  }
}

@Suite struct `A primary that a fleet agrees on` {
  private static let manners = [
    "", ", failback: auto, failback_after: 3s", ", failback: gradual, failback_after: 3s",
    ", on_store_loss: local_promote",
  ]

  @Test(arguments: manners)
  func `is one region an epoch in any partition, and all come to the same afterwards`(
    manner: String
  ) throws {
    let compiled = try configuration(more: manner)
    let mayChooseAlone = manner.contains("local_promote")
    var changeCount: UInt64 = 0
    for seed in 0..<250 as Range<UInt64> {
      var random = SeededGenerator(seed: seed)
      var world = World(compiled)
      for _ in 0..<150 {
        world.now += Double.random(in: 0...1, using: &random)
        let node = Int.random(in: 0..<5, using: &random)
        switch Int.random(in: 0..<12, using: &random) {
        case 0: world.nodes[node].part = Int.random(in: 0...1, using: &random)
        case 1:
          let member = Int.random(in: 0..<3, using: &random)
          world.members[member] = Int.random(in: 0...1, using: &random)
        case 2...4:
          let region = regions.randomElement(using: &random) ?? ""
          let isDown = Bool.random(using: &random)
          // Seen by all, or by one alone.
          let seers = Bool.random(using: &random) ? Array(0..<5) : [node]
          for seer in seers { world.find(region, isDown: isDown, by: seer) }
        default:
          let before = world.own(node)
          world.settle(
            node, isLate: Int.random(in: 0..<4, using: &random) == 0,
            isAnswered: Int.random(in: 0..<8, using: &random) != 0)
          let after = world.own(node)
          #expect(after.primary.epoch >= before.primary.epoch, "seed \(seed)")
          // Without a cluster only what was written before comes, if anything.
          if !mayChooseAlone, !world.hasCluster(node) {
            #expect(after.primary.epoch == before.primary.epoch, "seed \(seed)")
          }
        }
        world.check("seed \(seed)")
      }
      world.heal()
      world.check("seed \(seed)")
      let first = world.own(0)
      for node in 0..<5 {
        let own = world.own(node)
        #expect(own.isReplicated && own.primary.epoch == first.primary.epoch, "seed \(seed)")
        #expect(own.primary.region == first.primary.region, "seed \(seed)")
      }
      #expect(world.stored?.primary.epoch == first.primary.epoch, "seed \(seed)")
      changeCount += first.primary.epoch - 1000
    }
    // It did move.
    #expect(changeCount > 250)
  }

  @Test func `never goes back to an older epoch, though the store does`() throws {
    let compiled = try configuration(more: "")
    for seed in 0..<100 as Range<UInt64> {
      var random = SeededGenerator(seed: seed)
      var world = World(compiled)
      world.heal()
      for step in 0..<100 {
        world.now += 1
        let node = Int.random(in: 0..<5, using: &random)
        let region = regions.randomElement(using: &random) ?? ""
        for seer in 0..<5 { world.find(region, isDown: step % 3 != 0, by: seer) }
        if step % 25 == 24, let old = world.history.randomElement(using: &random) {
          world.stored = old
        }
        let before = world.own(node)
        world.settle(node, isLate: false, isAnswered: true)
        #expect(world.own(node).primary.epoch >= before.primary.epoch, "seed \(seed)")
      }
      let greatest = (0..<5).map { world.own($0).primary.epoch }.max() ?? 0
      world.heal()
      for node in 0..<5 {
        #expect(world.own(node).primary.epoch >= greatest, "seed \(seed)")
        #expect(world.own(node).primary.region == world.stored?.primary.region, "seed \(seed)")
      }
    }
  }

  @Test func `stays with the fleet where a node has chosen alone`() throws {
    var world = World(try configuration(more: ", on_store_loss: local_promote"))
    world.heal()
    let epoch = world.own(0).primary.epoch
    world.nodes[0].part = 1
    world.find("tokyo", isDown: true, by: 0)
    for _ in 0..<4 {
      world.now += 1
      world.settle(0, isLate: false, isAnswered: true)
    }
    #expect(world.own(0).primary.region == "oslo" && !world.own(0).isReplicated)
    #expect(world.own(0).primary.epoch == epoch + 1)
    let stored = try #require(world.stored?.primary)
    #expect(
      PrimaryAgreement.isConflict(
        own: world.own(0).primary, isReplicated: false, stored: stored))
    world.heal()
    for node in 0..<5 {
      #expect(world.own(node).primary.region == "tokyo" && world.own(node).isReplicated)
      #expect(world.own(node).primary.epoch == epoch + 2)
    }
  }

  @Test func `is held where the store does not answer, unless the policy says otherwise`() throws {
    var world = World(try configuration(more: ""))
    world.heal()
    let before = world.own(0)
    world.nodes[0].part = 1
    world.find("tokyo", isDown: true, by: 0)
    for _ in 0..<60 {
      world.now += 1
      world.settle(0, isLate: false, isAnswered: true)
    }
    #expect(world.own(0).primary == before.primary)
    let report = world.nodes[0].keeper.primaryReports.first
    #expect(report?.isFrozen == true && report?.isUnreplicated == false)
  }

  @Test func `is read as it was written, and in no other form`() {
    let primary = SharedPrimary(region: "oslo", epoch: 8, isChosen: true, former: "lima")
    #expect(SharedPrimary(primary.bytes) == primary)
    let wrong = [
      "", "{}", #"{"region": "", "epoch": 8}"#, #"{"region": "oslo", "epoch": 0}"#,
      #"{"region": "oslo", "epoch": -1}"#, #"{"region": "oslo", "epoch": 1.5}"#,
      #"{"region": "oslo", "epoch": 18446744073709551615}"#,
    ]
    for text in wrong { #expect(SharedPrimary(Array(text.utf8)) == nil, "\(text)") }
    #expect(SharedPrimary(Array(#"{"region": "oslo", "epoch": 8}"#.utf8))?.epoch == 8)
  }
}
