import TestSupport
import Testing
import Transferring

@Suite struct `Serials` {
  /// The examples of RFC 1982 §5.2 and the borders of the circle.
  @Test(
    arguments: [
      (0x0000_0001, 0x0000_0000, true), (0x0000_002C, 0x0000_0000, true),
      (0x0000_0064, 0x0000_002C, true), (0x0000_00C8, 0x0000_0064, true),
      (0x0000_0000, 0xFFFF_FFFF, true), (0x7FFF_FFFF, 0x0000_0000, true),
      (0x8000_0000, 0x0000_0000, false), (0x0000_0000, 0x8000_0000, false),
      (0x0000_0005, 0x0000_0005, false), (0xFFFF_FFFF, 0x0000_0000, false),
    ] as [(UInt32, UInt32, Bool)])
  func `RFC 1982 §3.2: which is newer`(left: UInt32, right: UInt32, isNewer: Bool) {
    #expect(Serial(left).isNewer(than: Serial(right)) == isNewer)
  }

  @Test func `RFC 1982 §3.2: never both of two are newer than the other`() {
    let seed: UInt64 = 1982
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<10_000 {
      let left = Serial(UInt32(truncatingIfNeeded: generator.next()))
      let right = Serial(UInt32(truncatingIfNeeded: generator.next()))
      #expect(
        !(left.isNewer(than: right) && right.isNewer(than: left)),
        "\(left), \(right), seed \(seed)")
    }
  }
}
