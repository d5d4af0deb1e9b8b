import Gating
import TestSupport
import Testing

/// A fleet whose nodes fail, end, start, are drained and cut off by a seed. What a node says comes
/// to the others through a store, up to five seconds later.
private struct Fleet {
  static let rules = AnycastGate.Rules(holdUp: .seconds(10), fall: 3)
  static let slowestWord = 5

  struct Node {
    var gate: AnycastGate
    var isWell = true
    var isDrained = false
    var isIsolated = false
    var isConnected = true
    var isEnding = false
    var startedAt: Duration
    /// As the store has it.
    var word: AnycastStanding?
    var wordDelay = 0
    /// What it has last seen of the others.
    var seen: [AnycastStanding] = []

    // What the test notes of it.
    var lastWrong: Duration?
    var rightSince: Duration?
    var wrongInARow = 0
    var entries = 0
    var before = AnycastStanding.waiting

    init(now: Duration) {
      gate = AnycastGate(Fleet.rules, now: now)
      startedAt = now
    }

    var isAble: Bool { !isEnding && !isDrained && !(isIsolated && !isConnected) }
  }

  var random: SeededGenerator
  var nodes: [Node]
  var now = Duration.zero
  var isRestless = true
  /// Seconds for which nobody announced though somebody could.
  var silence = 0

  init(seed: UInt64) {
    random = SeededGenerator(seed: seed)
    let count = Int.random(in: 1...6, using: &random)
    nodes = (0..<count).map { _ in Node(now: .zero) }
  }

  mutating func second() {
    now += .seconds(1)
    for index in nodes.indices {
      if isRestless { meddle(index) }
      ask(index)
    }
    for index in nodes.indices { hear(index) }
    let canAnyone = nodes.contains { $0.isAble && $0.isConnected && $0.isWell }
    silence = canAnyone && !nodes.contains { $0.gate.standing.isAnnounced } ? silence + 1 : 0
  }

  private mutating func meddle(_ index: Int) {
    func chance(_ share: Double) -> Bool { Double.random(in: 0..<1, using: &random) < share }
    if chance(0.03) { nodes[index].isWell.toggle() }
    if chance(0.01) { nodes[index].isDrained.toggle() }
    if chance(0.01) { nodes[index].isIsolated.toggle() }
    if chance(0.01) { nodes[index].isConnected.toggle() }
    if nodes[index].isEnding, chance(0.2) {
      nodes[index] = Node(now: now)
    } else if chance(0.005) {
      nodes[index].isEnding = true
      nodes[index].gate.end(now: now)
    }
  }

  private mutating func ask(_ index: Int) {
    let slips = isRestless && Double.random(in: 0..<1, using: &random) < 0.02
    let isRight = nodes[index].isWell && !slips
    nodes[index].gate.noteAnswer(isRight: isRight, now: now)
    if isRight {
      nodes[index].rightSince = nodes[index].rightSince ?? now
      nodes[index].wrongInARow = 0
    } else {
      nodes[index].rightSince = nil
      nodes[index].wrongInARow += 1
    }
    if nodes[index].wrongInARow >= Self.rules.fall || nodes[index].isIsolated {
      nodes[index].lastWrong = now
    }
  }

  private mutating func hear(_ index: Int) {
    if nodes[index].isConnected {
      nodes[index].seen = nodes.indices.filter { $0 != index }.compactMap { nodes[$0].word }
    }
    let node = nodes[index]
    nodes[index].gate.settle(
      AnycastGate.Evidence(
        isDrained: node.isDrained, isIsolated: node.isIsolated, isConnected: node.isConnected,
        others: node.seen), now: now)
    let standing = nodes[index].gate.standing
    if standing == .announced && node.before != .announced && node.before != .drained {
      nodes[index].entries += 1
    }
    nodes[index].before = standing
    // It says so with its next heartbeat.
    guard nodes[index].isConnected else { return }
    if nodes[index].wordDelay > 0 {
      nodes[index].wordDelay -= 1
    } else {
      nodes[index].word = standing
      nodes[index].wordDelay = Int.random(in: 0..<Self.slowestWord, using: &random)
    }
  }

  /// Sets all right, but for nodes that are not well.
  mutating func heal() {
    isRestless = false
    for index in nodes.indices {
      nodes[index].isConnected = true
      nodes[index].isIsolated = false
      nodes[index].isDrained = false
      if nodes[index].isEnding { nodes[index] = Node(now: now) }
    }
  }
}

@Suite struct `The anycast gates of a fleet` {
  static let seconds = 300

  @Test func `two thousand schedules keep every rule`() {
    for seed in 0..<UInt64(2_000) {
      guard let fault = fault(seed) else { continue }
      Issue.record("seed \(seed): \(fault)")
      return
    }
  }

  private func fault(_ seed: UInt64) -> String? {
    var fleet = Fleet(seed: seed)
    for _ in 0..<Self.seconds {
      fleet.second()
      for (index, node) in fleet.nodes.enumerated() {
        if let fault = fault(of: node, now: fleet.now) { return "node \(index): \(fault)" }
      }
    }
    // A node of its own may flap, and does so slowly: at most one loss in five hold-ups on average.
    let mostEntries = Self.seconds / (5 * 10) + 5
    if let busy = fleet.nodes.first(where: { $0.entries > mostEntries }) {
      return "announced \(busy.entries) times"
    }
    return faultAfterHealing(&fleet)
  }

  private func fault(of node: Fleet.Node, now: Duration) -> String? {
    let standing = node.gate.standing
    if node.isEnding && standing != .ending { return "is \(standing) while it ends" }
    if node.isDrained && standing.isAnnounced { return "is \(standing) while it is drained" }
    guard standing == .announced else { return nil }
    if let wrong = node.lastWrong, now - wrong < Fleet.rules.holdUp {
      return "is announced \(now - wrong) after it was lost"
    }
    if now - node.startedAt < Fleet.rules.holdUp { return "is announced at its start" }
    return nil
  }

  /// When nobody meddles any more, it comes to rest; and if only some nodes are well, those alone
  /// announce; if none is, all of them do.
  private func faultAfterHealing(_ fleet: inout Fleet) -> String? {
    fleet.heal()
    var changes = 0
    for second in 0..<400 {
      let before = fleet.nodes.map(\.gate.standing)
      fleet.second()
      if second >= 200 && fleet.nodes.map(\.gate.standing) != before { changes += 1 }
    }
    if changes > 0 { return "does not come to rest: \(changes) changes" }
    let isAnyWell = fleet.nodes.contains(where: \.isWell)
    for (index, node) in fleet.nodes.enumerated() {
      let wanted: AnycastStanding =
        node.isWell ? .announced : isAnyWell || fleet.nodes.count == 1 ? .failing : .lastHope
      if node.gate.standing != wanted {
        return "node \(index) ends as \(node.gate.standing), not \(wanted)"
      }
    }
    return nil
  }

  @Test func `while some node is well, whichever it is, nobody announces for moments only`() {
    for seed in 0..<UInt64(1_000) {
      var fleet = Fleet(seed: seed)
      fleet.heal()
      for _ in 0..<30 { fleet.second() }
      var longest = 0
      for _ in 0..<Self.seconds {
        for index in fleet.nodes.indices
        where Double.random(in: 0..<1, using: &fleet.random) < 0.1 {
          fleet.nodes[index].isWell.toggle()
        }
        if !fleet.nodes.contains(where: \.isWell) {
          let index = Int.random(in: fleet.nodes.indices, using: &fleet.random)
          fleet.nodes[index].isWell = true
        }
        fleet.second()
        longest = max(longest, fleet.silence)
      }
      // For as long as the others' words take.
      #expect(longest <= Fleet.slowestWord + 1, "seed \(seed): nobody for \(longest) s")
      if longest > Fleet.slowestWord + 1 { return }
    }
  }

  @Test func `where all fail at once, all go on`() {
    for seed in 0..<UInt64(500) {
      var fleet = Fleet(seed: seed)
      guard fleet.nodes.count > 1 else { continue }
      fleet.heal()
      for _ in 0..<30 { fleet.second() }
      for index in fleet.nodes.indices { fleet.nodes[index].isWell = false }
      var silent = 0
      for _ in 0..<60 {
        fleet.second()
        if !fleet.nodes.contains(where: { $0.gate.standing.isAnnounced }) { silent += 1 }
      }
      #expect(silent <= Fleet.slowestWord + 1, "seed \(seed): nobody for \(silent) s")
      #expect(fleet.nodes.allSatisfy { $0.gate.standing == .lastHope }, "seed \(seed)")
    }
  }
}
