package import Editions

/// Xorshift64* (Vigna 2016): enough to choose endpoints with, seeded for each worker.
package struct FastRandom: RandomNumberGenerator, Sendable {
  private var state: UInt64

  package init(seed: UInt64) { state = seed == 0 ? 0x9E37_79B9_7F4A_7C15 : seed }

  package mutating func next() -> UInt64 {
    state ^= state >> 12
    state ^= state << 25
    state ^= state >> 27
    return state &* 0x2545_F491_4F6C_DD1D
  }

  /// 0..<bound, which is at least 1.
  mutating func below(_ bound: Int) -> Int {
    Int(truncatingIfNeeded: next().multipliedFullWidth(by: UInt64(bound)).high)
  }
}

/// Chooses endpoints: two at random by weight, then the one with fewer connections for its weight
/// (power of two choices).
package struct TargetChooser: Sendable {
  private var random: FastRandom

  package init(seed: UInt64) { random = FastRandom(seed: seed) }

  /// One of the eligible targets; nil if none is.
  package mutating func choose(
    among targets: ArraySlice<TargetTable.Target>,
    isEligible: (TargetTable.Target) -> Bool, openCount: (TargetTable.Target) -> Int
  ) -> TargetTable.Target? {
    var total = 0
    for target in targets where isEligible(target) { total += target.weight }
    guard total > 0,
      let first = drawn(random.below(total), from: targets, isEligible: isEligible)
    else { return nil }
    // What is idle is not the busier one. Otherwise the heavier of two would have nearly all
    // connections while there are few.
    guard openCount(first) > 0 else { return first }
    let rest = total - first.weight
    guard rest > 0 else { return first }
    let second = drawn(random.below(rest), from: targets) {
      $0.endpoint != first.endpoint && isEligible($0)
    }
    guard let second else { return first }
    let isFirstBusier =
      (openCount(first) + 1) * second.weight > (openCount(second) + 1) * first.weight
    return isFirstBusier ? second : first
  }

  /// The eligible target on which a ticket of all their weights falls.
  private func drawn(
    _ ticket: Int, from targets: ArraySlice<TargetTable.Target>,
    isEligible: (TargetTable.Target) -> Bool
  ) -> TargetTable.Target? {
    var left = ticket
    for target in targets where isEligible(target) {
      if left < target.weight { return target }
      left -= target.weight
    }
    return nil
  }
}
