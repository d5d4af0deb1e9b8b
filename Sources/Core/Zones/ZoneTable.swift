public import DNSWire

/// All names of all zones, and behind each what to answer.
///
/// One array of words holds everything that a query reads, so that a name, its types and its
/// records lie side by side:
///
///     slots    tag (32) | node (32)         open addressing, at most half full
///     node     + 0   name bytes (8) | – (8) | sets (16) | service + 1 (32)
///              + 1   wildcard node (32)     child `*`, 0 if there is none
///                    cut node (32)          the delegation at or above, 0 if there is none
///              + 2   zone (32) | steered types (8)
///              + 3   the name in lower case, zero-padded to words
///              …     two words a set: type, run
///              …     the records, each set padded to words
///     run      word (32) | bytes (16) | records (16)
///
/// Records begin with a pointer to offset 12 as their owner, where a question's name stands.
public struct ZoneTable: Sendable {
  static let nodeHeaderWordCount = 3
  /// The type under which a cut keeps the addresses of its name servers.
  static let glueType = RecordType(rawValue: 0)

  let seed: UInt64
  let slots: [UInt64]
  let words: [UInt64]
  let zones: [Zone]
  /// Of the stored names, the root not counted: names with more are looked up from there.
  let maximumLabelCount: Int
  /// The longest way from a name's own slot to where it is, plus one.
  let probeLimit: Int
  /// What ANY gets at a name that has nothing but a service (RFC 8482 §4.2).
  let anyAnswer: RecordRun

  struct Zone: Sendable, BitwiseCopyable {
    var startOfAuthority: RecordRun
    /// Of the zone's name.
    var nameByteCount: Int
    var version: ZoneVersion
  }

  /// The outcome of a look-up.
  public struct Finding: Sendable, Equatable, BitwiseCopyable {
    public var kind: Kind
    /// Of kind `records`, `alias` and `referral`.
    public var records: RecordRun = .none
    /// Of a referral: the addresses of its name servers, with their owners in full.
    public var glue: RecordRun = .none
    /// Of kinds `steered` and `steeredAlias`: the service to ask.
    public var service = 0
    /// Unless the kind is `notOurs`.
    public var zone = 0
    /// Of a referral: the length of the delegated name, which is a suffix of the asked one.
    public var cutByteCount = 0

    init(_ kind: Kind) { self.kind = kind }
  }

  public enum Kind: UInt8, Sendable, BitwiseCopyable {
    /// In none of the zones.
    case notOurs
    case records
    /// A CNAME, to be followed.
    case alias
    /// Of a type that routing decides: addresses, HTTPS, SVCB.
    case steered
    /// A CNAME that routing decides, whatever the type asked.
    case steeredAlias
    /// The name exists, the type does not (RFC 2308 §2.2).
    case noData
    /// Neither the name nor anything below it exists (RFC 8020 §2).
    case nameError
    case referral
  }

  /// A table without zones.
  public static let empty = ZoneTable(
    seed: 0, slots: [0, 0], words: [0], zones: [], maximumLabelCount: 0, probeLimit: 1,
    anyAnswer: .none)

  /// What there is for a name and a type: the name itself, else the wildcard at the closest
  /// encloser (RFC 4592 §3.3.1), unless a delegation is in the way.
  ///
  /// - Parameters:
  ///   - bytes: hold the name uncompressed, in any case, and reach 8 bytes beyond it.
  ///   - nameByteCount: the root included.
  /// - Complexity: one probe for names that exist, else one for each label that stored names have
  ///   at most; allocates nothing.
  public func find(
    _ bytes: RawSpan, at offset: Int, nameByteCount: Int, type: RecordType
  ) -> Finding {
    if let node = node(bytes, at: offset, byteCount: nameByteCount) {
      return finding(at: node, type: type)
    }
    return findAbove(bytes, at: offset, nameByteCount: nameByteCount, type: type)
  }

  /// The SOA of a zone as negative answers carry it (RFC 2308 §3), and the length of its owner,
  /// which is a suffix of every name in the zone.
  public func startOfAuthority(ofZone zone: Int) -> (records: RecordRun, ownerByteCount: Int) {
    (zones[zone].startOfAuthority, zones[zone].nameByteCount)
  }

  /// The serial of a zone, for clients that ask for it.
  public func version(ofZone zone: Int) -> ZoneVersion { zones[zone].version }

  /// Appends the records of a run.
  ///
  /// - Parameter ownerOffset: where the name that owns them stands in the message.
  /// - Returns: where the first one is; nil if they do not fit.
  public func append(
    _ run: RecordRun, ownerOffset: Int, to section: AnswerWriter.Section,
    writer: inout AnswerWriter, into buffer: inout MutableRawSpan
  ) -> Int? {
    unsafe writer.append(
      words.span.bytes, from: run.wordIndex &* 8, byteCount: run.byteCount,
      recordCount: run.recordCount, ownerOffset: ownerOffset, to: section, into: &buffer)
  }
}

/// Where the records of one type stand.
public struct RecordRun: Sendable, Equatable, BitwiseCopyable {
  let rawValue: UInt64

  static let none = RecordRun(rawValue: 0)

  init(rawValue: UInt64) { self.rawValue = rawValue }

  init(wordIndex: Int, byteCount: Int, recordCount: Int) {
    rawValue = UInt64(wordIndex) << 32 | UInt64(byteCount) << 16 | UInt64(recordCount)
  }

  var wordIndex: Int { Int(rawValue >> 32) }
  public var byteCount: Int { Int(rawValue >> 16 & 0xFFFF) }
  public var recordCount: Int { Int(rawValue & 0xFFFF) }
}

// MARK: - Looking up

extension ZoneTable {
  /// The node with this name.
  @inline(__always)
  private func node(_ bytes: RawSpan, at offset: Int, byteCount: Int) -> Int? {
    let hash = nameHash(bytes, at: offset, byteCount: byteCount, seed: seed)
    let mask = slots.count &- 1
    var slot = Int(truncatingIfNeeded: hash) & mask
    for _ in 0..<probeLimit {
      let entry = slots[slot]
      if entry == 0 { return nil }
      let node = Int(entry & 0xFFFF_FFFF)
      if entry >> 32 == hash >> 32, hasName(node, bytes, at: offset, byteCount: byteCount) {
        return node
      }
      slot = (slot &+ 1) & mask
    }
    return nil
  }

  private func hasName(_ node: Int, _ bytes: RawSpan, at offset: Int, byteCount: Int) -> Bool {
    guard Int(words[node] & 0xFF) == byteCount else { return false }
    var word = node &+ Self.nodeHeaderWordCount
    var position = offset
    var remaining = byteCount
    while remaining > 0 {
      // Nearly always in lower case as it comes.
      let asked = nameWord(bytes, at: position, byteCount: remaining)
      guard asked == words[word] || lowered(asked) == words[word] else { return false }
      word &+= 1
      position &+= 8
      remaining &-= 8
    }
    return true
  }

  /// What a node has for a type.
  private func finding(at node: Int, type: RecordType) -> Finding {
    let links = words[node &+ 1]
    let cut = Int(links >> 32)
    if cut != 0 && !(cut == node && type == .ds) { return referral(to: cut) }
    let head = words[node]
    let setCount = Int(head >> 16 & 0xFFFF)
    let service = Int(head >> 32)
    var finding = Finding(.noData)
    let place = words[node &+ 2]
    finding.zone = Int(place & 0xFFFF_FFFF)
    if service != 0 {
      let types = SteeredTypes(rawValue: UInt8(truncatingIfNeeded: place >> 32))
      if types.contains(type) {
        finding.kind = types.contains(.alias) ? .steeredAlias : .steered
        finding.service = service &- 1
        return finding
      }
    }
    let firstSet = self.firstSet(of: node)
    for index in 0..<setCount {
      let set = firstSet &+ index &* 2
      let setType = RecordType(rawValue: UInt16(truncatingIfNeeded: words[set]))
      // RFC 8482 §4.1: one of the sets is enough for ANY.
      if setType == type || type == .any || setType == .cname {
        finding.kind = setType == .cname && type != .cname && type != .any ? .alias : .records
        finding.records = RecordRun(rawValue: words[set &+ 1])
        return finding
      }
    }
    if type == .any && service != 0 {
      finding.kind = .records
      finding.records = anyAnswer
    }
    return finding
  }

  private func firstSet(of node: Int) -> Int {
    node &+ Self.nodeHeaderWordCount &+ (Int(words[node] & 0xFF) &+ 7) >> 3
  }

  private func referral(to cut: Int) -> Finding {
    var finding = Finding(.referral)
    finding.zone = Int(words[cut &+ 2] & 0xFFFF_FFFF)
    finding.cutByteCount = Int(words[cut] & 0xFF)
    for index in 0..<Int(words[cut] >> 16 & 0xFFFF) {
      let set = firstSet(of: cut) &+ index &* 2
      switch RecordType(rawValue: UInt16(truncatingIfNeeded: words[set])) {
      case .ns: finding.records = RecordRun(rawValue: words[set &+ 1])
      case Self.glueType: finding.glue = RecordRun(rawValue: words[set &+ 1])
      default: break
      }
    }
    return finding
  }

  /// For names that do not exist: every ancestor of a stored name up to its zone is stored too, so
  /// that the first one met is the closest encloser.
  private func findAbove(
    _ bytes: RawSpan, at offset: Int, nameByteCount: Int, type: RecordType
  ) -> Finding {
    let end = offset &+ nameByteCount
    var labelCount = 0
    var position = offset
    while position < end &- 1 {
      position &+= 1 &+ Int(bytes.byte(at: position))
      labelCount &+= 1
    }
    position = offset
    while position < end &- 1 {
      position &+= 1 &+ Int(bytes.byte(at: position))
      labelCount &-= 1
      guard labelCount <= maximumLabelCount,
        let encloser = node(bytes, at: position, byteCount: end &- position)
      else { continue }
      let links = words[encloser &+ 1]
      if links >> 32 != 0 { return referral(to: Int(links >> 32)) }
      let wildcard = Int(links & 0xFFFF_FFFF)
      if wildcard != 0 { return finding(at: wildcard, type: type) }
      var finding = Finding(.nameError)
      finding.zone = Int(words[encloser &+ 2] & 0xFFFF_FFFF)
      return finding
    }
    return Finding(.notOurs)
  }
}

/// Eight bytes of a name, zero behind its end.
@inline(__always)
func nameWord(_ bytes: RawSpan, at offset: Int, byteCount: Int) -> UInt64 {
  let word = bytes.word(at: offset)
  if byteCount >= 8 { return word }
  return word & ~(~0 &<< UInt64(truncatingIfNeeded: byteCount &* 8))
}

/// A hash of a name without case; the seed is this process's own.
@inline(__always)
func nameHash(_ bytes: RawSpan, at offset: Int, byteCount: Int, seed: UInt64) -> UInt64 {
  var hash = seed ^ UInt64(truncatingIfNeeded: byteCount)
  var position = offset
  var remaining = byteCount
  while remaining > 0 {
    // The bit that tells cases apart is the same in all: good enough to tell names apart, and less
    // work than lowering letters only. Half of the product's bits are folded onto the other half,
    // as in wyhash.
    let word = nameWord(bytes, at: position, byteCount: remaining) | 0x2020_2020_2020_2020
    let product = (hash ^ word).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
    hash = product.high ^ product.low ^ seed
    position &+= 8
    remaining &-= 8
  }
  return hash
}
