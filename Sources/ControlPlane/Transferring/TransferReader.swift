package import DNSWire

/// Reads the records of a transfer (RFC 5936 §2.2, RFC 1995 §4) one after the other.
///
///     AXFR:  SOA, everything else, SOA
///     IXFR:  SOA new, { SOA old, deleted, SOA newer, added } …, SOA new
///     or as AXFR, or one SOA: there is nothing newer
package struct TransferReader: Sendable {
  /// What there may be at most of one zone.
  package struct Limits: Sendable, Equatable {
    package var records: Int
    /// Of names, types, TTLs and data.
    package var bytes: Int

    package init(records: Int, bytes: Int) {
      self.records = records
      self.bytes = bytes
    }
  }

  package enum Result: Sendable, Equatable {
    /// To an IXFR: no newer version.
    case upToDate
    case whole(ZoneContents)
    case differences([ZoneDifference])
  }

  private enum State {
    case start
    /// The new version's SOA was read.
    case opened
    case whole(ZoneContents)
    case deleting
    case adding
    case ended(Result)
  }

  private let zone: DomainName
  /// The serial that was asked from; nil: a whole zone was asked for.
  private let serial: Serial?
  private let limits: Limits
  private var state = State.start
  private var newest: Authority?
  private var differences: [ZoneDifference] = []
  private var recordCount = 0
  private var byteCount = 0

  package init(zone: DomainName, since serial: Serial?, limits: Limits) {
    self.zone = zone
    self.serial = serial
    self.limits = limits
  }

  /// Once the last record was read.
  package var result: Result? { if case .ended(let result) = state { result } else { nil } }

  /// Takes the answer section of the next message.
  package mutating func take(_ records: [WireMessage.Record]) throws(TransferFault) {
    guard !records.isEmpty else { throw .emptyMessage }
    let isFirst = if case .start = state { true } else { false }
    for record in records {
      guard result == nil else { throw .trailingRecords }
      try take(record)
    }
    // RFC 1995 §2: one SOA and no more, which is not newer than what we have.
    if isFirst, records.count == 1, let serial, let newest, !newest.serial.isNewer(than: serial) {
      state = .ended(.upToDate)
    }
  }

  private mutating func take(_ record: WireMessage.Record) throws(TransferFault) {
    guard record.recordClass == .internet, !record.type.isMeta else {
      throw .record("\(record.owner) \(record.type) has no place in a zone")
    }
    guard record.owner.isWithin(zone) else {
      throw .record("\(record.owner) is outside the zone")
    }
    recordCount += 1
    byteCount += record.owner.wire.count + record.data.count + 9
    guard recordCount <= limits.records, byteCount <= limits.bytes else { throw .tooLarge }
    // RFC 2181 §8: a TTL with the highest bit set is zero.
    let ttl = record.ttlSeconds > UInt32(Int32.max) ? 0 : record.ttlSeconds
    if record.type == .soa {
      guard record.owner == zone,
        let authority = Authority(ttlSeconds: ttl, data: record.data)
      else { throw .record("\(record.owner) has a SOA that is not the zone's") }
      try take(authority)
    } else {
      try take(
        ZoneRecord(
          owner: record.owner, ttlSeconds: ttl, type: record.type, data: record.data))
    }
  }

  private mutating func take(_ authority: Authority) throws(TransferFault) {
    switch state {
    case .start:
      newest = authority
      state = .opened
    case .opened:
      guard let newest else { throw .noSOA }
      if authority.serial == newest.serial {
        // A zone of nothing but its SOA.
        state = .ended(.whole(ZoneContents(name: zone, authority: newest)))
      } else {
        guard authority.serial == serial else { throw .serials }
        begin(from: authority)
      }
    case .whole(let contents):
      guard authority == newest else { throw .serials }
      state = .ended(.whole(contents))
    case .deleting:
      guard authority.serial.isNewer(than: differences[differences.count - 1].old.serial) else {
        throw .serials
      }
      differences[differences.count - 1].new = authority
      state = .adding
    case .adding:
      guard authority.serial == differences[differences.count - 1].new.serial else {
        throw .serials
      }
      if authority.serial == newest?.serial {
        state = .ended(.differences(differences))
      } else {
        begin(from: authority)
      }
    case .ended: throw .trailingRecords
    }
  }

  private mutating func begin(from old: Authority) {
    differences.append(ZoneDifference(old: old, new: old))
    state = .deleting
  }

  private mutating func take(_ record: ZoneRecord) throws(TransferFault) {
    switch state {
    case .start: throw .noSOA
    case .opened:
      guard let newest else { throw .noSOA }
      var contents = ZoneContents(name: zone, authority: newest)
      contents.append(record)
      state = .whole(contents)
    case .whole(var contents):
      // So that the contents are not copied with every record.
      state = .start
      contents.append(record)
      state = .whole(contents)
    case .deleting: differences[differences.count - 1].deletions.append(record)
    case .adding: differences[differences.count - 1].additions.append(record)
    case .ended: throw .trailingRecords
    }
  }
}

/// Why a transfer came to nothing. What is in force stays.
package enum TransferFault: Error, Sendable, Equatable, CustomStringConvertible {
  case wire(WireFault)
  case signature(SignatureFault)
  /// Not the answer to what was asked: another id, no response, another question.
  case notAnswer
  /// The peer answers with this code.
  case code(UInt8)
  case notAuthoritative
  case truncated
  case noSOA
  case emptyMessage
  case trailingRecords
  /// A record that may not stand in the zone.
  case record(String)
  case serials
  case tooLarge
  /// Differences that do not fit.
  case difference(String)
  /// The peer's version is older than ours.
  case older(theirs: Serial, ours: Serial)
  /// What the zone's compiler finds.
  case zone(String)
  case connection(String)
  case closed
  case idle
  case tooSlow

  package var description: String {
    switch self {
    case .wire(let fault): "a message is malformed: \(fault)"
    case .signature(let fault): "\(fault)"
    case .notAnswer: "a message is not the answer to what was asked"
    case .code(let code): "the primary answers \(Self.name(ofCode: code))"
    case .notAuthoritative: "the primary is not authoritative for the zone"
    case .truncated: "the answer is truncated"
    case .noSOA: "the answer does not begin with the zone's SOA"
    case .emptyMessage: "a message of the transfer has no records"
    case .trailingRecords: "records follow the end of the zone"
    case .record(let reason): reason
    case .serials: "the SOA records of the transfer do not agree"
    case .tooLarge: "the zone is larger than its limit"
    case .difference(let reason): reason
    case .older(let theirs, let ours): "the primary's serial \(theirs) is older than ours, \(ours)"
    case .zone(let reason): reason
    case .connection(let reason): reason
    case .closed: "the primary closed the connection before the end"
    case .idle: "the primary sent nothing for too long"
    case .tooSlow: "the transfer took too long"
    }
  }

  private static func name(ofCode code: UInt8) -> String {
    switch code {
    case 1: "FORMERR"
    case 2: "SERVFAIL"
    case 3: "NXDOMAIN"
    case 4: "NOTIMP"
    case 5: "REFUSED"
    case 9: "NOTAUTH"
    default: "code \(code)"
    }
  }
}
