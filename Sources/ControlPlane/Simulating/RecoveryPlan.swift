import ServerNames
package import Settings

/// How long clients go on being sent to a region that has failed, at the worst, for every steered
/// name and every listener: detection, propagation and TTL, from the configuration alone.
///
///     a region fails       found unhealthy          the next edition    the last TTL is over
///     ├───── detection ────┼─ gathering, compiling ─┼─── ttl_changing ──┤
///     ├ first check ┼ gathering ┼───────────── ttl ─────────────────────────┤ whichever is later
package struct RecoveryPlan: Sendable, Codable, Equatable {
  package struct Entry: Sendable, Codable, Equatable {
    /// A steered name with its final dot, or the name of a listener.
    package var name: String
    /// `dns` or `proxy`.
    package var kind: String
    package var service: String
    /// nil: nothing is checked, and a failure is not found.
    package var monitor: String?
    /// Seconds until an endpoint that answers nothing any more is found unhealthy.
    package var detectionSeconds: Double?
    /// The same for one that refuses connections.
    package var detectionRefusedSeconds: Double?
    package var propagationSeconds: Double
    /// How long the primary of an active-passive service is down before another takes over; nil:
    /// the service is none. With a lag that is too great it takes an operator.
    package var holdSeconds: Double?
    /// Of answers, and 0 for a listener.
    package var ttlSeconds: Double
    /// Of answers once a check has failed, and 0 for a listener.
    package var changingTTLSeconds: Double
    /// For a listener: how long a connection tries the region's endpoints before it goes to the
    /// next region; nil if its attempts end before, and for names.
    package var retrySeconds: Double?
    /// nil: without a bound.
    package var totalSeconds: Double?
    /// The sum, written out.
    package var formula: String
  }

  package var entries: [Entry]

  /// Changes of health are gathered for 10 ms, and verdicts are compiled in some milliseconds; with
  /// a margin.
  package static let propagation = Duration.milliseconds(50)

  package init(_ settings: Settings) {
    entries = settings.zones.flatMap { zone in
      zone.steered.map { Self.entry(of: $0, in: settings) }
    }
    entries += settings.proxy.listeners.flatMap { listener in
      listener.services.map { Self.entry(of: listener, $0, in: settings) }
    }
  }

  private static func entry(of name: Settings.Zone.Steered, in settings: Settings) -> Entry {
    let service = settings.services[name.service]
    let detection = DetectionTime(service: service, in: settings)
    let ttl = Duration.seconds(Int(service.ttlSeconds))
    var entry = entry(name: name.owner, kind: "dns", service: service, detection, settings)
    entry.ttlSeconds = seconds(ttl)
    let changing = Duration.seconds(Int(min(service.changingTTLSeconds, service.ttlSeconds)))
    entry.changingTTLSeconds = seconds(changing)
    guard let detection else { return entry }
    let hold = settings.primary(of: service)?.failHold
    let switched = detection.silent + (hold ?? .zero)
    let formula = "\(detection.formula)\(held(hold))"
    // Answers have the whole TTL until the first check has failed, and then the shorter one.
    let early = (detection.firstFailure, "\(detection.firstFormula)", "ttl", ttl)
    let late = (switched, formula, "ttl_changing", changing)
    let isEarly = early.0 + ttl > late.0 + changing && detection.warns
    let longest = isEarly ? early : detection.warns ? late : (switched, formula, "ttl", ttl)
    entry.totalSeconds = seconds(longest.0 + propagation + longest.3)
    entry.formula =
      "\(longest.1) + \(inUnits(propagation)) + \(longest.2) \(inUnits(longest.3))"
    return entry
  }

  private static func entry(
    of listener: Settings.Proxy.Listener, _ taken: (serverName: ServerNamePattern?, service: Int),
    in settings: Settings
  ) -> Entry {
    let service = settings.services[taken.service]
    let detection = DetectionTime(service: service, in: settings)
    let name = taken.serverName.map { "\(listener.name) \($0)" } ?? listener.name
    var entry = entry(name: name, kind: "proxy", service: service, detection, settings)
    let endpoints = service.pool.map { settings.pools[$0].endpoints } ?? []
    let most = Dictionary(grouping: endpoints, by: \.region).values.map(\.count).max() ?? 0
    let retry = listener.connectTimeout * most
    let hold = settings.primary(of: service)?.failHold
    if hold == nil && most < listener.maximumAttempts && retry < listener.connectBudget {
      entry.retrySeconds = seconds(retry)
      entry.totalSeconds = seconds(retry)
      entry.formula =
        "\(most) × connect_timeout \(inUnits(listener.connectTimeout)), for connections meanwhile"
    } else if let detection {
      entry.totalSeconds = seconds(detection.silent + (hold ?? .zero) + propagation)
      entry.formula = "\(detection.formula)\(held(hold)) + \(inUnits(propagation))"
    }
    return entry
  }

  private static func entry(
    name: String, kind: String, service: Settings.Service, _ detection: DetectionTime?,
    _ settings: Settings
  ) -> Entry {
    let monitor = service.pool.flatMap { settings.pools[$0].monitor }
    return Entry(
      name: name, kind: kind, service: service.name,
      monitor: monitor.map { settings.monitors[$0].name },
      detectionSeconds: detection.map { seconds($0.silent) },
      detectionRefusedSeconds: detection.map { seconds($0.refused) },
      propagationSeconds: seconds(propagation),
      holdSeconds: settings.primary(of: service).map { seconds($0.failHold) }, ttlSeconds: 0,
      changingTTLSeconds: 0,
      formula: "nothing finds a failure: no monitor, or only an optional agent")
  }

  package var text: String {
    let rows =
      [["name", "service", "detection", "propagation", "ttl", "at most", "because"]]
      + entries.map { entry in
        [
          entry.kind == "proxy" ? "listener \(entry.name)" : entry.name, entry.service,
          entry.detectionSeconds.map(shown) ?? "never", shown(entry.propagationSeconds),
          shown(entry.ttlSeconds), entry.totalSeconds.map(shown) ?? "for ever", entry.formula,
        ]
      }
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    let table = rows.map { row in
      let cells = zip(row, widths).map { $0.paddedRight(to: $1 + 1) }.joined()
      return String(cells.reversed().drop { $0 == " " }.reversed())
    }
    return table.joined(separator: "\n") + """


      Detection is that of an endpoint that stops answering right after a good check: interval, then
      fall − 1 checks that wait for the fast interval or the time-out, whichever is longer, then the
      last time-out. Once the first has failed, answers have the shorter ttl_changing: so it is the
      answer of just before that may last longest. One that refuses connections is found a time-out earlier, and sooner still.

      """
  }
}

/// How long the checks take to find an endpoint unhealthy, at the worst.
package struct DetectionTime: Sendable, Equatable {
  package var interval: Duration
  package var fastInterval: Duration
  package var timeout: Duration
  package var fall: Int
  /// Checks of all endpoints that hang at once wait for one another so long, each time.
  package var queueing: Duration
  /// Whether answers have a shorter TTL from the first check that fails: not where one is enough,
  /// and where several monitors are calculated with it is not counted on.
  package var warns: Bool

  /// nil where nothing is checked.
  package init?(service: Settings.Service, in settings: Settings) {
    guard let pool = service.pool.map({ settings.pools[$0] }),
      let monitor = pool.monitor.map({ settings.monitors[$0] })
    else { return nil }
    let checks = settings.pools.flatMap { pool in
      let parts = pool.monitor.map { settings.monitors[$0].parts } ?? []
      return pool.endpoints.flatMap { _ in parts }
    }
    let longest = checks.map(\.timeout).max() ?? .zero
    let rounds = max(0, checks.count - 1) / max(1, settings.health.maximumConcurrentChecks)
    // What is calculated has failed at the latest when all its parts have.
    let times = monitor.parts.filter(\.findsSilence).map {
      DetectionTime(monitor: $0, queueing: longest * rounds)
    }
    guard let slowest = times.max(by: { $0.silent < $1.silent }) else { return nil }
    self = slowest
    warns = monitor.parts.count == 1 && fall > 1
  }

  package init(monitor: Settings.Monitor, queueing: Duration = .zero) {
    interval = monitor.interval
    fastInterval = min(monitor.fastInterval, monitor.interval)
    timeout = monitor.timeout
    fall = monitor.fall
    self.queueing = queueing
    warns = fall > 1
  }

  /// Every check fails by its time-out.
  package var silent: Duration {
    interval + max(fastInterval, timeout) * (fall - 1) + timeout + queueing * fall
  }

  /// Until the first check has failed, by its time-out.
  package var firstFailure: Duration { interval + timeout + queueing }

  /// Every check fails at once.
  package var refused: Duration { interval + fastInterval * (fall - 1) + queueing * fall }

  package var firstFormula: String {
    let wait = queueing > .zero ? " + \(inUnits(queueing)) of waiting" : ""
    return "interval \(inUnits(interval)) + timeout \(inUnits(timeout))\(wait)"
  }

  package var formula: String {
    let wait = queueing > .zero ? " + \(fall) × \(inUnits(queueing)) of waiting" : ""
    return "interval \(inUnits(interval)) + \(fall - 1) × \(inUnits(max(fastInterval, timeout))) + "
      + "timeout \(inUnits(timeout))\(wait)"
  }
}

extension Settings.Monitor {
  /// The monitors that probe: the children of a calculated one, however deep, else itself.
  fileprivate var parts: [Settings.Monitor] {
    guard case .calculated(let calculation) = kind else { return [self] }
    return calculation.children.flatMap(\.monitor.parts)
  }

  /// An agent that counts for nothing while it does not answer finds no failure.
  fileprivate var findsSilence: Bool {
    if case .agent(let agent) = kind { !agent.isOptional } else { true }
  }
}

private func held(_ hold: Duration?) -> String {
  hold.map { " + fail_hold \(inUnits($0))" } ?? ""
}

private func seconds(_ duration: Duration) -> Double {
  Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
}

private func inUnits(_ duration: Duration) -> String { shown(seconds(duration)) }

/// `5s`, `41.05s`.
private func shown(_ seconds: Double) -> String {
  let thousandths = Int((seconds * 1000).rounded())
  let (whole, rest) = (thousandths / 1000, thousandths % 1000)
  guard rest > 0 else { return "\(whole)s" }
  var digits = String(String(rest + 1000).dropFirst())
  while digits.hasSuffix("0") { digits.removeLast() }
  return "\(whole).\(digits)s"
}
