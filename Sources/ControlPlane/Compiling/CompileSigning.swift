package import DNSWire
package import KeyFiles
package import Settings
import Signing
package import Zones

/// The keys of the zones that are signed, as their files were when they were read, and what each
/// of them does at present.
package struct CompiledKeys: Sendable {
  package struct Zone: Sendable {
    package let name: DomainName
    package let settings: Settings.Signing
    package let origin: Origin
    package let set: ZoneKeySet
    package fileprivate(set) var roles: ZoneKeySet.Roles
  }

  /// In the order of the configuration.
  package private(set) var zones: [Zone] = []
  /// When the roles were settled, in seconds since 1970.
  package private(set) var settledAt: Int

  /// Reads the files of all keys.
  ///
  /// - Parameter now: seconds since 1970.
  /// - Throws: everything that is wrong with them.
  package init(_ settings: Settings, now: Int) throws(Faults) {
    settledAt = now
    var faults: [Fault] = []
    for zone in settings.zones {
      // What is no name is a fault of the zone's already.
      guard let signing = zone.dnssec, let name = try? DomainName(zone.name) else { continue }
      do throws(Faults) {
        zones.append(try Zone(name, signing, origin: zone.origin, now: now))
      } catch {
        faults += error.faults
      }
    }
    guard faults.isEmpty else { throw Faults(faults) }
  }

  /// When next a key changes its part; nil: never.
  package var nextChange: Int? { zones.compactMap { $0.set.nextChange(after: settledAt) }.min() }

  /// Settles who does what at another time, from the files as they were read.
  ///
  /// - Returns: zones that nothing would sign any more; they keep the keys that they had.
  mutating func settle(at now: Int) -> [KeyRefusal] {
    settledAt = now
    var refusals: [KeyRefusal] = []
    for index in zones.indices {
      do throws(ZoneKeySet.Refusal) {
        zones[index].roles = try zones[index].set.roles(at: now)
      } catch {
        refusals.append(KeyRefusal(zone: zones[index].name, message: error.message))
      }
    }
    return refusals
  }

  var signers: [DomainName: ZoneSigner] {
    Dictionary(zones.map { ($0.name, ZoneSigner($0)) }, uniquingKeysWith: { first, _ in first })
  }

  /// What zones hold that stands only in zones that are signed already.
  func faults(in table: ZoneTable) -> [Fault] {
    zones.compactMap { zone in
      table.zone(named: zone.name).flatMap { signingFault(of: table.block(ofZone: $0)) }
        .map { Fault(origin: zone.origin, message: $0) }
    }
  }

  /// Why a zone cannot be signed; nil: it can, or it is not to be.
  package func signingFault(of block: ZoneBlock) -> String? {
    guard zones.contains(where: { $0.name == block.name }) else { return nil }
    let made = Set(Settings.Signing.made.compactMap { RecordType($0) })
    var walk = block.walk()
    while let type = walk.next({ _, place in place.type }) {
      if made.contains(type) {
        return "has a record of type \(type), which the server makes of a zone that it signs"
      }
    }
    return nil
  }
}

extension CompiledKeys.Zone {
  fileprivate init(
    _ name: DomainName, _ signing: Settings.Signing, origin: Origin, now: Int
  ) throws(Faults) {
    let reader = KeyFileReader(zone: name)
    var faults: [Fault] = []
    var pairs: [ZoneKey] = []
    for file in signing.keys {
      do throws(KeyFileFault) {
        let key = try reader.pair(file.path)
        if pairs.contains(where: { $0.record == key.record }) {
          faults.append(Fault(origin: file.origin, message: "names the same key once more"))
        }
        pairs.append(key)
      } catch {
        faults.append(Fault(error, of: file))
      }
    }
    var published: [KeyRecord] = []
    for file in signing.published {
      do throws(KeyFileFault) {
        published.append(try reader.published(file.path))
      } catch {
        faults.append(Fault(error, of: file))
      }
    }
    self.name = name
    settings = signing
    self.origin = Origin(file: origin.file, line: origin.line, path: "\(origin.path).dnssec")
    set = ZoneKeySet(pairs: pairs, published: published)
    guard faults.isEmpty else { throw Faults(faults) }
    do throws(ZoneKeySet.Refusal) {
      roles = try set.roles(at: now)
    } catch {
      throw Faults([Fault(origin: self.origin, message: error.message)])
    }
  }
}

/// Why a zone's keys stay as they were, though their times say otherwise.
package struct KeyRefusal: Sendable, Equatable {
  package let zone: DomainName
  package let message: String
}

extension CompiledSettings {
  /// The same with keys as they are at a later time.
  ///
  /// - Parameter now: seconds since 1970.
  /// - Returns: nil: no key changes its part until then.
  package func advancingKeys(to now: Int) -> (settings: CompiledSettings, refusals: [KeyRefusal])? {
    guard let next = keys.nextChange, next <= now else { return nil }
    var advanced = self
    let refusals = advanced.keys.settle(at: now)
    advanced.rules = compiledAnswerRules(
      settings, ownSecret: cookieSecret, signers: advanced.keys.signers)
    return (advanced, refusals)
  }
}

extension Fault {
  /// A line of the key's file, or else the place that names the file.
  fileprivate init(_ fault: KeyFileFault, of file: Settings.Signing.KeyFile) {
    if let line = fault.line {
      self.init(
        origin: Origin(file: fault.file, line: line), message: fault.message,
        suggestion: fault.suggestion)
    } else {
      self.init(
        origin: file.origin, message: "\(fault.file) \(fault.message)",
        suggestion: fault.suggestion)
    }
  }
}

extension ZoneSigner {
  fileprivate init(_ zone: CompiledKeys.Zone) {
    self.init(
      zone: zone.name, keys: zone.roles.records.map(\.data),
      keyTTLSeconds: zone.settings.keyTTLSeconds,
      zoneKeys: zone.roles.zoneKeys.map { SigningKey($0) },
      keySigningKeys: zone.roles.keySigningKeys.map { SigningKey($0) },
      validitySeconds: zone.settings.validitySeconds)
  }
}

extension SigningKey {
  fileprivate init(_ key: ZoneKey) {
    self.init(algorithm: key.record.algorithm, tag: key.record.tag) { key.sign($0) }
  }
}
