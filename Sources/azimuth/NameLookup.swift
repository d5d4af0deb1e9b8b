import Admin
import DNSWire
import Editions
import Zones

/// What an edition serves under a name as people write it, with or without the final dot.
func lookUp(_ text: String, in edition: Edition) -> NameLookup {
  do throws(RecordDataFault) {
    switch edition.zones.naming(of: try DomainName(text)) {
    case .steered(let service): return .steered(service: service)
    case .fixed: return .static
    case .noSuchName: return .noSuchName
    case .notOurs: return .notOurs
    }
  } catch {
    return .malformed(error.message)
  }
}
