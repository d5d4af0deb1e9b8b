import DNSWire
import Settings
import Zones

/// Zones as the settings have them → the table that names are found in, and what it came from.
struct CompiledZones: Sendable {
  let table: ZoneTable
  /// Of zones that were compiled anew and not taken over.
  let readCount: Int
  /// By the zones' names.
  private let sources: [DomainName: ZoneSources]

  /// - Parameters:
  ///   - absent: zones that come from elsewhere, and have not come yet.
  ///   - previous: a zone whose settings and files are as they were then is taken over.
  /// - Throws: everything that is wrong in them, each with its line.
  init(
    _ settings: Settings, absent: [DomainName], previous: CompiledZones?, hashSeed: UInt64
  ) throws(Faults) {
    var faults: [Fault] = []
    let readings = settings.zones.filter { $0.primary == nil }
      .map { ZoneReading($0, in: settings, faults: &faults) }
    guard faults.isEmpty else { throw Faults(faults) }
    var blocks: [ZoneBlock] = []
    var sources: [DomainName: ZoneSources] = [:]
    var readCount = 0
    for reading in readings {
      if let known = previous?.known(reading) {
        blocks.append(known.block)
        sources[reading.name] = known.sources
        continue
      }
      readCount += 1
      do {
        let (block, files) = try reading.block()
        blocks.append(block)
        sources[reading.name] = ZoneSources(reading, files: files)
      } catch {
        faults += error.faults
      }
    }
    guard faults.isEmpty else { throw Faults(faults) }
    blocks += absent.map { ZoneBlock.unavailable($0) }
    do throws(ZoneFaults) {
      table = try ZoneTableBuilder(seed: hashSeed).join(blocks)
    } catch {
      throw Faults(
        error.faults.map { fault in
          let origin =
            readings.indices.contains(fault.zone)
            ? readings[fault.zone].origin(of: fault.subject)
            : Origin(file: settings.zones.first?.origin.file ?? "", path: "zones")
          return Fault(origin: origin, message: fault.message)
        })
    }
    self.sources = sources
    self.readCount = readCount
  }

  private func known(_ reading: ZoneReading) -> (block: ZoneBlock, sources: ZoneSources)? {
    guard let sources = sources[reading.name], sources.isUnchanged(for: reading),
      let index = table.zone(named: reading.name)
    else { return nil }
    return (table.block(ofZone: index), sources)
  }
}

/// What a zone is made from, so that a reload in which none of it has changed keeps it.
private struct ZoneSources: Sendable {
  /// Wherever it stood.
  private let zone: Settings.Zone
  /// What is steered: their services' matter.
  private let steered: [ZoneSource.Steered]
  private let files: [FileState]

  init(_ reading: ZoneReading, files: [FileState]) {
    zone = Self.withoutOrigins(reading.zone)
    steered = reading.steered
    self.files = files
  }

  func isUnchanged(for other: ZoneReading) -> Bool {
    Self.withoutOrigins(other.zone) == zone && other.steered == steered
      && files.allSatisfy { FileState(path: $0.path) == $0 }
  }

  private static func withoutOrigins(_ zone: Settings.Zone) -> Settings.Zone {
    let nowhere = Origin(file: "", path: "")
    var zone = zone
    zone.origin = nowhere
    // Who may have it, and who signs it, is not what is in it.
    zone.transfer = Settings.ZoneTransfer.nobody
    zone.dnssec = nil
    for index in zone.records.indices { zone.records[index].origin = nowhere }
    for index in zone.steered.indices { zone.steered[index].origin = nowhere }
    return zone
  }
}

/// One zone, its texts encoded, with the places that its parts came from.
struct ZoneReading {
  let zone: Settings.Zone
  let name: DomainName
  /// nil: in the zone file.
  private var authority: ZoneSource.StartOfAuthority?
  private(set) var records: [ZoneSource.Record] = []
  private(set) var steered: [ZoneSource.Steered] = []
  private var recordOrigins: [Origin] = []
  private var steeredOrigins: [Origin] = []

  init(_ zone: Settings.Zone, in settings: Settings, faults: inout [Fault]) {
    self.zone = zone
    var encoder = Encoder(faults: [])
    name = encoder.name(zone.name, origin: zone.origin)
    if let soa = zone.soa {
      authority = ZoneSource.StartOfAuthority(
        primary: encoder.name(soa.primary, relativeTo: name, origin: zone.origin),
        mailbox: encoder.name(soa.mailbox, relativeTo: name, origin: zone.origin),
        serial: soa.serial, refreshSeconds: soa.refreshSeconds, retrySeconds: soa.retrySeconds,
        expireSeconds: soa.expireSeconds, minimumSeconds: soa.minimumSeconds,
        ttlSeconds: soa.ttlSeconds)
    }
    for server in zone.nameServers {
      let target = encoder.name(server, relativeTo: name, origin: zone.origin)
      records.append(
        ZoneSource.Record(
          owner: name, ttlSeconds: zone.nameServerTTLSeconds, type: .ns, data: target.wire))
      recordOrigins.append(zone.origin)
    }
    for record in zone.records {
      guard let encoded = encoder.record(record, in: name) else { continue }
      records.append(encoded)
      recordOrigins.append(record.origin)
    }
    for named in zone.steered {
      for each in settings.steering(at: named) {
        let owner = encoder.name(each.owner, relativeTo: name, origin: named.origin)
        steered.append(ZoneSource.Steered(owner: owner, service: each.service, types: each.types))
        steeredOrigins.append(named.origin)
      }
    }
    faults += encoder.faults
  }

  func origin(of subject: ZoneFault.Subject) -> Origin {
    switch subject {
    case .zone: wholeOrigin
    case .record(let index): recordOrigins[index]
    case .steered(let index): steeredOrigins[index]
    case .owner(let name):
      zip(records, recordOrigins).first { $0.0.owner == name }?.1
        ?? zip(steered, steeredOrigins).first { $0.0.owner == name }?.1 ?? wholeOrigin
    }
  }

  private var wholeOrigin: Origin {
    zone.file.map { Origin(file: $0.path, path: "") } ?? zone.origin
  }

  /// Compiles the zone.
  ///
  /// - Returns: the files that it came from as well.
  func block() throws(Faults) -> (block: ZoneBlock, files: [FileState]) {
    guard let authority else { return try blockFromFile() }
    let source = ZoneSource(name: name, soa: authority, records: records, steered: steered)
    do throws(ZoneBlockFaults) {
      return (try source.block(), [])
    } catch {
      throw Faults(
        error.faults.map {
          Fault(origin: origin(of: ZoneSource.subject($0.mark)), message: $0.message)
        })
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
