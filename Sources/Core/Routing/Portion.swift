/// A part of a cohort's clients: as slots, which say who they are, or as a share, which only says
/// how many. What is worked out for shares holds for slots, because it is the same code.
protocol Portion {
  static var none: Self { get }
  var isEmpty: Bool { get }
  /// How much it is, in the unit of this kind of portion.
  var amount: Double { get }
  /// The first part, a share 0...1 of it, and the rest.
  func divided(at share: Double) -> (first: Self, rest: Self)
  /// Consecutive parts in proportion to the weights.
  func cut(byWeights weights: [Double]) -> [Self]
  /// Parts in proportion to the weights that stay where they are when more comes in front.
  func dealt(byWeights weights: [Double]) -> [Self]
  static func + (a: Self, b: Self) -> Self
}

/// Slots in their order.
struct SlotRun: Portion {
  var slots: [UInt16]

  static let none = SlotRun(slots: [])
  var isEmpty: Bool { slots.isEmpty }
  var amount: Double { Double(slots.count) }

  func divided(at share: Double) -> (first: SlotRun, rest: SlotRun) {
    let count = Int((share * Double(slots.count)).rounded())
    return (SlotRun(slots: Array(slots[..<count])), SlotRun(slots: Array(slots[count...])))
  }

  func cut(byWeights weights: [Double]) -> [SlotRun] {
    SlotTable.cut(slots, byWeights: weights).map(SlotRun.init)
  }

  func dealt(byWeights weights: [Double]) -> [SlotRun] {
    SlotTable.dealt(slots, byWeights: weights).map(SlotRun.init)
  }

  static func + (a: SlotRun, b: SlotRun) -> SlotRun { SlotRun(slots: a.slots + b.slots) }
}

/// A share of all clients of a cohort, 0...1.
struct ClientShare: Portion {
  var amount: Double

  static let none = ClientShare(amount: 0)
  /// What is less is lost in rounding.
  var isEmpty: Bool { amount < 1e-12 }

  func divided(at share: Double) -> (first: ClientShare, rest: ClientShare) {
    (ClientShare(amount: amount * share), ClientShare(amount: amount * (1 - share)))
  }

  func cut(byWeights weights: [Double]) -> [ClientShare] {
    let total = weights.reduce(0, +)
    return weights.map { ClientShare(amount: total > 0 ? amount * $0 / total : 0) }
  }

  func dealt(byWeights weights: [Double]) -> [ClientShare] { cut(byWeights: weights) }

  static func + (a: ClientShare, b: ClientShare) -> ClientShare {
    ClientShare(amount: a.amount + b.amount)
  }
}
