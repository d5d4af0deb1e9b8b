import Counters
import DNSWire
import Editions
import Signing
import Zones

// What DNSSEC adds to answers for those who want it: signatures of sets, and signed denials.

extension Responder {
  @inline(never)
  mutating func prepareToSign(nowMicroseconds: UInt64) {
    nowSeconds = nowMicroseconds / 1_000_000
    isCompactNameError = false
  }

  /// Appends the signatures of a set, if its zone is signed. Without them the answer would be taken
  /// for a forged one, so that a failure to sign is SERVFAIL.
  @inline(never)
  mutating func sign(
    _ set: MessageSet, in section: AnswerWriter.Section, zone: Int, _ edition: Edition,
    _ reply: inout Reply, _ buffer: inout MutableRawSpan
  ) {
    guard let zoneSigner = edition.signers[zone] else { return }
    let (made, kept) = (signer?.madeCount ?? 0, signer?.foundCount ?? 0)
    // In place: a copy of the signer, however short its life, would copy all that it keeps.
    let isSigned = signer?.sign(
      set, in: buffer.bytes, by: zoneSigner, nowSeconds: nowSeconds)
    shard.add((signer?.madeCount ?? 0) - made, to: counters.madeSignatures)
    shard.add((signer?.foundCount ?? 0) - kept, to: counters.keptSignatures)
    guard isSigned ?? false else {
      reply.writer.removeRecords()
      reply.outcome.code = .serverFailure
      reply.outcome.isAuthoritative = false
      return
    }
    appendSigned(owner: set.owner, to: section, &reply, &buffer)
  }

  /// Appends what the signer has made.
  ///
  /// - Returns: where it is; nil if it does not fit.
  @discardableResult
  private func appendSigned(
    owner: Name, to section: AnswerWriter.Section, _ reply: inout Reply,
    _ buffer: inout MutableRawSpan
  ) -> Int? {
    guard let signer else { return nil }
    return unsafe reply.writer.append(
      signer.records.span.bytes, from: 0, byteCount: signer.byteCount,
      recordCount: signer.recordCount, ownerOffset: owner.offset, to: section, into: &buffer)
  }

  /// Signs the SOA of a negative answer, and appends the record that proves it: that of a name that
  /// exists and has not this type. So it is with names that do not exist, too: they have a type
  /// that says so, and the code says it to those only who ask for that (RFC 9824 §3.1, §5.1).
  @inline(never)
  mutating func deny(
    _ query: Query, _ name: Name, startOfAuthority: MessageSet, zone: Int, _ edition: Edition,
    _ reply: inout Reply, _ buffer: inout MutableRawSpan
  ) {
    guard edition.signers[zone] != nil else { return }
    sign(startOfAuthority, in: .authority, zone: zone, edition, &reply, &buffer)
    if reply.outcome.code == .nameError && !query.extras.contains(.nameErrors) {
      reply.outcome.code = .noError
      isCompactNameError = true
    }
    let isApex = name.byteCount == startOfAuthority.owner.byteCount
    appendDenial(
      of: name, without: query.type, hasKeys: isApex, to: .authority, zone: zone, edition, &reply,
      &buffer)
  }

  /// Answers who asks for the NSEC record itself: as RFC 4035 §3.1.1 has it of all records that
  /// there are.
  ///
  /// - Returns: false if the zone is not signed.
  @inline(never)
  mutating func answerDenial(
    _ name: Name, isApex: Bool, zone: Int, _ edition: Edition, _ reply: inout Reply,
    _ buffer: inout MutableRawSpan
  ) -> Bool {
    guard edition.signers[zone] != nil else { return false }
    appendDenial(
      of: name, without: nil, hasKeys: isApex, to: .answer, zone: zone, edition, &reply, &buffer)
    return true
  }

  /// Appends the NSEC record of a name, and its signatures.
  private mutating func appendDenial(
    of name: Name, without asked: RecordType?, hasKeys: Bool,
    to section: AnswerWriter.Section, zone: Int, _ edition: Edition, _ reply: inout Reply,
    _ buffer: inout MutableRawSpan
  ) {
    let zones = edition.zones
    let types = zones.types(
      buffer.bytes, at: name.offset, nameByteCount: name.byteCount, zone: zone)
    signer?.deny(
      name, in: buffer.bytes, ttlSeconds: zones.negativeTTLSeconds(ofZone: zone)
    ) { last in
      guard types.exists else { return RecordType.nameError.later(than: last) }
      var next = zones.type(of: types, after: last)
      if let asked, next == asked { next = zones.type(of: types, after: asked) }
      guard hasKeys, let keys = RecordType.dnskey.later(than: last) else { return next }
      return next.map { min($0, keys) } ?? keys
    }
    guard let offset = appendSigned(owner: name, to: section, &reply, &buffer) else { return }
    let set = MessageSet(owner: name, offset: offset, recordCount: 1)
    sign(set, in: section, zone: zone, edition, &reply, &buffer)
  }

  /// The keys of a delegated zone, or the proof that it has none (RFC 4035 §3.1.4).
  @inline(never)
  mutating func signReferral(
    to cut: Name, zone: Int, _ edition: Edition, _ reply: inout Reply,
    _ buffer: inout MutableRawSpan
  ) {
    guard edition.signers[zone] != nil else { return }
    let signers = edition.zones.find(
      buffer.bytes, at: cut.offset, nameByteCount: cut.byteCount, type: .ds)
    guard signers.kind == .records else {
      return appendDenial(
        of: cut, without: nil, hasKeys: false, to: .authority, zone: zone, edition, &reply,
        &buffer)
    }
    let offset = edition.zones.append(
      signers.records, ownerOffset: cut.offset, to: .authority, writer: &reply.writer,
      into: &buffer)
    guard let offset else { return }
    let set = MessageSet(owner: cut, offset: offset, recordCount: signers.records.recordCount)
    sign(set, in: .authority, zone: zone, edition, &reply, &buffer)
  }

  /// DNSKEY at the name of a signed zone: the signer's own, whatever the zone has.
  ///
  /// - Returns: false if these are not the question.
  @inline(never)
  mutating func appendKeys(
    _ finding: ZoneTable.Finding, _ name: Name, _ edition: Edition, _ reply: inout Reply,
    _ buffer: inout MutableRawSpan
  ) -> Bool {
    guard finding.kind == .records || finding.kind == .noData,
      let zoneSigner = edition.signers[finding.zone],
      name.byteCount
        == edition.zones.startOfAuthority(ofZone: finding.zone).ownerByteCount
    else { return false }
    let offset = unsafe reply.writer.append(
      zoneSigner.keyRecords.span.bytes, from: 0, byteCount: zoneSigner.keyRecords.count,
      recordCount: zoneSigner.keyRecordCount, ownerOffset: name.offset, to: .answer,
      into: &buffer)
    if signs, let offset {
      let set = MessageSet(owner: name, offset: offset, recordCount: zoneSigner.keyRecordCount)
      sign(set, in: .answer, zone: finding.zone, edition, &reply, &buffer)
    }
    return true
  }
}

extension RecordType {
  /// NXNAME (RFC 9824 §2.1): the name does not exist. Stands in NSEC records only.
  fileprivate static var nameError: RecordType { RecordType(rawValue: 128) }

  /// Itself, unless it has been passed.
  fileprivate func later(than last: RecordType?) -> RecordType? {
    if let last, self <= last { nil } else { self }
  }
}
