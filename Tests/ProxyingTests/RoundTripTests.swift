import Places
import Proxying
import Testing

@Suite struct `Round trips of clients` {
  private func roundTrip(_ number: Int) -> RoundTrip {
    RoundTrip(
      client: .ipv4(UInt32(number)), microseconds: UInt32(number),
      beyond: number.isMultiple(of: 2)
        ? nil : .init(microseconds: UInt32(number), region: 1, revision: UInt64(number)))
  }

  @Test func `come out of the ring as they went in, and once`() {
    let ring = RoundTripRing()
    for round in 0..<5 {
      let batch = (0..<1500).map { roundTrip(round * 1500 + $0) }
      for entry in batch { ring.append(entry) }
      #expect(ring.takeAll() == batch)
      #expect(ring.takeAll().isEmpty)
    }
  }

  @Test func `are dropped where there is no room`() {
    let ring = RoundTripRing()
    for number in 0..<RoundTripRing.capacity + 10 { ring.append(roundTrip(number)) }
    let taken = ring.takeAll()
    #expect(taken.count == RoundTripRing.capacity)
    #expect(taken.last == roundTrip(RoundTripRing.capacity - 1))
  }
}
