import DNSWire
import Zones

/// The same answers as ``ZoneTable``, by searching lists: the oracle.
struct LinearZones {
  enum Result: Equatable, CustomStringConvertible {
    case notOurs, nameError, noData, steered(Int), records([[UInt8]]), alias([UInt8])
    case unavailable, redirection([UInt8])
    case referral(cut: DomainName, servers: Set<[UInt8]>, glueCount: Int)

    var description: String {
      switch self {
      case .notOurs: "not ours"
      case .nameError: "NXDOMAIN"
      case .noData: "NODATA"
      case .steered(let service): "steered \(service)"
      case .records(let data): "records \(data)"
      case .alias(let data): "alias \(data)"
      case .unavailable: "unavailable"
      case .redirection(let data): "redirection \(data)"
      case .referral(let cut, _, let glueCount): "referral \(cut), \(glueCount) of glue"
      }
    }
  }

  let zones: [ZoneSource]

  func find(_ name: DomainName, _ type: RecordType) -> Result {
    let ours = zones.filter { name.isWithin($0.name) }
    guard let zone = ours.max(by: { $0.name.labelCount < $1.name.labelCount }) else {
      return .notOurs
    }
    if let cut = cut(above: name, in: zone), !(cut == name && type == .ds) {
      return referral(to: cut, in: zone)
    }
    if exists(name, in: zone) { return answer(at: name, type, in: zone) }
    var encloser = name
    while !exists(encloser, in: zone), let parent = encloser.parent { encloser = parent }
    guard let wildcard = DomainName(wire: [1, 42] + encloser.wire), exists(wildcard, in: zone)
    else { return .nameError }
    return answer(at: wildcard, type, in: zone)
  }

  private func owners(in zone: ZoneSource) -> [DomainName] {
    let inner = zones.map(\.name).filter { $0 != zone.name && $0.isWithin(zone.name) }
    return ([zone.name] + zone.records.map(\.owner) + zone.steered.map(\.owner))
      .filter { owner in !inner.contains { owner.isWithin($0) } }
  }

  private func exists(_ name: DomainName, in zone: ZoneSource) -> Bool {
    owners(in: zone).contains { $0.isWithin(name) } && name.isWithin(zone.name)
  }

  private func cut(above name: DomainName, in zone: ZoneSource) -> DomainName? {
    let cuts = zone.records.filter { $0.type == .ns && $0.owner != zone.name }.map(\.owner)
    return cuts.filter { name.isWithin($0) }.min { $0.labelCount < $1.labelCount }
  }

  private func referral(to cut: DomainName, in zone: ZoneSource) -> Result {
    let servers = Set(zone.records.filter { $0.owner == cut && $0.type == .ns }.map(\.data))
    let hosts = servers.compactMap { DomainName(wire: $0) }
      .filter { self.cut(above: $0, in: zone) != nil }
    let glue = Set(
      zone.records.filter { hosts.contains($0.owner) && [.a, .aaaa].contains($0.type) }
        .map { [UInt8($0.type.rawValue)] + $0.owner.loweredWire + $0.data })
    return .referral(cut: cut, servers: servers, glueCount: glue.count)
  }

  private func answer(at name: DomainName, _ type: RecordType, in zone: ZoneSource) -> Result {
    if let found = zone.steered.first(where: { $0.owner == name }), found.types.contains(type) {
      return .steered(found.service)
    }
    let here = zone.records.filter { $0.owner == name }
    if let alias = here.first(where: { $0.type == .cname }), type != .cname {
      return .alias(alias.data)
    }
    var data: [[UInt8]] = []
    for record in here where record.type == type && !data.contains(record.data) {
      data.append(record.data)
    }
    return data.isEmpty ? .noData : .records(data)
  }
}
