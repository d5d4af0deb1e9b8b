import Checksums
import Testing

/// RFC 3720 §B.4 writes the sums as octets, the least significant first.
@Suite struct `CRC-32C` {
  @Test(arguments: [
    ("32 zeros", [UInt8](repeating: 0, count: 32), 0x8A91_36AA as UInt32),
    ("32 ones", [UInt8](repeating: 0xFF, count: 32), 0x62A8_AB43),
    ("counting up", [UInt8](0..<32), 0x46DD_794E),
    ("counting down", (0..<32).reversed().map { UInt8($0) }, 0x113F_DB5C),
    (
      "a SCSI Read command",
      [
        0x01, 0xC0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x14, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0,
        0x14, 0, 0, 0, 0x18, 0x28, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0,
      ], 0xD996_3A56
    ),
    ("the digits 1 to 9", Array("123456789".utf8), 0xE306_9283),
  ])
  func `is that of RFC 3720 §B.4`(name: String, bytes: [UInt8], sum: UInt32) {
    #expect(CRC32C(bytes).value == sum)
  }
}
