import Admin
import DNSWire
import Editions
import Zones

/// What an edition serves under a name as people write it, with or without the final dot.
func lookUp(_ text: String, in edition: Edition) -> NameLookup {
  do throws(RecordDataFault) {
    return lookUp(try DomainName(text), in: edition)
  } catch {
    return .malformed(error.message)
  }
}

/// The same of a name.
func lookUp(_ name: DomainName, in edition: Edition) -> NameLookup {
  switch edition.zones.naming(of: name) {
  case .steered(let service): return .steered(service: service)
  case .steeredByKey(let service, let key):
    let cell = edition.cell(of: service, key: key)
    return .steered(
      service: cell.service,
      key: RoutedKey(text: String(decoding: key, as: UTF8.self), rule: cell.rule))
  case .fixed: return .static
  case .noSuchName: return .noSuchName
  case .notOurs: return .notOurs
  }
}
