import Homes
import TestSupport
import Testing

@Suite struct `A map from keys to homes` {
  /// Home 0 for each thing that a rule may say, by number.
  private static let maps: HomeMaps = {
    var builder = HomeMapsBuilder(seed: 1)
    builder.beginMap()
    builder.add("acme", rule: .exact, home: 1)
    builder.add("globex", rule: .exact, home: 2)
    builder.add("eu-", rule: .prefix, home: 3)
    builder.add("eu-de-", rule: .prefix, home: 4)
    builder.add("whole", rule: .prefix, home: 5)
    builder.add("ACME", rule: .override, home: 6)
    builder.add("eu-de-bank", rule: .override, home: 7)
    builder.setRanges([(0, 8), (0x8000_0000, 9)])
    builder.beginMap()
    builder.add("globex", rule: .exact, home: 20)
    builder.setOtherwise(21)
    builder.beginMap()
    return builder.finish().maps
  }()

  @Test(
    arguments: [
      (0, "globex", 2, HomeRule.exact), (0, "GLOBEX", 2, .exact),
      (0, "acme", 6, .override), (0, "eu-de-bank", 7, .override),
      (0, "eu-fr-bank", 3, .prefix), (0, "eu-de-shop", 4, .prefix), (0, "EU-DE-", 4, .prefix),
      (0, "whole", 5, .prefix), (0, "wholesale", 5, .prefix),
      // Hashes 96BF0A5B, 3C2569B2 and 0.
      (0, "tenant-000001", 9, .range), (0, "a", 8, .range), (0, "", 8, .range),
      (1, "globex", 20, .exact), (1, "acme", 21, .otherwise), (1, "", 21, .otherwise),
      (2, "globex", nil, .otherwise),
    ] as [(Int, String, Int?, HomeRule)])
  func `asks overrides, then keys, the longest prefix, ranges, the default`(
    map: Int, key: String, home: Int?, rule: HomeRule
  ) {
    let match = Self.maps.find(map: map, key: key)
    #expect(match.home == home && match.rule == rule, "\(match)")
  }

  @Test func `an override wins whichever came first, and what stands twice is told`() {
    var builder = HomeMapsBuilder(seed: 2)
    builder.beginMap()
    builder.add("a", rule: .override, home: 1, mark: 10)
    builder.add("a", rule: .exact, home: 2, mark: 11)
    builder.add("b", rule: .prefix, home: 3, mark: 12)
    builder.add("b", rule: .exact, home: 4, mark: 13)
    builder.add("B", rule: .prefix, home: 5, mark: 14)
    builder.add("A", rule: .override, home: 6, mark: 15)
    let (maps, duplicates) = builder.finish()
    #expect(maps.find(map: 0, key: "a").home == 1)
    #expect(maps.find(map: 0, key: "b").home == 4)
    #expect(maps.find(map: 0, key: "bb").home == 3)
    #expect(
      duplicates.map { "\($0.rule) \($0.key): \($0.mark) after \($0.earlierMark)" } == [
        "prefix b: 14 after 12", "override a: 15 after 10",
      ])
  }

  @Test func `a name longer than a label is no key, and reads nothing beyond it`() {
    let long = String(repeating: "x", count: 200)
    #expect(Self.maps.find(map: 0, key: long).rule == .range)
    #expect(Self.maps.find(map: 1, key: long).home == 21)
    #expect(HomeMaps.empty.mapCount == 0)
  }

  @Test(arguments: 0..<20 as Range<UInt64>)
  func `finds what a list of rules finds`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var builder = HomeMapsBuilder(seed: random.next())
    builder.beginMap()
    var rules: [HomeRule: [String: Int]] = [:]
    let kinds: [HomeRule] = [.override, .exact, .prefix]
    for home in 0..<400 {
      let key = Self.key(using: &random)
      let rule = kinds[Int.random(in: 0..<kinds.count, using: &random)]
      if rules[rule]?[key] == nil { rules[rule, default: [:]][key] = home }
      builder.add(key, rule: rule, home: home)
    }
    builder.setOtherwise(1_000)
    let (maps, _) = builder.finish()
    for _ in 0..<2_000 {
      let key = Self.key(using: &random)
      let prefix = (1...key.count).reversed().lazy.compactMap {
        rules[.prefix]?[String(key.prefix($0))]
      }.first
      let expected =
        rules[.override]?[key] ?? rules[.exact]?[key] ?? prefix ?? 1_000
      #expect(maps.find(map: 0, key: key).home == expected, "seed \(seed), key \(key)")
    }
  }

  /// Of few letters, so that keys meet.
  private static func key(using random: inout SeededGenerator) -> String {
    let count = Int.random(in: 1...5, using: &random)
    return String((0..<count).map { _ in "abc".randomElement(using: &random) ?? "a" })
  }

  @Test(arguments: 0..<20 as Range<UInt64>)
  func `a new boundary moves the keys behind it up to the next, and no others`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let starts = Set((0..<6).map { _ in UInt32.random(in: 1 ... .max, using: &random) }).sorted()
    let before = [0] + starts.dropLast()
    let split = starts[starts.count - 1]
    func maps(_ starts: [UInt32], homes: [Int]) -> HomeMaps {
      var builder = HomeMapsBuilder(seed: seed)
      builder.beginMap()
      builder.setRanges(Array(zip(starts, homes)).map { (start: $0, home: $1) })
      return builder.finish().maps
    }
    let old = maps(before, homes: Array(before.indices))
    let new = maps(before + [split], homes: Array(before.indices) + [99])
    for number in 0..<5_000 {
      let key = "tenant-\(number)"
      let was = old.find(map: 0, key: key).home
      let isBehind = KeyHash.value(of: key) >= split
      #expect(
        new.find(map: 0, key: key).home == (isBehind ? 99 : was), "seed \(seed), key \(key)")
    }
  }

  @Test func `shares of the hash are shares of the keys`() {
    var builder = HomeMapsBuilder(seed: 0)
    builder.beginMap()
    builder.setRanges([(0, 0), (0x4000_0000, 1), (0xC000_0000, 2)])
    let (maps, _) = builder.finish()
    var counts = [0, 0, 0]
    for number in 0..<40_000 { counts[maps.find(map: 0, key: "t\(number)").home ?? 0] += 1 }
    #expect((9_600...10_400).contains(counts[0]), "\(counts)")
    #expect((19_500...20_500).contains(counts[1]), "\(counts)")
  }

  @Test func `a million keys take less than 64 bytes each beside their own`() {
    var builder = HomeMapsBuilder(seed: 0)
    builder.beginMap()
    var keyByteCount = 0
    for number in 0..<1_000_000 {
      let key = "tenant-\(number)"
      keyByteCount += key.utf8.count
      builder.add(key, rule: .override, home: number % 5)
    }
    let (maps, _) = builder.finish()
    let perKey = Double(maps.byteCount - keyByteCount) / 1_000_000
    #expect(perKey < 64)
    #expect(maps.find(map: 0, key: "tenant-777777").home == 777_777 % 5)
    #expect(maps.find(map: 0, key: "tenant-1000000").home == nil)
  }
}
