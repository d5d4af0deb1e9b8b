import DNSWire
import Testing
import Transferring

/// A domain name of a test; the root where the text is none.
func name(_ text: String) -> DomainName { (try? DomainName(text)) ?? .root }

let zone = name("example.org.")
let key = TransferKey(
  name: name("transfer.example."), algorithm: .sha256, secret: Array(repeating: 7, count: 32))

/// The zone's SOA with a serial.
func authority(_ serial: UInt32, refresh: UInt32 = 3600) throws -> Authority {
  let timers: [UInt32] = [serial, refresh, 600, 86_400, 60]
  let data =
    name("ns1.example.org.").wire + name("hostmaster.example.org.").wire
    + timers.flatMap { number in (0..<4).map { UInt8(number >> UInt32(24 - $0 * 8) & 255) } }
  return try #require(Authority(ttlSeconds: 3600, data: data))
}

/// An address record; its last octet tells it from others.
func address(_ owner: String, _ octet: UInt8 = 1, ttl: UInt32 = 300) -> ZoneRecord {
  ZoneRecord(owner: name(owner), ttlSeconds: ttl, type: .a, data: [192, 0, 2, octet])
}

func contents(_ serial: UInt32, _ records: [ZoneRecord]) throws -> ZoneContents {
  var contents = ZoneContents(name: zone, authority: try authority(serial))
  for record in records { contents.append(record) }
  return contents
}

/// What a primary says: one message of a transfer.
struct Reply {
  var id: UInt16
  var type: RecordType
  var flags: UInt16 = 0x8400
  var records: [ZoneRecord]

  var bytes: [UInt8] {
    var builder = MessageBuilder(
      id: id, flags: flags, question: WireMessage.Question(name: zone, type: type))
    for record in records {
      builder.append(
        record.owner, record.type, ttlSeconds: record.ttlSeconds, data: record.data)
    }
    return builder.bytes
  }
}

extension Authority {
  /// As it stands in a message.
  var record: ZoneRecord {
    ZoneRecord(owner: zone, ttlSeconds: ttlSeconds, type: .soa, data: data)
  }
}

let limits = TransferReader.Limits(records: 1000, bytes: 1 << 20)
