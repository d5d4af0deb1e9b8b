import Homes
import Testing

@Suite struct `The hash of keys` {
  /// Made with the reference implementation of MurmurHash3_x86_32, seed 0.
  @Test(
    arguments: [
      ("", 0x0000_0000), ("a", 0x3C25_69B2), ("ab", 0x9BBF_D75F), ("abc", 0xB3DD_93FA),
      ("acme", 0xA439_2CD0), ("globex", 0x4021_7C5A), ("tenant-000001", 0x96BF_0A5B),
      ("tenant-000002", 0xA840_9BBB),
      ("the-longest-label-that-a-name-may-have-is-of-sixty-three-bytes-x", 0x68CE_22A1),
    ] as [(String, UInt32)])
  func `is MurmurHash3, the same everywhere and for ever`(key: String, hash: UInt32) {
    #expect(KeyHash.value(of: key) == hash)
    #expect(KeyHash.value(of: key.uppercased()) == hash)
  }
}
