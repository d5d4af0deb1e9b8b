extension OverrideList {
  /// Faults beyond this many are not listed.
  public static let maximumFaults = 100

  /// Reads a list of overrides: a prefix a line, and what holds for its clients.
  ///
  ///     # These clients go to Frankfurt, then to Amsterdam.
  ///     203.0.113.0/24   regions=fra,ams
  ///     # These are in Tokyo, whatever the databases say.
  ///     127.81.0.0/16    at=35.68,139.69 radius=20 country=JP subdivision=JP-13 city=Tokyo
  ///     2001:db8::/32    country=DE eu=true continent=EU
  ///
  /// The longest prefix around a client speaks alone. What a line does not say stays as the
  /// databases have it, but a new point takes the old radius and city along, and a new country the
  /// old continent, subdivision, point and city; continent, membership of the European Union and
  /// (without `at`) the point then follow from the country.
  ///
  /// - Returns: the overrides without the lines that have faults; and the first
  ///   ``maximumFaults`` faults, in the order of the lines.
  public static func parse(
    _ bytes: [UInt8]
  ) -> (overrides: OverrideList, faults: [OverrideFault]) {
    var parser = OverrideParser(bytes)
    parser.parse()
    return parser.finish()
  }
}

/// Reads lines; texts that were seen before cost one look-up.
private struct OverrideParser {
  private let bytes: [UInt8]
  private var list = OverrideList()
  private var faults: [OverrideFault] = []
  private var prefixes4: [RangePrefix<UInt32>] = []
  private var prefixes6: [RangePrefix<UInt128>] = []
  private var line: UInt32 = 0
  /// So many texts are remembered; lists of places have as many as lines.
  private static let maximumTexts = 1 << 16
  /// What follows the prefix → index into the changes.
  private var tagOfText: [ArraySlice<UInt8>: UInt32] = [:]
  private var names = OverrideNames()

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  mutating func parse() {
    var start = 0
    while start < bytes.count && faults.count < OverrideList.maximumFaults {
      var end = start
      while end < bytes.count && bytes[end] != UInt8(ascii: "\n") { end += 1 }
      line += 1
      do throws(OverrideTextFault) {
        try parseLine(bytes[start..<end])
      } catch {
        faults.append(OverrideFault(line: Int(line), message: error.message))
      }
      start = end + 1
    }
  }

  private mutating func parseLine(_ text: ArraySlice<UInt8>) throws(OverrideTextFault) {
    var position = text.startIndex
    guard let first = nextWord(in: text, from: &position) else { return }
    while position < text.endIndex && isBlank(text[position]) { position += 1 }
    let prefix = try parsedPrefix(first)
    let tag = try tag(of: text[position...])
    if let prefix = RangePrefix<UInt32>(prefix, tag: tag, line: line) {
      prefixes4.append(prefix)
    } else if let prefix = RangePrefix<UInt128>(prefix, tag: tag, line: line) {
      prefixes6.append(prefix)
    }
  }

  private func parsedPrefix(
    _ text: ArraySlice<UInt8>
  ) throws(OverrideTextFault) -> AddressPrefix {
    let prefix: AddressPrefix
    do throws(AddressPrefixFault) {
      prefix = try AddressPrefix(utf8: text)
    } catch {
      let quoted = shown(text)
      switch error {
      case .noAddress:
        throw OverrideTextFault(
          "\(quoted) is no prefix; a line begins with one, as 203.0.113.0/24 or 2001:db8::/32")
      case .length(let limit):
        throw OverrideTextFault("\(quoted): the length is a number from 0 to \(limit)")
      case .bitsBehindLength(let meant):
        throw OverrideTextFault("\(quoted) has bits set behind its length; \(meant) is meant?")
      }
    }
    guard !prefix.isFolded else {
      throw OverrideTextFault(
        "\(prefix): its clients are answered as the IPv4 addresses inside; write an IPv4 prefix")
    }
    return prefix
  }

  private mutating func tag(of text: ArraySlice<UInt8>) throws(OverrideTextFault) -> UInt32 {
    if let known = tagOfText[text] { return known }
    let tag = UInt32(list.changes.count)
    list.changes.append(try names.change(text, line: Int(line)))
    if tagOfText.count < Self.maximumTexts { tagOfText[text] = tag }
    return tag
  }

  consuming func finish() -> (OverrideList, [OverrideFault]) {
    RangePrefix.sort(&prefixes4)
    RangePrefix.sort(&prefixes6)
    let written4 = { (prefix: RangePrefix<UInt32>) in
      AddressPrefix(ipv4: prefix.start, length: Int(prefix.length))
    }
    let written6 = { (prefix: RangePrefix<UInt128>) in
      AddressPrefix(ipv6: prefix.start, length: Int(prefix.length))
    }
    faults += Self.removeDuplicates(&prefixes4, list.changes, written: written4)
    faults += Self.removeDuplicates(&prefixes6, list.changes, written: written6)
    list.hiddenFacts =
      HiddenFacts.found(in: prefixes4, list.changes, written: written4)
      + HiddenFacts.found(in: prefixes6, list.changes, written: written6)
    list.prefixCount = prefixes4.count + prefixes6.count
    list.table = AddressTable(
      ranges4: RangeList(base: 0, prefixes: prefixes4) { $1.tag + 1 },
      ranges6: RangeList(base: 0, prefixes: prefixes6) { $1.tag + 1 })
    list.regionLists = names.regionLists
    list.regionNames = names.regionNames
    list.cityNames = names.cityNames
    faults.sort { $0.line < $1.line }
    return (list, Array(faults.prefix(OverrideList.maximumFaults)))
  }

  /// A prefix may be repeated, but not contradicted.
  private static func removeDuplicates<Bits>(
    _ prefixes: inout [RangePrefix<Bits>], _ changes: [PlaceChange],
    written: (RangePrefix<Bits>) -> AddressPrefix
  ) -> [OverrideFault] {
    var faults: [OverrideFault] = []
    var kept = 0
    for index in prefixes.indices {
      let prefix = prefixes[index]
      if kept > 0, prefixes[kept - 1].start == prefix.start,
        prefixes[kept - 1].length == prefix.length
      {
        let earlier = prefixes[kept - 1]
        let isSame = changes[Int(earlier.tag)] == changes[Int(prefix.tag)]
        if !isSame && faults.count < OverrideList.maximumFaults {
          faults.append(
            OverrideFault(
              line: Int(prefix.line),
              message: "\(written(prefix)) says something else than on line \(earlier.line)"))
        }
        continue
      }
      prefixes[kept] = prefix
      kept += 1
    }
    prefixes.removeSubrange(kept...)
    return faults
  }
}
