import TestSupport

/// Who hears whom: five nodes, each in a region of its own with that region's endpoints, and three
/// members of the store.
struct FleetNetwork {
  /// From one party to another: 0..<5 are nodes, 5..<8 members.
  private struct Link: Hashable {
    var from: Int
    var to: Int
  }

  static let nodes = 0..<5
  static let members = 5..<8
  private static let parties = 0..<8

  private var cut: Set<Link> = []
  private(set) var stopped: Set<Int> = []

  /// A word and its answer come through.
  func speak(_ a: Int, _ b: Int) -> Bool {
    a == b || cut.isDisjoint(with: [Link(from: a, to: b), Link(from: b, to: a)])
  }

  /// It runs, and has most of the members with it.
  private func isQuorate(_ member: Int) -> Bool {
    !stopped.contains(member)
      && Self.members.count { !stopped.contains($0) && speak(member, $0) } >= 2
  }

  /// Leases end, and anything is written, by a cluster alone.
  var hasCluster: Bool { Self.members.contains(where: isQuorate) }

  func hasStore(_ node: Int) -> Bool {
    Self.members.contains { speak(node, $0) && isQuorate($0) }
  }

  mutating func heal() { (cut, stopped) = ([], []) }

  /// Something happens to links or members.
  mutating func disturb(using generator: inout SeededGenerator) {
    switch Int.random(in: 0..<9, using: &generator) {
    case 0, 1: split(into: Int.random(in: 2...3, using: &generator), using: &generator)
    case 2: isolate(party(using: &generator))
    case 3:
      // Heard by nobody, and hears all.
      let party = party(using: &generator)
      cut.formUnion(Self.parties.map { Link(from: party, to: $0) })
    case 4:
      let (from, to) = (party(using: &generator), party(using: &generator))
      cut.insert(Link(from: from, to: to))
    case 5:
      // A bridge: two sides that only one party hears.
      let bridge = party(using: &generator)
      split(into: 2, using: &generator)
      cut = cut.filter { $0.from != bridge && $0.to != bridge }
    case 6:
      let member = Int.random(in: Self.members, using: &generator)
      stopped.formSymmetricDifference([member])
    case 7: stopped = Set(Self.members.shuffled(using: &generator).prefix(2))
    default: heal()
    }
  }

  private func party(using generator: inout SeededGenerator) -> Int {
    .random(in: Self.parties, using: &generator)
  }

  private mutating func isolate(_ party: Int) {
    cut.formUnion(
      Self.parties.flatMap { [Link(from: party, to: $0), Link(from: $0, to: party)] })
  }

  private mutating func split(into count: Int, using generator: inout SeededGenerator) {
    let sides = Self.parties.map { _ in Int.random(in: 0..<count, using: &generator) }
    cut = Set(
      Self.parties.flatMap { from in
        Self.parties.filter { sides[$0] != sides[from] }.map { Link(from: from, to: $0) }
      })
  }
}
