import Compiling
import Settings
import TestSupport

/// Four regions, and clients told apart by prefixes alone, so that compiling takes no time.
enum SmallWorld {
  static let prefixes = """
    geo:
      prefixes:
        - "10.1.0.0/16 at=35.7,139.7 country=JP"
        - "10.2.0.0/16 at=48.1,11.6 country=DE eu=true"
        - "10.3.0.0/16 at=40.7,-74.0 country=US"
        - "10.4.0.0/16 at=53.3,-6.3 country=IE eu=true"
        - "2001:db8:2::/48 at=48.1,11.6 country=DE eu=true"
        - "10.2.7.0/24 at=48.1,11.6 country=DE eu=true regions=tokyo"
    """

  /// - Parameter services: YAML of what stands behind `services` in the file, `fences` for example.
  static func compiled(
    policy: String = "{type: proximity}", service: String = "ttl: 30s", extra: String = "",
    prefixes: String = prefixes, capacities: [String: Int] = [:]
  ) throws -> CompiledSettings {
    func capacity(_ region: String) -> String {
      capacities[region].map { "capacity: {connections_per_second: \($0)}, " } ?? ""
    }
    return try compiledText(
      """
      \(prefixes)
      regions:
        tokyo: {\(capacity("tokyo"))location: [35.68, 139.69], tags: [jp]}
        frankfurt: {\(capacity("frankfurt"))location: [50.11, 8.68], tags: [de, eu]}
        dublin: {\(capacity("dublin"))location: [53.35, -6.26], tags: [ie, eu]}
        virginia: {\(capacity("virginia"))location: [38.95, -77.45], tags: [us]}
      monitors:
        tcp: {type: tcp, interval: 5s, fast_interval: 1s, timeout: 2s, fall: 3}
      pools:
        web:
          monitor: tcp
          endpoints:
            tokyo: [192.0.2.1:80]
            frankfurt: [192.0.2.2:80]
            dublin: [192.0.2.3:80]
            virginia: [192.0.2.4:80]
      policies:
        nearest: \(policy)
      services:
        web: {policy: nearest, pool: web, \(service)}
      \(extra)
      """)
  }

  static let fence = "fences: {eu-data: {clients: {eu: true}, regions: {tags: [eu]}}}"
}
