package import DNSWire

/// A zone as it is served: what a transfer out is made from.
package struct ServedZone: Sendable {
  /// One part of a zone's stream.
  package enum Item: Sendable, Equatable {
    case record(ZoneRecord)
    /// Routing decides these types of the name.
    case steered(DomainName, [RecordType])
  }

  /// The items one after the other; nil at the end.
  package typealias Stream = () -> Item?

  package var name: DomainName
  /// nil: the zone has no data, since it never came or has expired.
  package var authority: Authority?
  /// A new walk over all that is in the zone but its SOA.
  package var walk: @Sendable () -> Stream

  package init(
    name: DomainName, authority: Authority?, walk: @escaping @Sendable () -> Stream
  ) {
    self.name = name
    self.authority = authority
    self.walk = walk
  }

  /// The whole zone between its SOA and its SOA (RFC 5936 §2.2).
  func stream(_ authority: Authority) -> Stream {
    let soa = Item.record(authority.record(of: name))
    let walk = walk()
    var place = 0
    return {
      if place == 1, let item = walk() { return item }
      place += 1
      return place < 3 ? soa : nil
    }
  }

  /// The differences one after the other, between the new SOA and the new SOA (RFC 1995 §4).
  func stream(_ newest: Authority, _ differences: [ZoneDifference]) -> Stream {
    let name = name
    let soa = newest.record(of: name)
    // Shares the records with the journal: nothing is copied.
    let parts =
      [[soa]]
      + differences.flatMap {
        [[$0.old.record(of: name)], $0.deletions, [$0.new.record(of: name)], $0.additions]
      } + [[soa]]
    var part = 0
    var index = 0
    return {
      while part < parts.count {
        if index < parts[part].count {
          index += 1
          return .record(parts[part][index - 1])
        }
        part += 1
        index = 0
      }
      return nil
    }
  }
}

extension Authority {
  /// As it stands in the zone with this name.
  package func record(of zone: DomainName) -> ZoneRecord {
    ZoneRecord(owner: zone, ttlSeconds: ttlSeconds, type: .soa, data: data)
  }
}
