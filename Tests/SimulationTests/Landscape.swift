import Compiling
import Places
import TestSupport

/// The configurations among which a schedule chooses and reloads: five regions with two endpoints
/// each, the same checks, and what differs between operators.
enum Landscape {
  static let interval = 5.0
  static let fastInterval = 1.0
  static let timeout = 2.0
  static let fall = 3
  /// What the probe state machine promises: seconds from the failure of an endpoint to its being
  /// unhealthy, if a probe may start when it is due. A probe that waits for its time-out holds the
  /// next one back.
  static let detectionBound =
    interval + Double(fall - 1) * max(fastInterval, timeout) + timeout
  /// How often something may be lost by a time before flap damping suppresses it: by default at a
  /// penalty of 2.5, which decays by at most 2.5 · ln 2 a half-life of 120 s.
  static func lossLimit(by seconds: Double) -> Double { 2.5 + seconds * 2.5 * 0.6932 / 120 }

  static let regions = ["tokyo", "singapore", "frankfurt", "dublin", "virginia"]
  /// By place: a client network, and whether its clients are fenced into the European Union.
  static let places: [(prefix: UInt32, isFenced: Bool)] = [
    (10 << 24 | 1 << 16, false), (10 << 24 | 2 << 16, true), (10 << 24 | 3 << 16, true),
    (10 << 24 | 4 << 16, false), (10 << 24 | 5 << 16, false), (11 << 24, false),
  ]
  static let fencedIn: Set<String> = ["frankfurt", "dublin"]

  /// What operators choose; a reload goes from one to another.
  static let variants: [CompiledSettings] = {
    let policies = [
      "{type: proximity}",
      "{type: failover, order: [virginia, frankfurt, tokyo, dublin, singapore]}",
      """
      {type: weighted, shares: {tokyo: 2, singapore: 1, frankfurt: 2, dublin: 1, virginia: 1}}
      """,
    ]
    let resorts = ["fail_open", "last_good", "fail_closed"]
    return policies.flatMap { policy in
      stabilities.enumerated().compactMap { index, stability in
        try? compiledText(
          text(policy: policy, stability: stability, lastResort: resorts[index]))
      }
    }
  }()

  /// The same where every region has a capacity.
  static let variantsWithCapacity: [CompiledSettings] = stabilities.compactMap { stability in
    try? compiledText(
      text(policy: "{type: proximity}", stability: stability, lastResort: "fail_open")
        .replacing("location:", with: "capacity: {connections_per_second: 60}, location:"))
  }
  static let capacity = 60.0
  /// Of each cohort, new connections a second: one lost region leaves room for nearly all of them.
  static let demand = 36.0

  /// The same where one region has all clients. The last one is without the first of the others.
  static let variantsWithPrimary: [CompiledSettings] = {
    let lag = regions.map { "\($0): \"http://127.0.0.1:1/\"" }.joined(separator: ", ")
    let gate = "lag: {rpo: 10s, interval: 2s, timeout: 1s, urls: {\(lag)}}"
    let times = "fail_hold: 8s, failback_after: 20s"
    let order = regions.joined(separator: ", ")
    let rest = regions.dropFirst().joined(separator: ", ")
    let policies =
      ["manual", "auto", "gradual"].flatMap { failback in
        [
          "{type: primary, order: [\(order)], \(times), failback: \(failback)}",
          "{type: primary, order: [\(order)], \(times), failback: \(failback), \(gate)}",
        ]
      } + ["{type: primary, order: [\(rest)], \(times)}"]
    return policies.compactMap { policy in
      try? compiledText(
        text(policy: policy, stability: "{ramp: 20s}", lastResort: "fail_closed"))
    }
  }()
  /// Seconds; of the configurations with a lag.
  static let maximumLag = 10.0
  /// Two intervals, a time-out and a second.
  static let maximumLagAge = 6.0

  private static let stabilities = [
    "{}", "{failback: gradual, ramp: 20s, hold_down: 10s}", "{failback: manual, ramp: 5s}",
  ]

  static func text(policy: String, stability: String, lastResort: String) -> String {
    """
    geo:
      prefixes:
        - "10.1.0.0/16 at=35.7,139.7 country=JP"
        - "10.2.0.0/16 at=48.1,11.6 country=DE"
        - "10.3.0.0/16 at=53.3,-6.3 country=IE"
        - "10.4.0.0/16 at=40.7,-74.0 country=US"
        - "10.5.0.0/16 at=1.3,103.8 country=SG"
    regions:
      tokyo: {location: [35.68, 139.69], tags: [jp]}
      singapore: {location: [1.35, 103.82], tags: [sg]}
      frankfurt: {location: [50.11, 8.68], tags: [eu]}
      dublin: {location: [53.35, -6.26], tags: [eu]}
      virginia: {location: [38.95, -77.45], tags: [us]}
    stability: \(stability)
    monitors:
      web: {type: tcp, interval: 5s, fast_interval: 1s, timeout: 2s, rise: 2, fall: 3}
    pools:
      web:
        monitor: web
        endpoints:
          tokyo: ["192.0.2.1:80", "192.0.2.2:80"]
          singapore: ["192.0.2.3:80", "192.0.2.4:80"]
          frankfurt: ["192.0.2.5:80", "192.0.2.6:80"]
          dublin: ["192.0.2.7:80", "192.0.2.8:80"]
          virginia: ["192.0.2.9:80", "192.0.2.10:80"]
    policies:
      chosen: \(policy)
    fences:
      eu: {clients: {country: [DE, IE]}, regions: {tags: [eu]}}
    services:
      web: {policy: chosen, pool: web, on_all_down: \(lastResort)}
    """
  }
}
