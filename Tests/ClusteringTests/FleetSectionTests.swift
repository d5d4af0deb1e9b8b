import Clustering
import Engine
import Synchronization
import TestSupport
import Testing

private func picture(
  _ values: [String: (String, Int64)], cluster: UInt64 = 1
) -> StorePicture {
  StorePicture(
    clusterID: cluster, revision: values.values.map(\.1).max() ?? 0,
    entries: values.mapValues { StoreEntry(value: Array($0.0.utf8), revision: $0.1) },
    isVerified: true)
}

/// A section of numbers, and how many values it has decoded.
private final class Numbers {
  final class Count: Sendable {
    private let count = Mutex(0)
    var value: Int { count.withLock { $0 } }
    func add() { count.withLock { $0 += 1 } }
  }

  let decoded: Count
  private(set) var section: FleetSection<Int>

  init() {
    let count = Count()
    decoded = count
    section = FleetSection(prefix: "f/n/") { bytes in
      count.add()
      return Int(String(decoding: bytes, as: UTF8.self))
    }
  }

  func take(_ picture: StorePicture) -> Bool { section.take(picture) }

  var values: [String: Int] { section.values.mapValues(\.value) }
}

struct FleetSectionTests {
  @Test func `it has the values below its prefix, by their names and with their revisions`() {
    let numbers = Numbers()
    #expect(numbers.take(picture(["f/n/a": ("1", 4), "f/n/b": ("2", 5), "f/o": ("3", 6)])))
    #expect(numbers.values == ["a": 1, "b": 2])
    #expect(numbers.section.values["b"]?.revision == 5)
  }

  @Test func `only what has changed is decoded, and what changes elsewhere is no news`() {
    let numbers = Numbers()
    _ = numbers.take(picture(["f/n/a": ("1", 4), "f/n/b": ("2", 5)]))
    #expect(!numbers.take(picture(["f/n/a": ("1", 4), "f/n/b": ("2", 5), "x": ("", 9)])))
    #expect(numbers.take(picture(["f/n/a": ("1", 4), "f/n/b": ("3", 10)])))
    #expect(numbers.decoded.value == 3)
    #expect(numbers.values == ["a": 1, "b": 3])
  }

  @Test func `what is gone is gone, and that is news once`() {
    let numbers = Numbers()
    _ = numbers.take(picture(["f/n/a": ("1", 4), "f/n/b": ("x", 5)]))
    #expect(numbers.take(picture(["f/n/a": ("1", 4)])))
    #expect(numbers.values == ["a": 1] && numbers.section.malformed == [])
    #expect(!numbers.take(picture(["f/n/a": ("1", 4)])))
    #expect(numbers.take(picture([:])))
    #expect(numbers.values == [:])
  }

  @Test func `a value that is not understood is named, and takes the place of the one before`() {
    let numbers = Numbers()
    _ = numbers.take(picture(["f/n/a": ("1", 4)]))
    #expect(numbers.take(picture(["f/n/a": ("one", 5)])))
    #expect(numbers.values == [:] && numbers.section.malformed == ["a"])
    #expect(numbers.take(picture(["f/n/a": ("2", 6)])))
    #expect(numbers.values == ["a": 2] && numbers.section.malformed == [])
  }

  @Test func `another cluster's revisions are no reason to keep a value`() {
    let numbers = Numbers()
    _ = numbers.take(picture(["f/n/a": ("1", 4), "f/n/b": ("2", 4)]))
    #expect(numbers.take(picture(["f/n/a": ("7", 4)], cluster: 2)))
    #expect(numbers.values == ["a": 7])
  }

  @Test(arguments: 0..<50)
  func `after any row of pictures it is as one that has only seen the last`(_ seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let numbers = Numbers()
    var entries: [String: (String, Int64)] = [:]
    for revision in Int64(1)...60 {
      let part = Bool.random(using: &generator) ? "n" : "o"
      let key = "f/\(part)/\(Int.random(in: 0..<4, using: &generator))"
      entries[key] =
        Int.random(in: 0..<4, using: &generator) == 0
        ? nil : (["1", "2", "x"].randomElement(using: &generator) ?? "", revision)
      guard Int.random(in: 0..<3, using: &generator) == 0 else { continue }
      let now = picture(entries, cluster: UInt64(revision / 40))
      _ = numbers.take(now)
      let fresh = Numbers()
      _ = fresh.take(now)
      #expect(numbers.values == fresh.values)
      #expect(numbers.section.malformed == fresh.section.malformed)
      #expect(
        numbers.section.values.mapValues(\.revision) == fresh.section.values.mapValues(\.revision))
    }
  }
}
