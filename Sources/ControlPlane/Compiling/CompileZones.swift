import DNSWire
import Settings
import Zones

/// Zones as the settings have them → the table that names are found in.
///
/// - Throws: everything that is wrong in them, each with its line.
func compiledZones(_ settings: Settings, hashSeed: UInt64) throws(Faults) -> ZoneTable {
  var faults: [Fault] = []
  let types = settings.services.map { SteeredTypes($0) }
  let readings = settings.zones.map { ZoneReading($0, types: types, faults: &faults) }
  guard faults.isEmpty else { throw Faults(faults) }
  do throws(ZoneFaults) {
    return try ZoneTableBuilder(seed: hashSeed).build(readings.map(\.source))
  } catch {
    throw Faults(
      error.faults.map { fault in
        Fault(origin: readings[fault.zone].origin(of: fault.subject), message: fault.message)
      })
  }
}

/// One zone, its texts encoded, with the places that its parts came from.
private struct ZoneReading {
  private let zone: Settings.Zone
  private(set) var source: ZoneSource
  private var recordOrigins: [Origin] = []
  private var steeredOrigins: [Origin] = []

  /// - Parameter types: what is steered, by service.
  init(_ zone: Settings.Zone, types: [SteeredTypes], faults: inout [Fault]) {
    self.zone = zone
    var encoder = Encoder(faults: [])
    let name = encoder.name(zone.name, origin: zone.origin)
    let soa = zone.soa
    source = ZoneSource(
      name: name,
      soa: ZoneSource.StartOfAuthority(
        primary: encoder.name(soa.primary, relativeTo: name, origin: zone.origin),
        mailbox: encoder.name(soa.mailbox, relativeTo: name, origin: zone.origin),
        serial: soa.serial, refreshSeconds: soa.refreshSeconds, retrySeconds: soa.retrySeconds,
        expireSeconds: soa.expireSeconds, minimumSeconds: soa.minimumSeconds,
        ttlSeconds: soa.ttlSeconds))
    for server in zone.nameServers {
      let target = encoder.name(server, relativeTo: name, origin: zone.origin)
      source.records.append(
        ZoneSource.Record(
          owner: name, ttlSeconds: zone.nameServerTTLSeconds, type: .ns, data: target.wire))
      recordOrigins.append(zone.origin)
    }
    for record in zone.records {
      guard let encoded = encoder.record(record, in: name) else { continue }
      source.records.append(encoded)
      recordOrigins.append(record.origin)
    }
    for steered in zone.steered {
      let owner = encoder.name(steered.owner, relativeTo: name, origin: steered.origin)
      source.steered.append(
        ZoneSource.Steered(
          owner: owner, service: steered.service, types: types[steered.service]))
      steeredOrigins.append(steered.origin)
    }
    faults += encoder.faults
  }

  func origin(of subject: ZoneFault.Subject) -> Origin {
    switch subject {
    case .zone: zone.origin
    case .record(let index): recordOrigins[index]
    case .steered(let index): steeredOrigins[index]
    case .owner(let name):
      zip(source.records, recordOrigins).first { $0.0.owner == name }?.1
        ?? zip(source.steered, steeredOrigins).first { $0.0.owner == name }?.1 ?? zone.origin
    }
  }
}

/// Encodes texts and collects what is wrong with them.
private struct Encoder {
  var faults: [Fault]

  /// The root where the text is no name; the fault is noted.
  mutating func name(
    _ text: String, relativeTo zone: DomainName? = nil, origin: Origin
  ) -> DomainName {
    do throws(RecordDataFault) {
      return try DomainName(text, origin: zone)
    } catch {
      faults.append(Fault(origin: origin, message: error.message))
      return .root
    }
  }

  mutating func record(_ record: Settings.Zone.Record, in zone: DomainName) -> ZoneSource.Record? {
    guard let type = RecordType(record.type) else {
      faults.append(
        Fault(
          origin: record.origin, message: "\"\(record.type)\" is no record type",
          suggestion: "write a mnemonic such as MX, or TYPEnnn (RFC 3597 §5)"))
      return nil
    }
    do throws(RecordDataFault) {
      let owner = try DomainName(record.owner, origin: zone)
      let data = try RecordData.encode(type, text: record.data, origin: zone)
      return ZoneSource.Record(
        owner: owner, ttlSeconds: record.ttlSeconds, type: type, data: data)
    } catch {
      faults.append(Fault(origin: record.origin, message: error.message))
      return nil
    }
  }
}
