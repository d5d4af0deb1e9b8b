import DNSWire
import Places
import Routing
import Zones

/// The names that serve in place of endpoints, each with its addresses as far as they are known:
/// from our zones where they are ours, else from what was resolved.
struct TargetNames {
  private(set) var resolved = ResolvedNames.none
  private(set) var wanted: Set<ResolvedNames.Question> = []

  init(model: RoutingModel, zones: ZoneTable, resolved found: ResolvedNames) {
    for service in model.services {
      guard case .resolved(let targets) = service.content else { continue }
      for target in targets.compactMap(\.self) {
        for isIPv6 in [false, true] {
          let question = ResolvedNames.Question(name: target.wire, isIPv6: isIPv6)
          switch zones.target(target.wire, type: isIPv6 ? .aaaa : .a) {
          case .addresses(let data, let ttlSeconds):
            resolved[question] = ResolvedNames.Addresses(
              addresses: data.map(address), ttlSeconds: ttlSeconds)
          case .elsewhere(let name):
            let elsewhere = ResolvedNames.Question(name: name, isIPv6: isIPv6)
            wanted.insert(elsewhere)
            resolved[question] = found[elsewhere]
          // Refused when the configuration is compiled; a zone that was transferred since then
          // may say so all the same.
          case .steered, .noSuchName: continue
          }
        }
      }
    }
  }
}

private func address(_ data: [UInt8]) -> IPAddress {
  let bits = data.reduce(UInt128(0)) { $0 << 8 | UInt128($1) }
  return data.count == 4 ? .ipv4(UInt32(truncatingIfNeeded: bits)) : .ipv6(bits)
}
