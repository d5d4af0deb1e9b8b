import DNSWire

/// The hash by which keys fall into ranges: MurmurHash3_x86_32 with seed 0 (Austin Appleby, public
/// domain; libraries of all languages have it), over the key in lower case. Part of what people
/// configure: it never changes.
public enum KeyHash {
  /// - Parameter bytes: hold the key, in any case, from `offset` on.
  public static func value(_ bytes: RawSpan, at offset: Int, byteCount: Int) -> UInt32 {
    var hash: UInt32 = 0
    var position = 0
    while position &+ 4 <= byteCount {
      hash ^= scrambled(block(bytes, at: offset &+ position, byteCount: 4))
      hash = (hash << 13 | hash >> 19) &* 5 &+ 0xE654_6B64
      position &+= 4
    }
    if position < byteCount {
      hash ^= scrambled(block(bytes, at: offset &+ position, byteCount: byteCount &- position))
    }
    return finished(hash ^ UInt32(truncatingIfNeeded: byteCount))
  }

  /// The same of a text.
  public static func value(of key: String) -> UInt32 {
    let bytes = Array(key.utf8)
    return unsafe value(bytes.span.bytes, at: 0, byteCount: bytes.count)
  }

  /// Up to four bytes, the first in the lowest bits.
  private static func block(_ bytes: RawSpan, at offset: Int, byteCount: Int) -> UInt32 {
    var block: UInt32 = 0
    for index in 0..<byteCount {
      block |= UInt32(lowered(bytes.byte(at: offset &+ index))) &<< UInt32(index &* 8)
    }
    return block
  }

  private static func scrambled(_ block: UInt32) -> UInt32 {
    let product = block &* 0xCC9E_2D51
    return (product << 15 | product >> 17) &* 0x1B87_3593
  }

  private static func finished(_ hash: UInt32) -> UInt32 {
    var hash = (hash ^ hash >> 16) &* 0x85EB_CA6B
    hash = (hash ^ hash >> 13) &* 0xC2B2_AE35
    return hash ^ hash >> 16
  }
}

/// A letter in lower case; any other byte as it is (RFC 4343 §3).
@inline(__always)
func lowered(_ byte: UInt8) -> UInt8 {
  byte &- UInt8(ascii: "A") < 26 ? byte | 0x20 : byte
}
