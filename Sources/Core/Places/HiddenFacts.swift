/// A prefix of an ``OverrideList`` that hides what a shorter one around it says of its clients,
/// since the longest prefix speaks alone.
public struct HiddenFacts: Sendable, Equatable {
  /// What fences and rules go by.
  public enum Fact: String, Sendable, CaseIterable {
    case country, eu, continent, subdivision, asn
  }

  public var prefix: AddressPrefix
  public var line: Int
  /// The innermost that says any of them.
  public var outer: AddressPrefix
  public var outerLine: Int
  public var facts: [Fact]
}

extension PlaceChange {
  /// What it says, or what follows from that.
  var facts: Set<HiddenFacts.Fact> {
    var facts: Set<HiddenFacts.Fact> = []
    if country != nil { facts.formUnion([.country, .eu, .continent]) }
    if isInEuropeanUnion != nil { facts.insert(.eu) }
    if continent != nil { facts.insert(.continent) }
    if subdivision != nil { facts.insert(.subdivision) }
    if asn != nil { facts.insert(.asn) }
    return facts
  }
}

extension HiddenFacts {
  /// More are not told.
  static let mostFound = 100

  /// Those of sorted prefixes without repetitions.
  static func found<Bits>(
    in prefixes: [RangePrefix<Bits>], _ changes: [PlaceChange],
    written: (RangePrefix<Bits>) -> AddressPrefix
  ) -> [HiddenFacts] {
    let facts = changes.map(\.facts)
    var found: [HiddenFacts] = []
    // The prefixes around the present one, outermost first.
    var around: [RangePrefix<Bits>] = []
    for prefix in prefixes {
      while let outer = around.last, outer.last < prefix.start { around.removeLast() }
      let own = facts[Int(prefix.tag)]
      for outer in around.reversed() {
        let hidden = facts[Int(outer.tag)].subtracting(own)
        guard !hidden.isEmpty else { continue }
        found.append(
          HiddenFacts(
            prefix: written(prefix), line: Int(prefix.line), outer: written(outer),
            outerLine: Int(outer.line), facts: Fact.allCases.filter(hidden.contains)))
        break
      }
      if found.count >= mostFound { break }
      around.append(prefix)
    }
    return found
  }
}
