import RateLimiting
import Testing

struct WordTableTests {
  @Test(arguments: [(0, 64), (64, 64), (127, 64), (128, 128), (1000, 512), (1 << 20, 1 << 20)])
  func `Its size is the power of two below what it may have, one set at least`(
    allowed: Int, taken: Int
  ) {
    let byteCount = WordTable(byteCount: allowed, seed: 1).byteCount
    #expect(byteCount == taken)
  }

  @Test func `All sets of it are used, and each is within it`() {
    let table = WordTable(byteCount: 4096, seed: 7)
    var sets = Set<Range<Int>>()
    for key in UInt64(0)..<1000 {
      let set = table.set(of: table.hash(of: key))
      let isWithin = table.indices.contains(set)
      #expect(isWithin && set.count == 8 && set.lowerBound % 8 == 0)
      sets.insert(set)
    }
    #expect(sets.count == 64)
  }

  @Test func `Where a key belongs depends on the seed`() {
    let one = WordTable(byteCount: 4096, seed: 1)
    let other = WordTable(byteCount: 4096, seed: 2)
    let same = (UInt64(0)..<1000).count {
      one.set(of: one.hash(of: $0)) == other.set(of: other.hash(of: $0))
    }
    #expect(same < 50)
  }

  @Test func `A word is exchanged only for the one that was read`() {
    let table = WordTable(byteCount: 64, seed: 1)
    let isExchanged = table.exchange(at: 3, 1, for: 2)
    #expect(!isExchanged)
    var attempts = 0
    while !table.exchange(at: 3, 0, for: 5) && attempts < 1000 { attempts += 1 }
    let word = table[3]
    #expect(word == 5)
    let used = table.indices.filter { table[$0] != 0 }
    #expect(used == [3])
  }
}
