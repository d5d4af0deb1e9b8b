public import DNSWire

/// All names of all zones, and behind each what to answer.
///
/// One array of words holds everything that a query reads, so that a name, its types and its
/// records lie side by side: the records that belong to no zone, then the zones, each a
/// ``ZoneBlock``. Beside it stand the slots in which names are found by their hash:
///
///     slot     tag (32) | node (32)         open addressing, at most half full
///
/// A node has a slot unless it is the other side of a zone inside its own, which is in the table
/// too and then answers for itself.
public struct ZoneTable: Sendable {
  let seed: UInt64
  let slots: [UInt64]
  let words: [UInt64]
  let zones: [Zone]
  /// The zones' blocks without their words.
  let blocks: [BlockFacts]
  let indices: [DomainName: Int]
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
    /// The zone that this one is inside of, -1 if there is none.
    var outerZone: Int
    /// Where that one delegates this one; 0 if it does not.
    var delegation: Int
  }

  struct BlockFacts: Sendable {
    var name: DomainName
    var serial: UInt32
    var rules: ZoneBlock.Rules
    var nameCount: Int
    var maximumLabelCount: Int
    /// Of the words.
    var range: Range<Int>
  }

  /// The outcome of a look-up.
  public struct Finding: Sendable, Equatable, BitwiseCopyable {
    public var kind: Kind
    /// Of kinds `records`, `alias`, `redirection` and `referral`.
    public var records: RecordRun = .none
    /// Of a referral: the addresses of its name servers, with their owners in full.
    public var glue: RecordRun = .none
    fileprivate var serviceIndex: UInt32 = 0
    fileprivate var zoneIndex: UInt32 = 0
    fileprivate var cutNameByteCount: UInt8 = 0

    init(_ kind: Kind) { self.kind = kind }

    /// Of the steered kinds: the service to ask.
    public var service: Int { Int(serviceIndex) }
    /// Unless the kind is `notOurs`.
    public var zone: Int { Int(zoneIndex) }
    /// Of kinds `referral` and `redirection`: the length of the name that is delegated or
    /// redirected, a suffix of the asked one. Of what a wildcard has: that of the name above it.
    public var cutByteCount: Int { Int(cutNameByteCount) }

    /// The same of another service, which the key has chosen.
    public func chosen(service: Int) -> Finding {
      var finding = self
      finding.serviceIndex = UInt32(truncatingIfNeeded: service)
      return finding
    }
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
    /// As `steered`, by a service that goes by a key.
    case steeredByKey
    /// As `steeredAlias`, by a service that goes by a key.
    case steeredAliasByKey
    /// The name exists, the type does not (RFC 2308 §2.2).
    case noData
    /// Neither the name nor anything below it exists (RFC 8020 §2).
    case nameError
    case referral
    /// Below a DNAME (RFC 6672 §3.2): the name is another one.
    case redirection
    /// Of a zone that is ours and has no data.
    case unavailable
  }

  /// A table without zones.
  public static let empty = ZoneTable(
    seed: 0, slots: [0, 0], words: [0], zones: [], blocks: [], indices: [:],
    maximumLabelCount: 0, probeLimit: 1, anyAnswer: .none)

  /// What there is for a name and a type: the name itself, else the wildcard at the closest
  /// encloser (RFC 4592 §3.3.1), unless a delegation or a DNAME is in the way.
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

  /// Of negative answers (RFC 2308 §5, RFC 9077 §3).
  public func negativeTTLSeconds(ofZone zone: Int) -> UInt32 {
    unsafe words.span.bytes.uint32(at: zones[zone].startOfAuthority.wordIndex &* 8 &+ 6)
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
  /// The same of words that begin so many further on.
  func moved(by wordCount: Int) -> RecordRun {
    RecordRun(rawValue: rawValue &+ UInt64(truncatingIfNeeded: wordCount) &<< 32)
  }

  public var byteCount: Int { Int(rawValue >> 16 & 0xFFFF) }
  public var recordCount: Int { Int(rawValue & 0xFFFF) }
}

// MARK: - Looking up

extension ZoneTable {
  /// The node with this name.
  @inline(__always)
  func node(_ bytes: RawSpan, at offset: Int, byteCount: Int) -> Int? {
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
    var word = node &+ ZoneBlock.nodeHeaderWordCount
    var position = offset
    var remaining = byteCount
    while remaining > 0 {
      // Nearly always in lower case as it comes.
      let asked = bytes.word(at: position, byteCount: remaining)
      guard asked == words[word] || lowered(asked) == words[word] else { return false }
      word &+= 1
      position &+= 8
      remaining &-= 8
    }
    return true
  }

  /// What a node has for a type, boundaries heeded.
  @inline(__always)
  private func finding(at node: Int, type: RecordType) -> Finding {
    if words[node &+ 1] >> 32 != 0, let finding = boundaryFinding(at: node, type: type) {
      return finding
    }
    return ownFinding(at: node, type: type)
  }

  /// What a node itself has for a type.
  @inline(__always)
  private func ownFinding(at node: Int, type: RecordType) -> Finding {
    let head = words[node]
    let setCount = Int(head >> 16 & 0xFFFF)
    let service = Int(head >> 32)
    var finding = Finding(.noData)
    let place = words[node &+ 2]
    finding.zoneIndex = UInt32(truncatingIfNeeded: place & 0xFF_FFFF)
    if service != 0 {
      let types = SteeredTypes(rawValue: UInt8(truncatingIfNeeded: place >> 24))
      if types.contains(type) {
        finding.kind = types.isDisjoint(with: [.alias, .keyed]) ? .steered : types.unusualKind
        finding.serviceIndex = UInt32(truncatingIfNeeded: service &- 1)
        return finding
      }
    }
    let firstSet = self.firstSet(of: node)
    for index in 0..<setCount {
      let set = firstSet &+ index &* 2
      let setType = words[set]
      // RFC 8482 §4.1: one of the sets is enough for ANY; hidden ones are never the first.
      if setType == UInt64(type.rawValue) || type == .any || setType == Self.aliasSet {
        finding.kind =
          setType == Self.aliasSet && type != .cname && type != .any ? .alias : .records
        finding.records = RecordRun(rawValue: words[set &+ 1]).moved(by: node)
        return finding
      }
    }
    if type == .any && service != 0 {
      finding.kind = .records
      finding.records = anyAnswer
    }
    return finding
  }

  private static var aliasSet: UInt64 { UInt64(RecordType.cname.rawValue) }

  func firstSet(of node: Int) -> Int {
    node &+ ZoneBlock.nodeHeaderWordCount &+ (Int(words[node] & 0xFF) &+ 7) >> 3
  }

  /// The records of a set of a node; none if it has no such set.
  func run(of set: UInt64, at node: Int) -> RecordRun {
    let firstSet = firstSet(of: node)
    for index in 0..<Int(words[node] >> 16 & 0xFFFF) where words[firstSet &+ index &* 2] == set {
      return RecordRun(rawValue: words[firstSet &+ index &* 2 &+ 1]).moved(by: node)
    }
    return .none
  }

  /// What a boundary at or above an existing name has to say; nil: nothing for this type.
  @inline(never)
  private func boundaryFinding(at node: Int, type: RecordType) -> Finding? {
    let boundary = node &- Int(words[node &+ 1] >> 32) &+ 1
    let flags = ZoneBlock.Flags(rawValue: UInt8(truncatingIfNeeded: words[boundary] >> 8))
    guard boundary == node else { return findingBelow(boundary, flags) }
    if type == .ds && flags.contains(.innerApex) { return outerFinding(of: node) }
    if flags.contains(.unavailable) { return finding(.unavailable, from: node) }
    // RFC 4035 §3.1.4.1: of a delegation, DS is ours.
    if flags.contains(.delegation) && type != .ds { return referral(to: node) }
    return nil
  }

  /// What a boundary at or above the closest encloser has to say of a name that does not exist.
  @inline(never)
  private func boundaryFinding(above encloser: Int) -> Finding? {
    let boundary = encloser &- Int(words[encloser &+ 1] >> 32) &+ 1
    return findingBelow(
      boundary, ZoneBlock.Flags(rawValue: UInt8(truncatingIfNeeded: words[boundary] >> 8)))
  }

  /// What a boundary has to say of a name below it, whether that exists or not.
  private func findingBelow(_ boundary: Int, _ flags: ZoneBlock.Flags) -> Finding? {
    if flags.contains(.unavailable) { return finding(.unavailable, from: boundary) }
    if flags.contains(.delegation) { return referral(to: boundary) }
    guard flags.contains(.redirection) else { return nil }
    var finding = finding(.redirection, from: boundary)
    finding.records = run(of: UInt64(RecordType.dname.rawValue), at: boundary)
    finding.cutNameByteCount = UInt8(truncatingIfNeeded: words[boundary])
    return finding
  }

  private func finding(_ kind: Kind, from node: Int) -> Finding {
    var finding = Finding(kind)
    finding.zoneIndex = UInt32(truncatingIfNeeded: words[node &+ 2] & 0xFF_FFFF)
    return finding
  }

  /// DS at the apex of a zone whose outer zone is here as well: that one's matter.
  private func outerFinding(of apex: Int) -> Finding {
    let zone = zones[Int(words[apex &+ 2] & 0xFF_FFFF)]
    if zone.delegation != 0 { return finding(at: zone.delegation, type: .ds) }
    let outerApex = blocks[zone.outerZone].range.lowerBound
    let flags = ZoneBlock.Flags(rawValue: UInt8(truncatingIfNeeded: words[outerApex] >> 8))
    return finding(flags.contains(.unavailable) ? .unavailable : .noData, from: outerApex)
  }

  private func referral(to cut: Int) -> Finding {
    var finding = finding(.referral, from: cut)
    finding.cutNameByteCount = UInt8(truncatingIfNeeded: words[cut])
    finding.records = run(of: UInt64(RecordType.ns.rawValue), at: cut)
    finding.glue = run(of: ZoneBlock.hiddenSet, at: cut)
    return finding
  }

  /// For names that do not exist.
  private func findAbove(
    _ bytes: RawSpan, at offset: Int, nameByteCount: Int, type: RecordType
  ) -> Finding {
    guard let encloser = closestEncloser(bytes, at: offset, nameByteCount: nameByteCount) else {
      return Finding(.notOurs)
    }
    let links = words[encloser &+ 1]
    if links >> 32 != 0, let finding = boundaryFinding(above: encloser) { return finding }
    let wildcard = Int(links & 0xFFFF_FFFF)
    if wildcard != 0 {
      var finding = ownFinding(at: encloser &+ wildcard, type: type)
      finding.cutNameByteCount = UInt8(truncatingIfNeeded: words[encloser])
      return finding
    }
    return finding(.nameError, from: encloser)
  }

  /// The closest encloser of a name that does not exist (RFC 4592 §3.3.1); nil if it is in none of
  /// the zones. Every ancestor of a stored name up to its zone is stored too, so that it is the
  /// first one met.
  @inline(__always)
  func closestEncloser(_ bytes: RawSpan, at offset: Int, nameByteCount: Int) -> Int? {
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
      return encloser
    }
    return nil
  }
}

/// A hash of a name without case; the seed is this process's own.
@inline(__always)
func nameHash(_ bytes: RawSpan, at offset: Int, byteCount: Int, seed: UInt64) -> UInt64 {
  var hash = seed ^ UInt64(truncatingIfNeeded: byteCount)
  var position = offset
  var remaining = byteCount
  while remaining > 0 {
    hash = hashStep(
      hash, word: bytes.word(at: position, byteCount: remaining), seed: seed)
    position &+= 8
    remaining &-= 8
  }
  return hash
}

/// Takes in eight bytes of a name.
///
/// The bit that tells cases apart is the same in all: good enough to tell names apart, and less
/// work than lowering letters only. Half of the product's bits are folded onto the other half, as
/// in wyhash.
@inline(__always)
func hashStep(_ hash: UInt64, word: UInt64, seed: UInt64) -> UInt64 {
  let product = (hash ^ (word | 0x2020_2020_2020_2020))
    .multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
  return product.high ^ product.low ^ seed
}
