/// Policies of type `home`.
extension PolicyReader {
  typealias Homes = Settings.Policy.Homes

  static let homeKeys = [
    "by", "keys", "prefixes", "ranges", "overrides", "fallback", "default",
  ]
  private static let homeStandsAlone =
    "a policy of type home stands alone: what chooses is the asked name, not the client"
  /// The longest label of a name (RFC 1035 §2.3.4).
  private static let longestKey = 63

  func home(_ section: Section, depth: Int) -> Policy.Kind? {
    if depth > 0 { section.value.report(Self.homeStandsAlone) }
    var homes = Homes()
    _ = section.optional("by")?.choice(["label": ()])
    let tables = ["keys", "prefixes", "ranges"].map { section.optional($0) }
    homes.keys = keys(tables[0])
    homes.prefixes = keys(tables[1])
    homes.ranges = ranges(tables[2])
    let otherwise = section.optional("default")
    homes.otherwise = otherwise.flatMap { home($0) }
    if !homes.ranges.isEmpty {
      otherwise?.report("is never asked: the ranges cover every key")
    }
    let overrides = section.optional("overrides")
    homes.overrides = overrides.flatMap { value in
      value.filePath().map { Homes.File(path: $0, origin: value.origin) }
    }
    homes.fallback = section.optional("fallback").map { fallback($0) } ?? .nobody
    if (tables + [otherwise, overrides]).allSatisfy({ $0 == nil }) {
      section.value.report("says of no key where it is at home; wants keys, prefixes or ranges")
    }
    return .home(homes)
  }

  /// The name of a region, or `{from: tokyo, to: frankfurt}` of keys that move.
  private func home(_ value: Value) -> Homes.Home? {
    guard value.isMapping else {
      return value.reference(to: regionNames).map { Homes.Home(region: $0) }
    }
    let home = value.section { section -> Homes.Home? in
      let from = section.required("from", "the region that has the data still")
      let to = section.required("to", "the region that the data goes to")
      let former = from?.reference(to: regionNames)
      guard let region = to?.reference(to: regionNames), let former else { return nil }
      if region == former { value.report("moves to where it is") }
      return Homes.Home(region: region, former: former)
    }
    return home ?? nil
  }

  private func keys(_ value: Value?) -> [Homes.Key] {
    var lines: [String: Int] = [:]
    return (value?.entries() ?? []).compactMap { entry in
      let text = entry.name
      if !(1...Self.longestKey).contains(text.utf8.count) || text.contains(".") {
        entry.key.report("wants a label: 1 to \(Self.longestKey) bytes without a dot")
        return nil
      }
      if let line = lines[text.lowercased()] {
        entry.key.report("the same key, in other letters, stands on line \(line)")
        return nil
      }
      lines[text.lowercased()] = entry.key.line ?? 0
      return home(entry.value).map {
        Homes.Key(text: text, home: $0, origin: entry.key.origin)
      }
    }
  }

  /// `[{from: 0, home: tokyo}, {from: 50%, home: frankfurt}]`
  private func ranges(_ value: Value?) -> [Homes.Range] {
    var ranges: [Homes.Range] = []
    for (index, element) in (value?.elements() ?? []).enumerated() {
      _ = element.section { section in
        let from = section.required("from", "where the range starts: 0, 25% or 0x40000000")
        let home = section.required("home", "the name of a region").flatMap { self.home($0) }
        let start = from?.parsed("0, a percentage such as 25%, or a hash such as 0x40000000") {
          hashStart($0)
        }
        guard let from, let start, let home else { return }
        if index == 0 && start != 0 {
          from.report("leaves a gap: the first range starts at 0")
        } else if let last = ranges.last, start <= last.start {
          from.report("overlaps: wants a start behind that of the range before")
        } else {
          ranges.append(Homes.Range(start: start, home: home))
        }
      }
    }
    return ranges
  }

  private func fallback(_ value: Value) -> Homes.Fallback {
    if value.isList { return .regions(regionIndices(value)) }
    return value.choice(["none": .nobody, "latency": .latency]) ?? .nobody
  }

  /// Policies that lead to one of type `home`.
  func reportEnclosedHomes(_ read: [Policy]) {
    for (policy, entry) in zip(read, policies) {
      policy.kind.forEachLeaf { leaf in
        guard case .named(let index) = leaf, case .home = read[index].kind else { return }
        entry.key.report("\(Self.homeStandsAlone); this names \"\(read[index].name)\"")
      }
    }
  }
}

/// Where a range of hashes starts: in percent of all of them, or the hash itself; nil: it is
/// neither.
private func hashStart(_ text: String) -> UInt32? {
  if text.hasPrefix("0x") { return UInt32(text.dropFirst(2), radix: 16) }
  guard text.hasSuffix("%") else { return UInt32(text) }
  guard let share = parsedShare(text), (0..<1).contains(share) else { return nil }
  return UInt32(share * 4_294_967_296)
}
