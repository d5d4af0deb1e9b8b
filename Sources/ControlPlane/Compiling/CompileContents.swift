import DNSWire
import Routing
import Settings
import Zones

/// What the steered names of each service answer, encoded. In the order of ``Settings/services``.
struct CompiledContents {
  var contents: [SteeredContent] = []
  var bindings: [[BindingTemplate]] = []

  /// So long that the records of one kind, with all their hints, fit into one message.
  private static let mostBindingBytes = 2_000

  /// - Throws: everything that is wrong in names and records, each with its line.
  init(_ settings: Settings) throws(Faults) {
    var faults: [Fault] = []
    for service in settings.services {
      contents.append(Self.content(of: service, settings, &faults))
      let records = service.bindings.map { ($0, Self.binding($0, &faults)) }
      bindings.append(records.compactMap(\.1))
      faults += Self.mixtures(records)
    }
    guard faults.isEmpty else { throw Faults(faults) }
  }

  private static func content(
    of service: Settings.Service, _ settings: Settings, _ faults: inout [Fault]
  ) -> SteeredContent {
    var targets = [NamedTarget?](repeating: nil, count: settings.regions.count)
    for target in service.content.targets {
      do throws(RecordDataFault) {
        let name = try DomainName(target.name)
        targets[target.region] = NamedTarget(wire: name.loweredWire, text: name.description)
      } catch {
        faults.append(Fault(origin: target.origin, message: error.message))
      }
    }
    return switch service.content {
    case .endpoints: .endpoints
    case .names: .names(targets)
    case .resolved: .resolved(targets)
    }
  }

  private static func binding(
    _ binding: Settings.Service.Binding, _ faults: inout [Fault]
  ) -> BindingTemplate? {
    func refuse(_ message: String, _ suggestion: String? = nil) -> BindingTemplate? {
      faults.append(Fault(origin: binding.origin, message: message, suggestion: suggestion))
      return nil
    }
    do throws(RecordDataFault) {
      let type = binding.isHTTPS ? RecordType.https : .svcb
      let data = try RecordData.encode(type, text: binding.text, origin: .root)
      guard let record = ServiceBindingRecord(data: data) else {
        return refuse("is no data of \(type)")
      }
      guard !record.hasHints else {
        return refuse(
          "states address hints", "leave them out: they are made of the decision's addresses")
      }
      guard data.count <= mostBindingBytes else {
        return refuse("has \(data.count) bytes, more than \(mostBindingBytes)")
      }
      return BindingTemplate(
        kind: binding.isHTTPS ? .https : .svcb, data: data, takesHints: record.isOfOwner,
        text: binding.text)
    } catch {
      return refuse(error.message)
    }
  }

  /// RFC 9460 §2.4.1: where one record is an alias, clients ignore all others of the kind.
  private static func mixtures(
    _ records: [(Settings.Service.Binding, BindingTemplate?)]
  ) -> [Fault] {
    records.compactMap { source, template in
      guard let template, template.data.prefix(2) == [0, 0] else { return nil }
      let count = records.count { $0.1?.kind == template.kind }
      guard count > 1 else { return nil }
      return Fault(
        origin: source.origin,
        message: "a record of priority 0 is an alias and stands alone (RFC 9460 §2.4.1)")
    }
  }
}

/// What the names that serve in our own zones are not: steered themselves, missing, or with other
/// types of addresses than those of the service's other regions.
func targetFaults(
  _ settings: Settings, contents: CompiledContents, zones: ZoneTable
) -> [Fault] {
  var faults: [Fault] = []
  for (index, service) in settings.services.enumerated() {
    faults += unevenTargets(of: service, contents.contents[index], zones: zones)
    for target in service.content.targets {
      guard let name = contents.contents[index].targets?[target.region] else { continue }
      let reading = zones.target(name.wire, type: .a)
      switch (contents.contents[index], reading) {
      case (_, .noSuchName):
        faults.append(
          Fault(origin: target.origin, message: "\(name.text) is not in its zone, served here"))
      case (.resolved, .steered(let other)):
        let inner = settings.services[other]
        faults.append(
          Fault(
            origin: target.origin,
            message: "\(name.text) is steered by service \"\(inner.name)\", and an alias leads to "
              + "addresses that are the same for every client",
            suggestion: "use cname, or name the policy of \"\(inner.name)\" in this policy"))
      case (.names, .steered(index)):
        faults.append(
          Fault(
            origin: target.origin,
            message: "\(name.text) is steered by this service itself: a circle"))
      default: continue
      }
    }
  }
  return faults
}

/// Resolvers take "no data" for everyone (RFC 7871 §7.4), so that what the names in our zones come
/// to has the same types of addresses. What others' names come to, nobody knows beforehand.
private func unevenTargets(
  of service: Settings.Service, _ content: SteeredContent, zones: ZoneTable
) -> [Fault] {
  guard case .resolved(let names) = content else { return [] }
  var first: (text: String, types: [RecordType])?
  for target in service.content.targets {
    guard let name = names[target.region] else { continue }
    let readings = [RecordType.a, .aaaa].map { ($0, zones.target(name.wire, type: $0)) }
    let counts = readings.compactMap { type, reading in
      if case .addresses(let addresses, _) = reading { (type, addresses.count) } else { nil }
    }
    guard counts.count == readings.count else { continue }
    let types = counts.filter { $0.1 > 0 }.map(\.0)
    guard let known = first else {
      first = (name.text, types)
      continue
    }
    if known.types != types {
      func list(_ types: [RecordType]) -> String {
        types.isEmpty ? "no address" : types.map(\.description).joined(separator: " and ")
      }
      return [
        Fault(
          origin: target.origin,
          message: "\(name.text) has \(list(types)), and \(known.text) has "
            + "\(list(known.types)); resolvers would take the \"no data\" of one region for all "
            + "clients",
          suggestion: "give all names of service \"\(service.name)\" the same types of addresses")
      ]
    }
  }
  return []
}

extension SteeredTypes {
  /// The types that the steered names of a service answer.
  init(_ service: Settings.Service) {
    if case .names = service.content {
      self = service.isKeyed ? [.alias, .keyed] : .alias
      return
    }
    self = service.isKeyed ? [.addresses, .keyed] : .addresses
    if service.bindings.contains(where: \.isHTTPS) { insert(.https) }
    if service.bindings.contains(where: { !$0.isHTTPS }) { insert(.svcb) }
  }
}

extension Settings {
  /// The services whose primary is told in a TXT record: behind all of ``services`` the model has
  /// one more for each of these, in this order, that answers it.
  var primaryNamings: [Int] { services.indices.filter { primary(of: services[$0]) != nil } }

  /// What is steered at a name, and below it: its service, and in `_primary` below the name which
  /// region is the service's primary. No wildcard has that, since a name has to be asked.
  func steering(at name: Zone.Steered) -> [(owner: String, service: Int, types: SteeredTypes)] {
    let own = (name.owner, name.service, SteeredTypes(services[name.service]))
    guard let naming = primaryNamings.firstIndex(of: name.service), !name.owner.hasPrefix("*")
    else { return [own] }
    return [own, ("_primary.\(name.owner)", services.count + naming, .text)]
  }
}
