import Places
import Settings

/// A region to be: all of its addresses, or a name.
struct Site {
  var region: String
  var addresses: [IPAddress] = []
  /// In place of addresses.
  var name: String?
  /// Of gdnsd: what its addresses are checked by.
  var serviceTypes: [String] = []
  /// The least share of addresses that must be up.
  var threshold = 0.5
  var origin: Origin
}

/// With the families of addresses that all have: what only some have would be hidden by the others'
/// "no data" (RFC 7871 §7.4).
func uniformSites(_ sites: [Site], _ report: (Origin, String) -> Void) -> [Site] {
  let families = sites.map { Set($0.addresses.map(\.isIPv6)) }
  var common = families.reduce(families.first ?? []) { $0.intersection($1) }
  if common.isEmpty { common = [families.first?.contains(false) == false] }
  return sites.compactMap { site in
    var site = site
    for address in site.addresses where !common.contains(address.isIPv6) {
      report(
        site.origin, "\(address): not all regions have its family; it is left out")
    }
    site.addresses = site.addresses.filter { common.contains($0.isIPv6) }
    return site.addresses.isEmpty ? nil : site
  }
}

/// What cannot be carried over, in the order of its finding; each once.
final class Findings {
  private(set) var all: [Fault] = []
  private var seen: Set<String> = []

  func report(_ origin: Origin, _ message: String) {
    let finding = Fault(origin: origin, message: message)
    if seen.insert(finding.description).inserted { all.append(finding) }
  }
}
