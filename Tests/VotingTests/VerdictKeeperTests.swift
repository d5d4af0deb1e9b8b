import Routing
import TestSupport
import Testing
import Voting

private let allHomes = [
  "tokyo/1": "tokyo", "tokyo/2": "tokyo", "oslo/1": "oslo", "oslo/2": "oslo", "lima/1": "lima",
]
private let remote = ["oslo/1", "oslo/2", "lima/1"]

private func report(
  _ region: String, down: [String] = [], only: [String]? = nil, isIsolated: Bool = false
) -> HealthReport {
  HealthReport(
    region: region, isIsolated: isIsolated,
    observations: Dictionary(
      uniqueKeysWithValues: allHomes.keys.filter { only?.contains($0) ?? true }.map {
        ($0, Observation(down.contains($0) ? .unhealthy : .healthy, since: 4))
      }))
}

/// A node in Tokyo, as time goes by.
private struct Node {
  var keeper = VerdictKeeper(VotingRules(staleHold: .seconds(300)))
  var own = report("tokyo")
  var others: [String: HealthReport] = [:]
  var isConnected = true
  var homes = allHomes

  mutating func settle(_ seconds: Int = 0) {
    keeper.settle(
      VerdictKeeper.Evidence(
        own: own, others: others, homes: homes, isConnected: isConnected),
      now: .seconds(seconds))
  }

  var down: [String] {
    keeper.verdicts.filter { $0.value.opinion.health == .unhealthy }.keys.sorted()
  }
}

struct VerdictKeeperTests {
  @Test func `a node that never saw the store goes by itself`() {
    var node = Node(own: report("tokyo", down: remote), isConnected: false)
    node.settle()
    #expect(node.keeper.standing == .alone && node.down == remote.sorted())
    #expect(!node.keeper.isIsolated)
  }

  @Test func `what one of three cannot reach stays up, also for itself`() {
    var node = Node(own: report("tokyo", down: ["oslo/1"]))
    node.others = ["b": report("tokyo"), "c": report("tokyo"), "d": report("oslo")]
    node.settle()
    #expect(node.down == [])
    node.others["b"] = report("tokyo", down: ["oslo/1"])
    node.settle()
    #expect(node.down == ["oslo/1"])
  }

  @Test func `a region that cannot reach another moves its own clients alone`() {
    let cut = report("tokyo", down: ["oslo/1", "oslo/2"])
    var node = Node(own: cut)
    node.others = ["b": cut, "d": report("oslo"), "e": report("lima")]
    node.settle()
    #expect(node.down == ["oslo/1", "oslo/2"] && !node.keeper.isIsolated)
    var far = Node(own: report("lima"))
    far.others = ["a": cut, "b": cut, "d": report("oslo")]
    far.settle()
    #expect(far.down == [])
  }

  @Test
  func `a node that sees all of the others fail, which they do not, knows that it is cut off`() {
    var node = Node(own: report("tokyo", down: remote))
    node.others = ["d": report("oslo"), "e": report("lima")]
    node.settle()
    #expect(node.keeper.isIsolated && node.down == [])
    // Its own region's it knows best all the same.
    node.own = report("tokyo", down: remote + ["tokyo/1"])
    node.others["d"]?.observations["tokyo/2"] = Observation(.unhealthy)
    node.others["e"]?.observations["tokyo/2"] = Observation(.unhealthy)
    node.settle()
    #expect(node.down == ["tokyo/1"])
    node.own = report("tokyo")
    node.settle()
    #expect(!node.keeper.isIsolated)
  }

  @Test func `all of the others lost is no isolation where nobody else says that they are well`() {
    var node = Node(own: report("tokyo", down: remote))
    node.others = ["b": report("tokyo", down: remote)]
    node.settle()
    #expect(!node.keeper.isIsolated && node.down == remote.sorted())
    // Of two regions, the last words of the one that was lost whole are no witness of it.
    node.homes["lima/1"] = nil
    node.own = report("tokyo", down: ["oslo/1", "oslo/2"], only: ["tokyo/1", "oslo/1", "oslo/2"])
    node.others = ["d": report("oslo")]
    node.settle()
    #expect(!node.keeper.isIsolated && node.down == ["oslo/1", "oslo/2"])
  }

  @Test func `a node that others call isolated takes nothing from them`() {
    var node = Node()
    node.others = ["d": report("oslo", down: Array(allHomes.keys), isIsolated: true)]
    node.own = report("tokyo", only: ["tokyo/1"])
    node.settle()
    #expect(node.down == [])
    #expect(node.keeper.verdicts.keys.sorted() == ["tokyo/1"])
  }

  @Test func `without the store the others stay as they were, and then the node goes by itself`() {
    var node = Node()
    node.others = ["d": report("oslo", down: ["lima/1"]), "e": report("oslo", down: ["lima/1"])]
    node.own = report("tokyo", only: ["tokyo/1", "tokyo/2", "oslo/1"])
    node.settle()
    #expect(node.down == ["lima/1"])
    node.isConnected = false
    node.others = [:]
    node.own = report(
      "tokyo", down: ["tokyo/1", "oslo/1"], only: ["tokyo/1", "tokyo/2", "oslo/1"])
    node.settle(10)
    #expect(node.keeper.standing == .frozen && node.down == ["lima/1", "tokyo/1"])
    node.settle(309)
    #expect(node.down == ["lima/1", "tokyo/1"])
    node.settle(310)
    // What it does not watch stays as it was; nothing becomes unknown.
    #expect(node.keeper.standing == .cutOff)
    #expect(node.down == ["lima/1", "oslo/1", "tokyo/1"])
    #expect(node.keeper.verdicts.count == allHomes.count)
    node.isConnected = true
    node.own = report("tokyo")
    node.settle(320)
    #expect(node.keeper.standing == .voting)
    #expect(node.keeper.verdicts["oslo/1"]?.opinion.health == .healthy)
  }

  @Test func `a node without the store for which all others fail knows that it is cut off`() {
    var node = Node()
    node.settle()
    node.isConnected = false
    node.own = report("tokyo", down: remote)
    node.settle(1)
    #expect(node.keeper.isIsolated && node.down == [])
  }

  @Test func `endpoints that nobody checks are as the node itself finds them`() {
    var keeper = VerdictKeeper(VotingRules())
    keeper.settle(
      VerdictKeeper.Evidence(
        own: report("tokyo", down: ["oslo/1"]),
        others: ["b": report("tokyo"), "c": report("tokyo")], homes: allHomes,
        unchecked: ["oslo/1"], isConnected: true),
      now: .zero)
    #expect(keeper.verdicts["oslo/1"]?.basis == .local)
    #expect(keeper.verdicts["oslo/1"]?.opinion.health == .unhealthy)
  }

  /// While every endpoint is well, whatever becomes of nodes, their checks' results from afar and
  /// the store.
  @Test(arguments: 0..<UInt64(200))
  func `lost nodes, regions and stores empty no board`(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var node = Node()
    let regions = ["tokyo", "oslo", "lima"]
    node.settle()
    for second in 1...400 {
      switch Int.random(in: 0..<6, using: &generator) {
      case 0:
        let name = "n\(Int.random(in: 0..<8, using: &generator))"
        node.others[name] = report(regions.randomElement(using: &generator) ?? "")
      case 1:
        if let gone = node.others.keys.sorted().randomElement(using: &generator) {
          node.others[gone] = nil
        }
      case 2:
        let lost = regions.randomElement(using: &generator)
        node.others = node.others.filter { $0.value.region != lost }
      case 3: node.isConnected.toggle()
      case 4:
        // Somebody elsewhere is cut off, and knows it.
        node.others["x"] = report("oslo", down: Array(allHomes.keys), isIsolated: true)
      default:
        // It watches less, or all.
        let some = Array(allHomes.keys.sorted().shuffled(using: &generator).prefix(3))
        node.own = report("tokyo", only: Bool.random(using: &generator) ? nil : some)
      }
      node.settle(second * 10)
      #expect(node.keeper.verdicts.count == allHomes.count && node.down == [], "second \(second)")
    }
  }

  @Test(arguments: 0..<UInt64(100))
  func `nodes of one region that have the same reports come to the same`(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let regions = ["tokyo", "tokyo", "tokyo", "oslo", "oslo", "lima"]
    var keepers = regions.map { _ in VerdictKeeper(VotingRules()) }
    for _ in 0..<50 {
      let reports = regions.map { region in
        report(
          region,
          down: allHomes.keys.sorted().filter { _ in Int.random(in: 0..<3, using: &generator) == 0 }
        )
      }
      for index in regions.indices {
        let others = regions.indices.filter { $0 != index }.map { ("n\($0)", reports[$0]) }
        keepers[index].settle(
          VerdictKeeper.Evidence(
            own: reports[index], others: Dictionary(uniqueKeysWithValues: others), homes: allHomes,
            isConnected: true),
          now: .zero)
      }
      let cut = zip(keepers, regions).filter { $0.isIsolated && $1 == "tokyo" }
      if cut.isEmpty {
        #expect(keepers[0].verdicts == keepers[1].verdicts)
        #expect(keepers[1].verdicts == keepers[2].verdicts)
      }
    }
  }
}
