package import DNSWire
import Settings
package import Zones

extension CompiledSettings {
  /// The zones with what has come of those that come from primaries; the others of these have no
  /// data.
  ///
  /// - Throws: what is wrong with the zones beside each other.
  package func zones(with transferred: [DomainName: ZoneBlock]) throws(ZoneFaults) -> ZoneTable {
    if transferred.isEmpty { return zones }
    let blocks = (0..<zones.zoneCount).map { index in
      let block = zones.block(ofZone: index)
      return secondaries[block.name] == nil ? block : transferred[block.name] ?? block
    }
    return try ZoneTableBuilder(seed: zoneHashSeed).join(blocks)
  }
}

/// The table with the zones that come from primaries, which have no data yet.
func addingSecondaries(
  _ secondaries: [DomainName: [ZoneSource.Steered]], to table: ZoneTable, settings: Settings,
  hashSeed: UInt64
) throws(Faults) -> ZoneTable {
  guard !secondaries.isEmpty else { return table }
  let own = (0..<table.zoneCount).map { table.block(ofZone: $0) }
  let blocks = own + secondaries.keys.map { ZoneBlock.unavailable($0) }
  do throws(ZoneFaults) {
    return try ZoneTableBuilder(seed: hashSeed).join(blocks)
  } catch {
    throw Faults(
      error.faults.map { fault in
        let name = blocks[fault.zone].name
        let zone = settings.zones.first { (try? DomainName($0.name)) == name }
        return Fault(
          origin: zone?.origin ?? Origin(file: "", line: nil, path: "zones"),
          message: fault.message)
      })
  }
}

/// What is laid over each zone that comes from a primary.
func compiledSecondaries(
  _ settings: Settings
) throws(Faults) -> [DomainName: [ZoneSource.Steered]] {
  let types = settings.services.map { SteeredTypes($0) }
  var secondaries: [DomainName: [ZoneSource.Steered]] = [:]
  var faults: [Fault] = []
  for zone in settings.zones where zone.primary != nil {
    do throws(RecordDataFault) {
      let name = try DomainName(zone.name)
      var steered: [ZoneSource.Steered] = []
      for each in zone.steered {
        steered.append(
          ZoneSource.Steered(
            owner: try DomainName(each.owner, origin: name), service: each.service,
            types: types[each.service]))
      }
      secondaries[name] = steered
    } catch {
      faults.append(Fault(origin: zone.origin, message: error.message))
    }
  }
  guard faults.isEmpty else { throw Faults(faults) }
  return secondaries
}
