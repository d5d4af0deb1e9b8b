public import DNSWire

/// One zone, compiled on its own: a run of words that means the same wherever it stands, so that a
/// table is made of blocks by copying them.
///
/// Nodes stand in canonical order (RFC 4034 §6.1), so the apex is the first, and what is above a
/// name stands before it:
///
///     node     + 0   name bytes (8) | flags (8) | sets (16) | service + 1 (32)
///              + 1   wildcard (32)          words on to the child `*`; 0 if there is none
///                    boundary (32)          1 + words back to the node, at or above this one and
///                                           nearest to the apex, whose flags say what is different
///                                           from there on; 0 if there is none
///              + 2   zone (24) | steered types (8) | words of the node (32)
///              + 3   the name in lower case, zero-padded to words
///              …     two words a set: type (16) | hidden (1), run
///              …     the records, each set padded to words
///     run      words from the node (32) | bytes (16) | records (16)
///
/// Records begin with a pointer to offset 12 as their owner, where a question's name stands.
public struct ZoneBlock: Sendable {
  static let nodeHeaderWordCount = 3
  /// What a set has in place of a type if no question asks for it: at the apex the SOA of negative
  /// answers, at a delegation the addresses of its name servers.
  static let hiddenSet: UInt64 = 1 << 16
  /// How many zones a table may have.
  static let maximumZoneCount = 1 << 24

  /// What is different at a node or below it.
  struct Flags: OptionSet, BitwiseCopyable {
    let rawValue: UInt8
    /// NS records below the apex: what is here and below is another zone's.
    static let delegation = Flags(rawValue: 1)
    /// A DNAME record (RFC 6672 §2.1): what is below is found elsewhere.
    static let redirection = Flags(rawValue: 2)
    /// The apex of a zone inside another one of the same table, which answers for DS.
    static let innerApex = Flags(rawValue: 4)
    /// The apex of a zone that has no data.
    static let unavailable = Flags(rawValue: 8)
  }

  /// How strictly a zone is read: what a person wrote here and now is refused where it cannot be
  /// meant, what came from elsewhere is served as other servers do.
  public enum Rules: UInt8, Sendable, BitwiseCopyable {
    /// From the configuration: records that could never be answered are faults.
    case configured
    /// From a zone file: data below a delegation is kept and never answered.
    case file
    /// From another server: like a file; differing TTLs of one set become the lowest (RFC 2181
    /// §5.2).
    case transferred
  }

  public let name: DomainName
  /// Of the SOA; 0 if the zone is unavailable.
  public let serial: UInt32
  public let rules: Rules
  /// Names, those that have nothing but something below them included.
  public let nameCount: Int
  let maximumLabelCount: Int
  /// Of which the block is a part: its own, or the table's that it was taken from.
  let storage: [UInt64]
  /// The block's words in ``storage``.
  let range: Range<Int>

  /// A zone that is ours but has no data (never loaded, or expired): its names get SERVFAIL.
  public static func unavailable(_ name: DomainName) -> ZoneBlock {
    var words: [UInt64] = [
      UInt64(name.wire.count) | UInt64(Flags.unavailable.rawValue) << 8, 1 << 32, 0,
    ]
    words += packedWords(name.loweredWire)
    words[2] = UInt64(words.count) << 32
    return ZoneBlock(
      name: name, serial: 0, rules: .transferred, nameCount: 1,
      maximumLabelCount: name.labelCount, storage: words, range: 0..<words.count)
  }

  /// Whether the zone has data.
  public var isAvailable: Bool {
    !Flags(rawValue: UInt8(truncatingIfNeeded: storage[range.lowerBound] >> 8))
      .contains(.unavailable)
  }

  /// What the block takes in memory.
  public var byteCount: Int { range.count * 8 }
}

/// Eight bytes a word, the first in the lowest bits, zero-padded.
func packedWords(_ bytes: [UInt8]) -> [UInt64] {
  var packer = WordPacker()
  var words: [UInt64] = []
  for byte in bytes { packer.append(byte, to: &words) }
  packer.pad(&words)
  return words
}

/// Packs bytes into words, the first in the lowest bits.
struct WordPacker {
  private var word: UInt64 = 0
  private var bitCount: UInt64 = 0

  @inline(__always)
  mutating func append(_ byte: UInt8, to words: inout [UInt64]) {
    word |= UInt64(byte) &<< bitCount
    bitCount &+= 8
    guard bitCount == 64 else { return }
    words.append(word)
    word = 0
    bitCount = 0
  }

  /// In network order.
  @inline(__always)
  mutating func append(_ value: UInt16, to words: inout [UInt64]) {
    append(UInt8(truncatingIfNeeded: value >> 8), to: &words)
    append(UInt8(truncatingIfNeeded: value), to: &words)
  }

  /// In network order.
  mutating func append(_ value: UInt32, to words: inout [UInt64]) {
    append(UInt16(truncatingIfNeeded: value >> 16), to: &words)
    append(UInt16(truncatingIfNeeded: value), to: &words)
  }

  /// Ends the word with zeros.
  mutating func pad(_ words: inout [UInt64]) {
    guard bitCount > 0 else { return }
    words.append(word)
    word = 0
    bitCount = 0
  }
}
