import Clustering
import Publishing
import Routing
import TestSupport
import Testing

/// A store as ledgers see it, and nodes that reach it or do not.
private struct Fleet {
  var ledgers: [OverrideLedger]
  var reaches: [Bool]
  var stored: [Override.Target: OverrideLedger.Stored] = [:]
  var revision: Int64 = 0

  init(count: Int) {
    ledgers = (1...count).map { OverrideLedger(node: "edge-\($0)") }
    reaches = Array(repeating: true, count: count)
  }

  /// - Returns: nil: it is written; else what stands there.
  mutating func commit(
    _ record: SharedOverride, of target: Override.Target, expecting: Int64
  ) -> OverrideLedger.Stored?? {
    guard (stored[target]?.revision ?? 0) == expecting else { return .some(stored[target]) }
    revision += 1
    stored[target] = .init(record: record, revision: revision)
    return nil
  }

  /// An operator's word to one node.
  ///
  /// - Returns: what was said; nil: another one was first.
  mutating func say(_ override: Override, to node: Int, now: Double) -> SharedOverride? {
    let proposal = ledgers[node].proposal(for: override, now: now)
    guard reaches[node] else {
      ledgers[node].keep(proposal, of: override.target)
      return proposal.record
    }
    let lost = commit(proposal.record, of: override.target, expecting: proposal.revision)
    guard let lost else {
      ledgers[node].committed(proposal.record, of: override.target, revision: revision)
      return proposal.record
    }
    ledgers[node].take(lost, of: override.target)
    return nil
  }

  /// A picture comes, and what is due is written until nothing is.
  mutating func hear(_ node: Int) {
    guard reaches[node] else { return }
    ledgers[node].take(stored, revision: revision)
    while let (target, entry) = ledgers[node].due.first {
      if let lost = commit(entry.record, of: target, expecting: entry.revision) {
        ledgers[node].take(lost, of: target)
      } else {
        ledgers[node].committed(entry.record, of: target, revision: revision)
      }
    }
  }

  mutating func heal() {
    for node in ledgers.indices { reaches[node] = true }
    for _ in 0..<2 { for node in ledgers.indices { hear(node) } }
  }
}

private func word(
  _ state: OverrideState, _ target: Override.Target, at now: Double, by author: String = "ada"
) -> Override {
  Override(target: target, state: state, reason: "", author: author, expiresAt: nil, setAt: now)
}

@Suite struct `What nodes know of a fleet's overrides` {
  private let eu: Override.Target
  private let us: Override.Target

  init() throws {
    eu = try #require(Override.Target("eu"))
    us = try #require(Override.Target("us"))
  }

  @Test func `drain against enable in two partitions: drain, and one conflict`() {
    var fleet = Fleet(count: 2)
    fleet.reaches = [false, false]
    #expect(fleet.say(word(.up, eu, at: 1), to: 0, now: 1) != nil)
    #expect(fleet.say(word(.drain, eu, at: 2), to: 1, now: 2) != nil)
    #expect(fleet.ledgers[0].overrides(at: 3).map(\.state) == [.up])
    fleet.heal()
    for ledger in fleet.ledgers {
      #expect(ledger.overrides(at: 3).map(\.state) == [.drain])
      #expect(ledger.conflicts(at: 3).map(\.target) == [eu])
      #expect(ledger.due.isEmpty)
    }
    #expect(fleet.say(word(.drain, eu, at: 4), to: 0, now: 4) != nil)
    fleet.heal()
    #expect(fleet.ledgers[1].conflicts(at: 5).isEmpty)
  }

  @Test func `the second of two operators loses, and learns of the first`() {
    var fleet = Fleet(count: 2)
    #expect(fleet.say(word(.drain, eu, at: 1), to: 0, now: 1) != nil)
    #expect(fleet.say(word(.up, eu, at: 1), to: 1, now: 1) == nil)
    #expect(fleet.ledgers[1].overrides(at: 2).map(\.state) == [.drain])
    #expect(fleet.ledgers[1].due.isEmpty)
  }

  @Test func `an old copy does not undo what was taken back meanwhile`() {
    var fleet = Fleet(count: 2)
    #expect(fleet.say(word(.down, eu, at: 1), to: 0, now: 1) != nil)
    fleet.hear(1)
    fleet.reaches[1] = false
    #expect(fleet.say(word(.auto, eu, at: 2), to: 0, now: 2) != nil)
    fleet.heal()
    #expect(fleet.ledgers.allSatisfy { $0.overrides(at: 3).isEmpty && $0.due.isEmpty })
    // The store forgets it a day later, and the nodes with it.
    let day = OverrideLedger.memory
    #expect(fleet.ledgers[1].forgettable(now: 1 + day).isEmpty)
    #expect(fleet.ledgers[1].forgettable(now: 2 + day).map(\.target) == [eu])
    fleet.stored = [:]
    fleet.revision += 1
    fleet.heal()
    #expect(fleet.ledgers.allSatisfy { $0.entries.isEmpty })
  }

  @Test func `a picture from before a node's own write does not undo that`() {
    var fleet = Fleet(count: 1)
    let (before, revision) = (fleet.stored, fleet.revision)
    #expect(fleet.say(word(.down, eu, at: 1), to: 0, now: 1) != nil)
    fleet.ledgers[0].take(before, revision: revision)
    #expect(fleet.ledgers[0].overrides(at: 2).map(\.state) == [.down])
    fleet.hear(0)
    #expect(fleet.revision == 1 && fleet.ledgers[0].due.isEmpty)
  }

  @Test func `a store that was restored from an old copy gets what came later`() {
    var fleet = Fleet(count: 2)
    #expect(fleet.say(word(.down, eu, at: 1), to: 0, now: 1) != nil)
    let (before, revision) = (fleet.stored, fleet.revision)
    #expect(fleet.say(word(.auto, eu, at: 2), to: 0, now: 2) != nil)
    #expect(fleet.say(word(.drain, us, at: 3), to: 0, now: 3) != nil)
    fleet.heal()
    (fleet.stored, fleet.revision) = (before, revision)
    fleet.heal()
    for ledger in fleet.ledgers {
      #expect(ledger.overrides(at: 4).map(\.target) == [us] && ledger.due.isEmpty)
    }
  }

  @Test func `a value that is not understood is passed over, and replaced by the next word`() {
    var ledger = OverrideLedger(node: "edge-1")
    ledger.take([eu: .init(record: nil, revision: 5)], revision: 5)
    #expect(ledger.entries.isEmpty)
    ledger.keep(ledger.proposal(for: word(.down, eu, at: 1), now: 1), of: eu)
    ledger.take(.init(record: nil, revision: 5), of: eu)
    #expect(ledger.due.map(\.entry.revision) == [5])
  }

  @Test func `all nodes come to the same after any partitions, and nothing that was said is lost`()
    throws
  {
    for seed in 0..<500 as Range<UInt64> {
      var random = SeededGenerator(seed: seed)
      var fleet = Fleet(count: 5)
      var said: [(Override.Target, SharedOverride)] = []
      for step in 1...60 {
        let now = Double(step)
        let node = Int.random(in: 0..<5, using: &random)
        switch Int.random(in: 0..<10, using: &random) {
        case 0..<4:
          let states: [OverrideState] = [.auto, .up, .drain, .down]
          let target = Bool.random(using: &random) ? eu : us
          let override = word(states.randomElement(using: &random) ?? .up, target, at: now)
          if let record = fleet.say(override, to: node, now: now) { said.append((target, record)) }
        case 4..<6: fleet.reaches[node].toggle()
        default: fleet.hear(node)
        }
      }
      fleet.heal()
      let first = fleet.ledgers[0]
      for ledger in fleet.ledgers {
        #expect(ledger.entries == first.entries && ledger.due.isEmpty, "seed \(seed)")
      }
      for (target, record) in said {
        #expect(first.entries[target]?.record.covers(record) == true, "seed \(seed)")
      }
    }
  }
}
