package import DNSWire
package import Zones

/// The SOA of a zone that comes from elsewhere (RFC 1035 §3.3.13).
package struct Authority: Sendable, Equatable {
  package var ttlSeconds: UInt32
  /// RDATA, names written out.
  package let data: [UInt8]
  package let primary: DomainName
  package let mailbox: DomainName

  /// nil unless `data` is that of a SOA.
  package init?(ttlSeconds: UInt32, data: [UInt8]) {
    var reader = WireReader(data)
    guard let primary = try? reader.name(), let mailbox = try? reader.name(),
      reader.offset + 20 == data.count,
      primary.wire.count + mailbox.wire.count == reader.offset
    else { return nil }
    self.ttlSeconds = ttlSeconds
    self.data = data
    self.primary = primary
    self.mailbox = mailbox
  }

  package var serial: Serial { Serial(data.uint32(at: data.count - 20)) }
  package var refreshSeconds: UInt32 { data.uint32(at: data.count - 16) }
  package var retrySeconds: UInt32 { data.uint32(at: data.count - 12) }
  package var expireSeconds: UInt32 { data.uint32(at: data.count - 8) }
  package var minimumSeconds: UInt32 { data.uint32(at: data.count - 4) }

  package var source: ZoneSource.StartOfAuthority {
    ZoneSource.StartOfAuthority(
      primary: primary, mailbox: mailbox, serial: serial.rawValue,
      refreshSeconds: refreshSeconds, retrySeconds: retrySeconds, expireSeconds: expireSeconds,
      minimumSeconds: minimumSeconds, ttlSeconds: ttlSeconds)
  }
}

/// The records of a zone that was transferred, as they came: closely packed, since there may be
/// millions.
///
///     owner bytes (8) | owner | type (16) | TTL (32) | data bytes (16) | data
package struct ZoneContents: Sendable, Equatable {
  package let name: DomainName
  package private(set) var authority: Authority
  /// Without the SOA.
  package private(set) var recordCount = 0
  private var bytes: [UInt8] = []

  package init(name: DomainName, authority: Authority) {
    self.name = name
    self.authority = authority
  }

  package var byteCount: Int { bytes.count }

  package mutating func append(_ record: ZoneRecord) {
    bytes += Self.packed(record)
    recordCount += 1
  }

  /// The records one after the other, without the SOA.
  package var records: Records { Records(bytes: bytes) }

  package struct Records: Sequence, IteratorProtocol {
    fileprivate let bytes: [UInt8]
    fileprivate var offset = 0

    fileprivate init(bytes: [UInt8]) { self.bytes = bytes }

    package mutating func next() -> ZoneRecord? {
      guard let packed = nextPacked() else { return nil }
      return ZoneContents.record(packed)
    }

    /// The bytes of the next record.
    fileprivate mutating func nextPacked() -> ArraySlice<UInt8>? {
      guard offset < bytes.count else { return nil }
      let start = offset
      let dataStart = start + 1 + Int(bytes[start]) + 8
      offset = dataStart + Int(bytes.uint16(at: dataStart - 2))
      return bytes[start..<offset]
    }
  }

  private static func packed(_ record: ZoneRecord) -> [UInt8] {
    var bytes = [UInt8(record.owner.wire.count)] + record.owner.wire
    bytes.append(record.type.rawValue)
    bytes.append(record.ttlSeconds)
    bytes.append(UInt16(truncatingIfNeeded: record.data.count))
    return bytes + record.data
  }

  private static func record(_ packed: ArraySlice<UInt8>) -> ZoneRecord? {
    let bytes = Array(packed)
    let ownerEnd = 1 + Int(bytes[0])
    guard let owner = DomainName(wire: Array(bytes[1..<ownerEnd])) else { return nil }
    return ZoneRecord(
      owner: owner, ttlSeconds: bytes.uint32(at: ownerEnd + 2),
      type: RecordType(rawValue: bytes.uint16(at: ownerEnd)), data: Array(bytes[(ownerEnd + 8)...]))
  }
}

extension ZoneContents {
  /// Name, SOA and records, as they go into a file.
  package var stored: [UInt8] {
    var stored = [UInt8(name.wire.count)] + name.wire
    stored.append(authority.ttlSeconds)
    stored.append(UInt16(authority.data.count))
    return stored + authority.data + bytes
  }

  /// nil unless everything is as ``stored`` writes it.
  package init?(stored: ArraySlice<UInt8>) {
    var reader = WireReader(Array(stored))
    do throws(WireFault) {
      let nameBytes = Array(try reader.bytes(Int(try reader.uint8())))
      let ttlSeconds = try reader.uint32()
      let data = Array(try reader.bytes(Int(try reader.uint16())))
      guard let name = DomainName(wire: nameBytes),
        let authority = Authority(ttlSeconds: ttlSeconds, data: data)
      else { return nil }
      self.init(name: name, authority: authority)
      let start = reader.offset
      while reader.offset < reader.bytes.count {
        let owner = Array(try reader.bytes(Int(try reader.uint8())))
        guard DomainName(wire: owner) != nil else { return nil }
        _ = try reader.bytes(6)
        _ = try reader.bytes(Int(try reader.uint16()))
        recordCount += 1
      }
      bytes = Array(reader.bytes[start...])
    } catch {
      return nil
    }
  }
}

/// What turns one version of a zone into the next (RFC 1995 §4).
package struct ZoneDifference: Sendable, Equatable {
  package var old: Authority
  package var new: Authority
  /// Without the SOA.
  package var deletions: [ZoneRecord]
  package var additions: [ZoneRecord]

  package init(
    old: Authority, new: Authority, deletions: [ZoneRecord] = [],
    additions: [ZoneRecord] = []
  ) {
    self.old = old
    self.new = new
    self.deletions = deletions
    self.additions = additions
  }

  package var recordCount: Int { deletions.count + additions.count }
}

/// Why differences do not fit the zone that they are for.
package struct DifferenceFault: Error, Sendable, Equatable {
  package var message: String
}

extension ZoneContents {
  /// The zone after one more difference.
  ///
  /// - Throws: if it begins at another serial, or deletes what is not there (RFC 1995 §4).
  package func applying(_ difference: ZoneDifference) throws(DifferenceFault) -> ZoneContents {
    guard difference.old.serial == authority.serial else {
      throw DifferenceFault(
        message: "the difference begins at serial \(difference.old.serial), "
          + "ours is \(authority.serial)")
    }
    var doomed = Set(difference.deletions.map(RecordIdentity.init))
    var next = ZoneContents(name: name, authority: difference.new)
    next.bytes.reserveCapacity(bytes.count)
    var rest = records
    while let packed = rest.nextPacked() {
      if !doomed.isEmpty, let record = Self.record(packed),
        doomed.remove(RecordIdentity(record)) != nil
      {
        continue
      }
      next.bytes += packed
      next.recordCount += 1
    }
    if let missing = doomed.first {
      throw DifferenceFault(
        message: "the difference deletes \(missing.owner) \(missing.type), which is not there")
    }
    for record in difference.additions { next.append(record) }
    return next
  }
}

/// Two records are one and the same whatever their TTLs (RFC 2181 §5).
private struct RecordIdentity: Hashable {
  var owner: DomainName
  var type: RecordType
  var data: [UInt8]

  init(_ record: ZoneRecord) {
    owner = record.owner
    type = record.type
    data = record.data
  }
}
