import Counters
import TestSupport
import Testing

@Suite struct `Heavy hitters` {
  @Test func `while there is room, all is exact`() {
    var hitters = HeavyHitters<String>(capacity: 3)
    for (key, isMarked) in [("a", true), ("b", false), ("a", false), ("a", true), ("c", true)] {
      hitters.add(key, isMarked: isMarked)
    }
    let top = hitters.top(1)
    #expect(top == [.init(key: "a", count: 3, error: 0, markedCount: 2)])
    #expect(top[0].unmarkedCount == 1)
    #expect(hitters.total == 5 && hitters.markedTotal == 3)
    #expect(hitters.top(9).count == 3)
  }

  @Test func `a newcomer takes the least one's place, and its count as its error`() {
    var hitters = HeavyHitters<String>(capacity: 2)
    for key in ["a", "a", "a", "b", "b", "c"] { hitters.add(key, isMarked: key == "c") }
    #expect(
      hitters.top(2).map(\.key).sorted() == ["a", "c"]
        && hitters.top(2).contains(.init(key: "c", count: 3, error: 2, markedCount: 1)))
  }

  /// The bounds that the paper proves, against a count of everything.
  @Test(arguments: 0..<40)
  func `counts are never too low, and too high by their error at most`(seed: Int) {
    var random = SeededGenerator(seed: UInt64(seed))
    let capacity = Int.random(in: 1...20, using: &random)
    var hitters = HeavyHitters<Int>(capacity: capacity)
    var truth: [Int: (count: UInt64, marked: UInt64)] = [:]
    for _ in 0..<Int.random(in: 0...2000, using: &random) {
      // Few keys often, many seldom.
      let key = Int.random(in: 0...Int.random(in: 0...60, using: &random), using: &random)
      let isMarked = Bool.random(using: &random)
      hitters.add(key, isMarked: isMarked)
      truth[key, default: (0, 0)].count += 1
      truth[key, default: (0, 0)].marked += isMarked ? 1 : 0
    }
    let top = hitters.top(.max)
    #expect(top.count <= capacity, "seed \(seed)")
    #expect(top.reduce(0) { $0 + $1.count } == hitters.total, "seed \(seed)")
    #expect(top.map(\.count) == top.map(\.count).sorted(by: >), "seed \(seed)")
    for entry in top {
      let exact = truth[entry.key] ?? (0, 0)
      #expect(entry.count >= exact.count && entry.count - entry.error <= exact.count)
      #expect(entry.markedCount <= exact.marked && entry.markedCount <= entry.count - entry.error)
      #expect(entry.error <= hitters.total / UInt64(capacity), "seed \(seed)")
    }
    let kept = Set(top.map(\.key))
    for (key, exact) in truth where exact.count > hitters.total / UInt64(capacity) {
      #expect(kept.contains(key), "seed \(seed): \(key) came \(exact.count) times")
    }
  }
}
