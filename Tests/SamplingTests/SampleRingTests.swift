import Sampling
import Testing

@Suite struct `Samples in a ring` {
  @Test func `come out as they went in, and once`() {
    let ring = SampleRing<Int>(capacity: 4096)
    for round in 0..<5 {
      let batch = (0..<1500).map { round * 1500 + $0 }
      for entry in batch { #expect(ring.append(entry)) }
      #expect(ring.takeAll() == batch)
      #expect(ring.takeAll().isEmpty)
    }
  }

  @Test func `are dropped where there is no room, and it is said`() {
    let ring = SampleRing<Int>(capacity: 100)
    let taken = (0..<110).map { ring.append($0) }
    #expect(taken.count { $0 } == 100 && taken.suffix(10).allSatisfy { !$0 })
    #expect(ring.takeAll() == Array(0..<100))
  }

  /// Those that nobody takes go with the ring.
  @Test func `are given back with it`() {
    final class Sample: Sendable {}
    weak var last: Sample?
    do {
      let ring = SampleRing<Sample>(capacity: 4)
      for _ in 0..<3 {
        let sample = Sample()
        #expect(ring.append(sample))
        last = sample
      }
    }
    #expect(last == nil)
  }
}
