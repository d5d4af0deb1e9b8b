public import Cookies
public import DNSWire

/// Makes the RRSIG and NSEC records of answers, for one thread.
///
/// A set is signed when it is first answered, and its signature kept: there are as many as there
/// are names, types and outcomes, so that after a while nothing is signed any more but denials of
/// names that nobody asked for before.
public struct AnswerSigner: Sendable {
  /// Signatures begin so long before they are made, for validators whose clocks are behind.
  static let clockSkewSeconds: UInt64 = 3_600

  /// As many signatures are kept, at least.
  public let signatureCount: Int
  private var cache: SignatureCache
  private let secret: CookieSecret
  /// What was made last, in the first ``byteCount`` bytes: records that begin with a pointer to the
  /// question's name.
  public private(set) var records: [UInt8] = []
  public private(set) var byteCount = 0
  public private(set) var recordCount = 0
  /// How many signatures were made, and how many were there already.
  public private(set) var madeCount: UInt64 = 0
  public private(set) var foundCount: UInt64 = 0

  /// - Parameters:
  ///   - signatureCount: how many are kept; 72 bytes each.
  ///   - secret: of this process.
  public init(signatureCount: Int, secret: CookieSecret) {
    self.signatureCount = signatureCount
    cache = SignatureCache(entryCount: signatureCount)
    self.secret = secret
  }

  /// Makes the signatures of a set, one for each key, into ``records``.
  ///
  /// - Parameters:
  ///   - message: reaches 8 bytes beyond the set.
  ///   - nowSeconds: since 1970.
  /// - Returns: false if a signature could not be made.
  public mutating func sign(
    _ set: MessageSet, in message: RawSpan, by signer: ZoneSigner, nowSeconds: UInt64
  ) -> Bool {
    byteCount = 0
    recordCount = 0
    let type = set.type(in: message)
    let hash = hash(of: set, in: message)
    // RFC 6781 §4.4.2: renewed when a quarter of the time is over, not all at the same moment.
    let period = UInt64(signer.validitySeconds / 4)
    let shift = hash % period
    let begin = (nowSeconds &+ shift) / period &* period &- shift
    for key in signer.keys(for: type) {
      let head = SignatureHead(
        type: type, algorithm: key.algorithm, labelCount: set.labelCount(in: message),
        ttlSeconds: set.ttlSeconds(in: message),
        expiration: begin &+ UInt64(signer.validitySeconds),
        inception: begin &- Self.clockSkewSeconds, tag: key.tag)
      var sip = SipHash(secret)
      sip.absorb(hash)
      sip.absorb(signer.fingerprint)
      sip.absorb(begin)
      sip.absorb(UInt64(key.tag) << 8 | UInt64(key.algorithm))
      let entry = sip.finish() | 1
      var place = cache.place(of: entry)
      if place != nil {
        foundCount += 1
      } else {
        place = make(head, of: set, in: message, by: signer, with: key, for: entry)
      }
      guard let place else { return false }
      append(head, signer: signer, place: place)
    }
    return true
  }

  private mutating func make(
    _ head: SignatureHead, of set: MessageSet, in message: RawSpan, by signer: ZoneSigner,
    with key: SigningKey, for entry: UInt64
  ) -> Int? {
    let signed = head.bytes + signer.zone + set.canonicalRecords(in: message)
    guard let signature = key.sign(signed), signature.count == SigningKey.signatureByteCount else {
      return nil
    }
    madeCount += 1
    return cache.insert(signature, for: entry)
  }

  private mutating func append(_ head: SignatureHead, signer: ZoneSigner, place: Int) {
    let start = byteCount
    let dataByteCount =
      SignatureHead.byteCount + signer.zone.count + SigningKey.signatureByteCount
    let signature = cache.signature(at: place)
    byteCount = start + MessageSet.headByteCount + dataByteCount
    recordCount += 1
    while records.count < byteCount { records.append(0) }
    var span = records.mutableSpan
    var bytes = unsafe span.mutableBytes
    bytes.storeHead(
      .rrsig, ttlSeconds: head.ttlSeconds, dataByteCount: dataByteCount, at: start)
    var position = start + MessageSet.headByteCount
    head.store(in: &bytes, at: position)
    position += SignatureHead.byteCount
    unsafe bytes.copy(signer.zone.span.bytes, from: 0, count: signer.zone.count, to: position)
    position += signer.zone.count
    for index in signature.indices {
      // The first byte is in the lowest bits.
      bytes.store(signature[index].byteSwapped, at: position + index * 8)
    }
  }

  /// Of everything that a signature covers, but for the order of the records.
  private func hash(of set: MessageSet, in message: RawSpan) -> UInt64 {
    var sip = SipHash(secret)
    var position = set.owner.offset
    var remaining = set.owner.byteCount
    sip.absorb(UInt64(truncatingIfNeeded: remaining) << 32 | UInt64(set.recordCount))
    while remaining > 0 {
      sip.absorb(lowered(message.word(at: position, byteCount: remaining)))
      position &+= 8
      remaining &-= 8
    }
    position = set.offset
    for _ in 0..<set.recordCount {
      // The pointer in front says only where the owner stands.
      let end = position &+ MessageSet.headByteCount &+ Int(message.uint16(at: position &+ 10))
      position &+= 2
      while position < end {
        sip.absorb(message.word(at: position, byteCount: end &- position))
        position &+= 8
      }
      position = end
    }
    return sip.finish()
  }
}

// MARK: - Denials

extension AnswerSigner {
  /// Makes the NSEC record that says of one name which types it has and that nothing is between it
  /// and its immediate successor (RFC 9824 §3), into ``records``.
  ///
  /// - Parameters:
  ///   - name: the record's owner.
  ///   - ttlSeconds: of the negative answer (RFC 9077 §3).
  ///   - nextType: the name's types by number, without NSEC and RRSIG.
  public mutating func deny(
    _ name: MessageName, in message: RawSpan, ttlSeconds: UInt32,
    nextType: (_ after: RecordType?) -> RecordType?
  ) {
    records.removeAll(keepingCapacity: true)
    recordCount = 1
    for _ in 0..<MessageSet.headByteCount { records.append(0) }
    appendSuccessor(of: name, in: message)
    var blockStart = 0
    var block: UInt16?
    var last: RecordType?
    while let type = Self.next(after: last, nextType) {
      last = type
      if block != type.rawValue >> 8 {
        block = type.rawValue >> 8
        blockStart = records.count
        records.append(UInt8(truncatingIfNeeded: type.rawValue >> 8))
        records.append(0)
      }
      let byte = Int(type.rawValue & 0xFF) / 8
      while records.count < blockStart + 2 + byte + 1 { records.append(0) }
      records[blockStart + 2 + byte] |= 0x80 >> UInt8(type.rawValue & 7)
      records[blockStart + 1] = UInt8(records.count - blockStart - 2)
    }
    let dataByteCount = records.count - MessageSet.headByteCount
    byteCount = records.count
    var span = records.mutableSpan
    var bytes = unsafe span.mutableBytes
    bytes.storeHead(
      .nsec, ttlSeconds: ttlSeconds, dataByteCount: dataByteCount, at: 0)
  }

  /// The name's types, and the two that the denial itself brings.
  private static func next(
    after last: RecordType?, _ nextType: (RecordType?) -> RecordType?
  ) -> RecordType? {
    var next = nextType(last)
    for own in [RecordType.rrsig, .nsec] where last.map({ own > $0 }) ?? true {
      next = next.map { min($0, own) } ?? own
    }
    return next
  }

  /// The first name behind this one in canonical order (RFC 4034 §6.1): a label of one zero byte
  /// in front. Of names too long for that, one that is at least behind all that can exist. In lower
  /// case, so that however the name was written, it is denied by one record.
  private mutating func appendSuccessor(of name: MessageName, in message: RawSpan) {
    let first = Int(message.byte(at: name.offset))
    var rest = 0..<name.byteCount
    if name.byteCount + 2 <= Query.maximumNameByteCount {
      records.append(1)
      records.append(0)
    } else if name.byteCount + 1 <= Query.maximumNameByteCount && first < 63 {
      // A zero byte at the end of the first label.
      records.append(UInt8(first + 1))
      for index in 1...first { records.append(loweredByte(message.byte(at: name.offset + index))) }
      records.append(0)
      rest = (1 + first)..<name.byteCount
    } else {
      // The last byte of the first label, one higher.
      records.append(UInt8(first))
      for index in 1..<first { records.append(loweredByte(message.byte(at: name.offset + index))) }
      let last = loweredByte(message.byte(at: name.offset + first))
      records.append(last == .max ? last : last + 1)
      rest = (1 + first)..<name.byteCount
    }
    for index in rest { records.append(loweredByte(message.byte(at: name.offset + index))) }
  }
}

/// RRSIG's data before the signer's name (RFC 4034 §3.1).
private struct SignatureHead: BitwiseCopyable {
  static let byteCount = 18

  var type: RecordType
  var algorithm: UInt8
  var labelCount: UInt8
  var ttlSeconds: UInt32
  /// Seconds since 1970; told modulo 2³².
  var expiration: UInt64
  var inception: UInt64
  var tag: UInt16

  func store(in buffer: inout MutableRawSpan, at offset: Int) {
    buffer.store(type.rawValue, at: offset)
    buffer.store(UInt16(algorithm) << 8 | UInt16(labelCount), at: offset + 2)
    buffer.store(ttlSeconds, at: offset + 4)
    buffer.store(UInt32(truncatingIfNeeded: expiration), at: offset + 8)
    buffer.store(UInt32(truncatingIfNeeded: inception), at: offset + 12)
    buffer.store(tag, at: offset + 16)
  }

  var bytes: [UInt8] {
    var bytes = [UInt8](repeating: 0, count: Self.byteCount)
    var span = bytes.mutableSpan
    var buffer = unsafe span.mutableBytes
    store(in: &buffer, at: 0)
    return bytes
  }
}

extension MutableRawSpan {
  /// A record's part before its data, its owner the question's name.
  fileprivate mutating func storeHead(
    _ type: RecordType, ttlSeconds: UInt32, dataByteCount: Int, at offset: Int
  ) {
    store(UInt16(0xC000 | Query.nameOffset), at: offset)
    store(type.rawValue, at: offset + 2)
    store(RecordClass.internet.rawValue, at: offset + 4)
    store(ttlSeconds, at: offset + 6)
    store(UInt16(truncatingIfNeeded: dataByteCount), at: offset + 10)
  }
}
