package import Routing
package import Settings

/// The health that several monitors of one endpoint make together.
///
///     healthy    the healthy children weigh as much as is needed
///     degraded   they do only together with the degraded ones
///     unhealthy  they do not even with those
///     unknown    it depends on children that have no result yet
///
/// Children that are calculated themselves are judged in the same way. What was known before stays
/// while it is unknown.
package struct CalculatedHealth: Sendable, Equatable {
  /// A monitor that is probed, and what it found.
  package struct Child: Sendable, Equatable {
    package var monitor: String
    package var health: Health
    /// Why it is not healthy, if its last probe says so.
    package var cause: String?

    package init(monitor: String, health: Health, cause: String? = nil) {
      self.monitor = monitor
      self.health = health
      self.cause = cause
    }
  }

  package private(set) var health: Health
  /// What led to `health`, for people.
  package private(set) var cause = "no result yet"
  private let calculation: Settings.Monitor.Calculation

  /// - Parameter health: what an earlier monitor found.
  package init(_ calculation: Settings.Monitor.Calculation, health: Health = .unknown) {
    self.calculation = calculation
    self.health = health
  }

  /// - Parameter children: all that are probed, nested ones too.
  package mutating func settle(_ children: [Child], now: Duration) -> HealthTransition? {
    let found = Dictionary(
      children.map { ($0.monitor, $0) }, uniquingKeysWith: { first, _ in first })
    let next = Self.health(of: calculation, found)
    cause = Self.cause(of: calculation, found)
    guard next != .unknown, next != health else { return nil }
    let transition = HealthTransition(from: health, to: next, cause: cause, at: now)
    health = next
    return transition
  }

  /// As a probe would have found it.
  package var outcome: ProbeOutcome {
    switch health {
    case .healthy: .success
    case .degraded: .degraded(cause)
    case .unhealthy: .failure(cause)
    case .unknown: .inconclusive(cause)
    }
  }

  /// - Parameter found: what is known of the monitors that are probed, by name.
  package static func health(
    of calculation: Settings.Monitor.Calculation, _ found: [String: Child]
  ) -> Health {
    var weights: [Health: Int] = [:]
    for child in calculation.children {
      weights[health(of: child.monitor, found), default: 0] += child.weight
    }
    let healthy = weights[.healthy] ?? 0
    let usable = healthy + (weights[.degraded] ?? 0)
    let unknown = weights[.unknown] ?? 0
    if healthy >= calculation.need { return .healthy }
    if usable + unknown < calculation.need { return .unhealthy }
    return usable >= calculation.need && healthy + unknown < calculation.need
      ? .degraded : .unknown
  }

  private static func health(of monitor: Settings.Monitor, _ found: [String: Child]) -> Health {
    if case .calculated(let nested) = monitor.kind { return health(of: nested, found) }
    return found[monitor.name]?.health ?? .unknown
  }

  /// `2 of 3 healthy, 3 needed: web unhealthy (status 503, wanted 200-299)`.
  private static func cause(
    of calculation: Settings.Monitor.Calculation, _ found: [String: Child]
  ) -> String {
    var healthy = 0
    var others: [String] = []
    for child in calculation.children {
      let name = child.monitor.name
      let health = health(of: child.monitor, found)
      if health == .healthy {
        healthy += child.weight
      } else {
        let cause = found[name]?.cause.map { " (\($0))" } ?? ""
        others.append("\(name) \(health.rawValue)\(cause)")
      }
    }
    let total = calculation.children.reduce(0) { $0 + $1.weight }
    let list = others.isEmpty ? "" : ": \(others.joined(separator: ", "))"
    return "\(healthy) of \(total) healthy, \(calculation.need) needed\(list)"
  }
}
