import Places
package import Settings
import StateFiles

extension CompiledSettings {
  /// What is no fault, but perhaps not meant: override lines that say less than a shorter prefix
  /// around them, where a fence asks for it. The longest prefix speaks alone, so that its clients
  /// have what the databases say, and may stand outside of the fence.
  package func warnings() -> [Fault] {
    let asked = settings.factsOfFences
    guard !asked.isEmpty else { return [] }
    var warnings: [Fault] = []
    for file in settings.geo.overrideFiles {
      let found = OverrideList.parse((try? PlainFile(file).bytes()) ?? []).overrides.hiddenFacts
      warnings += found.compactMap {
        $0.warning(at: Origin(file: file, line: $0.line, path: ""), asked: asked)
      }
    }
    let inline = Array(settings.geo.overrides.joined(separator: "\n").utf8)
    warnings += OverrideList.parse(inline).overrides.hiddenFacts.compactMap {
      $0.warning(at: settings.geo.overrideOrigins[$0.line - 1], asked: asked)
    }
    return warnings
  }
}

extension Settings {
  /// What any fence asks of its clients.
  fileprivate var factsOfFences: Set<HiddenFacts.Fact> {
    var facts: Set<HiddenFacts.Fact> = []
    for clients in fences.map(\.clients) {
      if !clients.countries.isEmpty || clients.isUnknown { facts.insert(.country) }
      if clients.isInEuropeanUnion { facts.insert(.eu) }
      if !clients.continents.isEmpty { facts.insert(.continent) }
      if !clients.subdivisions.isEmpty { facts.insert(.subdivision) }
      if !clients.asns.isEmpty { facts.insert(.asn) }
    }
    return facts
  }
}

extension HiddenFacts {
  /// nil where no fence asks for what is hidden.
  fileprivate func warning(at origin: Origin, asked: Set<Fact>) -> Fault? {
    let words = facts.filter(asked.contains).map { "\($0.rawValue)=" }.joined(separator: " and ")
    guard !words.isEmpty else { return nil }
    return Fault(
      origin: origin,
      message: "\(prefix) does not say \(words), which \(outer) on line \(outerLine) says or "
        + "implies; the longest prefix speaks alone, and a fence asks for it",
      suggestion: "repeat on this line what holds for its clients too, or remove the line")
  }
}
