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
    return try ZoneTableBuilder(seed: compiledZones.hashSeed).join(blocks)
  }
}

/// Our own zones and those that come from primaries.
struct ServedZones: Sendable {
  let own: CompiledZones
  /// What is laid over each zone that comes from a primary.
  let secondaries: [DomainName: [ZoneSource.Steered]]
  let hashSeed: UInt64

  /// All of them; those that come from primaries have no data in it.
  var table: ZoneTable { own.table }

  init(_ settings: Settings, previous: CompiledZones?, hashSeed: UInt64) throws(Faults) {
    secondaries = try compiledSecondaries(settings)
    own = try CompiledZones(
      settings, absent: Array(secondaries.keys), previous: previous, hashSeed: hashSeed)
    self.hashSeed = hashSeed
  }
}

/// What is laid over each zone that comes from a primary.
private func compiledSecondaries(
  _ settings: Settings
) throws(Faults) -> [DomainName: [ZoneSource.Steered]] {
  var secondaries: [DomainName: [ZoneSource.Steered]] = [:]
  var faults: [Fault] = []
  for zone in settings.zones where zone.primary != nil {
    do throws(RecordDataFault) {
      let name = try DomainName(zone.name)
      var steered: [ZoneSource.Steered] = []
      for each in zone.steered.flatMap(settings.steering) {
        steered.append(
          ZoneSource.Steered(
            owner: try DomainName(each.owner, origin: name), service: each.service,
            types: each.types))
      }
      secondaries[name] = steered
    } catch {
      faults.append(Fault(origin: zone.origin, message: error.message))
    }
  }
  guard faults.isEmpty else { throw Faults(faults) }
  return secondaries
}
