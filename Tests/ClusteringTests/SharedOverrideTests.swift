import Clustering
import Publishing
import Routing
import TestSupport
import Testing

private let states: [OverrideState] = [.auto, .up, .drain, .down]

/// Records as nodes come to them: each says something knowing what it has, or hears another.
private func randomRecords(
  count: Int, using random: inout SeededGenerator
) throws -> [SharedOverride] {
  let target = try #require(Override.Target("eu"))
  let nodes = ["edge-1", "edge-2", "edge-3"]
  var records: [SharedOverride] = []
  for index in 0..<count {
    let override = Override(
      target: target, state: states.randomElement(using: &random) ?? .auto,
      dial: Bool.random(using: &random) ? Double(Int.random(in: 0...3, using: &random)) / 4 : nil,
      reason: "r\(Int.random(in: 0...2, using: &random))", author: "a",
      expiresAt: Bool.random(using: &random) ? Double(Int.random(in: 1...9, using: &random)) : nil,
      setAt: Double(Int.random(in: 0...3, using: &random)))
    let node = nodes.randomElement(using: &random) ?? ""
    let now = Double(Int.random(in: 0...2, using: &random))
    guard index > 0, let before = records.randomElement(using: &random) else {
      records.append(.first(override, node: node, now: now))
      continue
    }
    if Int.random(in: 0..<3, using: &random) == 0, let other = records.randomElement(using: &random)
    {
      records.append(before.merged(with: other))
    } else {
      records.append(before.replaced(by: override, node: node, now: now))
    }
  }
  return records
}

@Suite struct `An override that a fleet shares` {
  private let target: Override.Target
  private let drain: Override
  private let up: Override

  init() throws {
    target = try #require(Override.Target("eu"))
    drain = Override(
      target: target, state: .drain, reason: "fire", author: "ada", expiresAt: 50, setAt: 1)
    up = Override(
      target: target, state: .up, reason: "all is well", author: "bob", expiresAt: nil, setAt: 2)
  }

  private func removal(_ at: Double) -> Override {
    Override(target: target, state: .auto, reason: "over", author: "ada", expiresAt: nil, setAt: at)
  }

  @Test func `is merged in any order and any number of times to the same`() throws {
    for seed in 0..<300 as Range<UInt64> {
      var random = SeededGenerator(seed: seed)
      let records = try randomRecords(count: 12, using: &random)
      for _ in 0..<20 {
        let three = (0..<3).compactMap { _ in records.randomElement(using: &random) }
        let (a, b, c) = (three[0], three[1], three[2])
        #expect(a.merged(with: b) == b.merged(with: a), "seed \(seed)")
        #expect(
          a.merged(with: b).merged(with: c) == a.merged(with: b.merged(with: c)), "seed \(seed)")
        #expect(a.merged(with: a) == a && a.merged(with: b).covers(b), "seed \(seed)")
      }
    }
  }

  @Test func `is the later word, where that knew of the other`() {
    let first = SharedOverride.first(drain, node: "edge-1", now: 1)
    let second = first.replaced(by: up, node: "edge-2", now: 0)
    #expect(second.merged(with: first) == second)
    #expect(second.inForce(on: target, at: 3)?.state == .up)
    #expect(second.conflict(at: 3).isEmpty)
  }

  @Test func `is the safer of two words that did not know of each other, and a conflict`() {
    let one = SharedOverride.first(drain, node: "edge-1", now: 1)
    let other = SharedOverride.first(up, node: "edge-2", now: 9)
    let both = one.merged(with: other)
    #expect(both.inForce(on: target, at: 3) == drain)
    #expect(both.conflict(at: 3).map(\.state) == [.drain, .up])
    // Whoever says the word again has settled it.
    let settled = both.replaced(by: drain, node: "edge-3", now: 4)
    #expect(settled.conflict(at: 4).isEmpty)
    #expect(settled.merged(with: both) == settled)
    // The drain ends by itself; then the other word holds alone.
    #expect(both.inForce(on: target, at: 50) == up)
    #expect(both.conflict(at: 50).isEmpty)
  }

  @Test func `has the lowest dial of those in conflict, and no conflict where all ask the same`() {
    var low = up
    low.state = .auto
    low.dial = 0.25
    var lower = drain
    lower.dial = 0.5
    let both = SharedOverride.first(low, node: "a", now: 1)
      .merged(with: .first(lower, node: "b", now: 1))
    #expect(both.inForce(on: target, at: 3)?.state == .drain)
    #expect(both.inForce(on: target, at: 3)?.dial == 0.25)
    let same = SharedOverride.first(drain, node: "a", now: 1)
      .merged(with: .first(drain, node: "b", now: 1))
    #expect(same.words.count == 2 && same.conflict(at: 3).isEmpty)
  }

  @Test func `stays taken back when an old copy comes`() {
    let old = SharedOverride.first(drain, node: "edge-1", now: 1)
    let gone = old.replaced(by: removal(2), node: "edge-2", now: 2)
    #expect(gone.merged(with: old) == gone)
    #expect(gone.inForce(on: target, at: 3) == nil)
    #expect(!gone.isForgettable(after: 100, now: 101) && gone.isForgettable(after: 100, now: 102))
    #expect(!old.isForgettable(after: 100, now: 149) && old.isForgettable(after: 100, now: 150))
  }

  @Test func `counts on where its node has lost all it knew`() {
    let before = SharedOverride.first(drain, node: "edge-1", now: 1000)
    let after = SharedOverride.first(up, node: "edge-1", now: 1001)
    #expect(after.merged(with: before) == after)
  }

  @Test func `is read as it was written, and in no other form`() throws {
    var random = SeededGenerator(seed: 7)
    for record in try randomRecords(count: 200, using: &random) {
      #expect(SharedOverride(record.bytes) == record)
    }
    let good = #"""
      {"words": [{"state": "drain", "reason": "r", "author": "a", "node": "n", "set_at": 1,
      "version": {"n": 1}}]}
      """#
    #expect(SharedOverride(Array(good.utf8)) != nil)
    let wrong = [
      "", "{}", #"{"words": []}"#, good.replacing("drain", with: "gone"),
      good.replacing(#"{"n": 1}"#, with: "{}"), good.replacing(#"{"n": 1}"#, with: #"{"n": -1}"#),
      good.replacing(#"{"n": 1}"#, with: #"{"n": 9000000000000000000}"#),
      good.replacing(#""set_at": 1"#, with: #""set_at": 1e300"#),
      good.replacing(#""set_at": 1"#, with: #""set_at": 1, "dial": 1.5"#),
      good.replacing(#""r""#, with: "\"\(String(repeating: "r", count: 5000))\""),
      good + String(repeating: " ", count: SharedOverride.mostBytes),
    ]
    for text in wrong { #expect(SharedOverride(Array(text.utf8)) == nil, "\(text.prefix(200))") }
  }

  @Test func `stands under a key from which its target is read again`() {
    let targets = ["tokyo", "tokyo/@a", "tokyo/web", "tokyo/web/[2001:db8::1]:80"]
    for text in targets {
      let target = Override.Target(text)
      #expect(target.flatMap { Override.Target(storeKey: $0.storeKey) } == target)
    }
    #expect(Override.Target("tokyo/web")?.storeKey == "tokyo%2Fweb")
    for key in ["tokyo/web", "tokyo%2fweb", "tokyo%", "", "%2F"] {
      #expect(Override.Target(storeKey: key) == nil)
    }
  }
}
