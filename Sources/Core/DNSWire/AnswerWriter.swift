/// Builds an answer behind the question of the query, in the buffer that the query came in.
///
/// Sections are appended in their order; what does not fit empties them all and sets TC, so that an
/// answer is whole or none (RFC 2181 §9). `finish` adds OPT, for which room is always kept, and
/// the header.
public struct AnswerWriter: Sendable, BitwiseCopyable {
  /// Of the OPT record without options (RFC 6891 §6.1.2).
  @usableFromInline static var fixedOPTByteCount: Int { 11 }

  /// Where the next record goes.
  @usableFromInline var end: Int
  public internal(set) var isTruncated = false
  @usableFromInline let questionEnd: Int
  /// Of question and records: the limit of the answer less OPT.
  @usableFromInline let recordLimit: Int
  @usableFromInline let limit: Int
  /// Of the client subnet to repeat (RFC 7871 §7.2.1), its fixed part included; 0: none.
  @usableFromInline let subnetByteCount: Int
  /// The count of questions.
  @usableFromInline let noRecords: UInt64
  /// As the header has them (RFC 1035 §4.1.1), 16 bits each.
  @usableFromInline var counts: UInt64

  /// The value is the place of the section's count in the header.
  public enum Section: UInt64, Sendable, BitwiseCopyable {
    case answer = 32
    case authority = 16
    case additional = 0
  }

  /// - Parameters:
  ///   - query: has been decoded from the same buffer.
  ///   - repeatsSubnet: whether the query's client subnet goes into the answer.
  ///   - optionByteCount: for which room is kept in OPT beside it.
  ///   - limit: the most bytes that the answer may have, at least 512.
  @inlinable
  public init(query: Query, repeatsSubnet: Bool, optionByteCount: Int, limit: Int) {
    questionEnd = query.questionEnd
    end = query.questionEnd
    self.limit = limit
    subnetByteCount =
      repeatsSubnet && query.subnetState == .valid
      ? ClientSubnet.fixedByteCount &+ query.subnet.addressByteCount : 0
    recordLimit =
      query.hasEDNS
      ? limit &- Self.fixedOPTByteCount &- subnetByteCount &- optionByteCount : limit
    noRecords = query.hasQuestion ? 1 << 48 : 0
    counts = noRecords
  }

  /// Appends records.
  ///
  /// - Parameters:
  ///   - start: where in `records` they begin.
  ///   - ownerOffset: where the name that owns them stands in the message, if they begin with
  ///     pointers that are to lead elsewhere than to the question; else ``Query/nameOffset``.
  /// - Returns: where they are, or nil if they do not fit: the answer is truncated then.
  @inlinable
  public mutating func append(
    _ records: RawSpan, from start: Int, byteCount: Int, recordCount: Int, ownerOffset: Int,
    to section: Section, into buffer: inout MutableRawSpan
  ) -> Int? {
    guard !isTruncated, end &+ byteCount <= recordLimit else {
      truncate()
      return nil
    }
    let offset = end
    buffer.copy(records, from: start, count: byteCount, to: offset)
    end = offset &+ byteCount
    counts &+= UInt64(truncatingIfNeeded: recordCount) &<< section.rawValue
    if ownerOffset != Query.nameOffset {
      pointOwners(to: ownerOffset, from: offset, recordCount: recordCount, in: &buffer)
    }
    return offset
  }

  /// Each record: pointer, type, class, TTL, length, data.
  @usableFromInline
  func pointOwners(
    to ownerOffset: Int, from start: Int, recordCount: Int, in buffer: inout MutableRawSpan
  ) {
    let pointer = 0xC000 | UInt16(truncatingIfNeeded: ownerOffset) & 0x3FFF
    var offset = start
    for _ in 0..<recordCount {
      buffer.store(pointer, at: offset)
      offset &+= 12 &+ Int(buffer.bytes.uint16(at: offset &+ 10))
    }
  }

  /// Empties the sections and marks the answer as truncated.
  public mutating func truncate() {
    isTruncated = true
    removeRecords()
  }

  /// Empties the sections.
  public mutating func removeRecords() {
    end = questionEnd
    counts = noRecords
  }

  /// What of the outcome goes into header and OPT.
  public struct Outcome: Sendable, BitwiseCopyable {
    public var code: ResponseCode
    public var isAuthoritative: Bool
    /// SCOPE PREFIX-LENGTH (RFC 7871 §7.2.1).
    public var scopeBits: UInt8
    public var extendedError: ExtendedError?

    @inlinable
    public init(
      code: ResponseCode, isAuthoritative: Bool = false, scopeBits: UInt8 = 0,
      extendedError: ExtendedError? = nil
    ) {
      self.code = code
      self.isAuthoritative = isAuthoritative
      self.scopeBits = scopeBits
      self.extendedError = extendedError
    }
  }

  /// Writes OPT and the header of an answer with neither options nor extended error.
  ///
  /// - Parameter payloadByteCount: what we can take over UDP, said in OPT.
  /// - Returns: the length of the answer.
  public mutating func finish(
    _ outcome: Outcome, query: Query, payloadByteCount: Int,
    into buffer: inout MutableRawSpan
  ) -> Int {
    if query.hasEDNS {
      let position = openOPT(
        outcome, query: query, payloadByteCount: payloadByteCount, into: &buffer)
      closeOPT(at: position, into: &buffer)
    }
    writeHeader(outcome, query: query, into: &buffer)
    return end
  }

  /// Writes OPT and the header.
  ///
  /// - Parameters:
  ///   - payloadByteCount: what we can take over UDP, said in OPT.
  ///   - options: for which room was kept.
  ///   - identity: of as many bytes as the options say.
  ///   - zoneVersion: of the zone that the answer comes from, if it comes from one.
  /// - Returns: the length of the answer.
  @inline(never)
  public mutating func finish(
    _ outcome: Outcome, query: Query, payloadByteCount: Int, options: AnswerOptions,
    identity: RawSpan, zoneVersion: ZoneVersion?, into buffer: inout MutableRawSpan
  ) -> Int {
    if query.hasEDNS {
      var writer = OptionWriter(
        position: openOPT(
          outcome, query: query, payloadByteCount: payloadByteCount, into: &buffer),
        limit: limit)
      if let cookie = options.cookie { writer.append(cookie, into: &buffer) }
      if options.identityByteCount > 0 {
        writer.append(identity, count: options.identityByteCount, into: &buffer)
      }
      if let tenths = options.keepaliveTenths {
        writer.append(keepaliveTenths: tenths, into: &buffer)
      }
      if options.hasZoneVersion, let zoneVersion { writer.append(zoneVersion, into: &buffer) }
      if let error = outcome.extendedError { writer.append(error, into: &buffer) }
      if options.isPadded { writer.appendPadding(into: &buffer) }
      closeOPT(at: writer.position, into: &buffer)
    }
    writeHeader(outcome, query: query, into: &buffer)
    return end
  }

  @inline(__always)
  private func writeHeader(
    _ outcome: Outcome, query: Query, into buffer: inout MutableRawSpan
  ) {
    var flags = headerFlags(query: query.flags, code: outcome.code)
    if outcome.isAuthoritative { flags |= 0x0400 }
    if isTruncated { flags |= 0x0200 }
    buffer.store(flags, at: 2)
    buffer.store(counts, at: 4)
  }

  /// Stores whole words: what goes beyond OPT is written over or stands behind the answer.
  ///
  /// - Returns: where the next option goes.
  @inline(__always)
  private func openOPT(
    _ outcome: Outcome, query: Query, payloadByteCount: Int,
    into buffer: inout MutableRawSpan
  ) -> Int {
    let payload = UInt64(truncatingIfNeeded: payloadByteCount & 0xFFFF)
    let extendedCode = UInt64(outcome.code.rawValue >> 4)
    let dnssecOK: UInt64 = query.wantsDNSSEC ? 0x80 : 0
    // Root, type, payload size, extended code, version 0, the first byte of the flags.
    buffer.store(
      UInt64(RecordType.opt.rawValue) << 40 | payload << 24 | extendedCode << 16 | dnssecOK,
      at: end)
    let options = end &+ Self.fixedOPTByteCount
    guard subnetByteCount > 0 else { return options }
    let subnet = query.subnet
    let head = UInt64(ClientSubnet.optionCode) << 48 | UInt64(subnetByteCount &- 4) << 32
    let family: UInt64 = subnet.isIPv6 ? 2 : 1
    let prefix = UInt64(subnet.sourceBits) << 8 | UInt64(outcome.scopeBits)
    buffer.store(head | family << 16 | prefix, at: options)
    buffer.store(subnet.high, at: options &+ 8)
    if subnetByteCount > 16 { buffer.store(subnet.low, at: options &+ 16) }
    return options &+ subnetByteCount
  }

  /// The second byte of the flags, and the length.
  @inline(__always)
  private mutating func closeOPT(at position: Int, into buffer: inout MutableRawSpan) {
    buffer.storeBytes(of: 0, toByteOffset: end &+ 8, as: UInt8.self)
    let optionByteCount = position &- end &- Self.fixedOPTByteCount
    buffer.store(UInt16(truncatingIfNeeded: optionByteCount), at: end &+ 9)
    end = position
    counts &+= 1
  }
}

/// Why an answer is not what it should be, for people (RFC 8914).
public enum ExtendedError: UInt8, Sendable, BitwiseCopyable {
  /// Nothing is usable, and there is no last resort.
  case noHealthyRegion
  /// Health is ignored for want of better.
  case lastResort
  /// The fences leave no region for the client.
  case fencedOut
  /// Nothing inside the fences is healthy, and they say that then nothing is served.
  case refusedInFence
  /// The name's key has no home.
  case noHome
  /// Nothing inside the fences is healthy, and they say what is served all the same.
  case lastResortInFence
  /// The zone is configured, and its data is not there or too old.
  case noZoneData
  /// What the answer needs is not known yet.
  case notReady
  /// What the answer is made of could not be renewed in time.
  case stale
  /// No zone of ours.
  case notAuthoritative
  /// Of the sender we want no such question.
  case prohibited
  /// A type that is no type of records.
  case notAType

  static let optionCode: UInt16 = 15

  /// IANA's INFO-CODE.
  public var code: UInt16 {
    switch self {
    case .noHealthyRegion, .lastResort, .lastResortInFence, .noHome: 0
    case .stale: 3
    case .notReady: 14
    case .fencedOut, .refusedInFence, .prohibited: 18
    case .notAuthoritative: 20
    case .noZoneData: 24
    case .notAType: 30
    }
  }

  public var text: StaticString {
    switch self {
    case .noHealthyRegion: "no healthy region"
    case .lastResort: "no healthy region; serving last resort"
    case .fencedOut: "no region inside the fence"
    case .refusedInFence: "no healthy region inside the fence"
    case .noHome: "no region is the home of this name"
    case .lastResortInFence: "no healthy region inside the fence; serving its last resort"
    case .noZoneData: "the zone is not loaded or has expired"
    case .notReady: "not known yet"
    case .stale: "older than it should be"
    case .notAuthoritative: "no zone of this server"
    case .prohibited: "not for this client"
    case .notAType: "no type of records"
    }
  }
}

/// Writes an answer that is a header alone: to queries whose question cannot be read.
///
/// - Returns: its length.
public func writeHeaderOnly(code: ResponseCode, into buffer: inout MutableRawSpan) -> Int {
  let flags = headerFlags(query: buffer.bytes.uint16(at: 2), code: code)
  buffer.store(flags, at: 2)
  buffer.store(UInt64(0), at: 4)
  return Query.nameOffset
}

/// QR set; opcode, RD and CD as in the query (RFC 1035 §4.1.1, RFC 4035 §3.1.6); AA, TC, RA, Z and
/// AD clear.
@inlinable
func headerFlags(query: UInt16, code: ResponseCode) -> UInt16 {
  0x8000 | query & 0x7910 | code.rawValue & 0xF
}
