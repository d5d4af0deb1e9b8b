import Balancing
import Editions
import Routing

/// The endpoints that get no new connections any more and whose open ones are to be closed, as one
/// worker knows them. Endpoints are known by ``EndpointLoad/serial``.
struct Departures {
  struct Departure {
    var reason: CloseReason
    var manner: ClosingRules.Manner
    /// Connections that were routed by an earlier edition are closed. Those that came later came in
    /// spite of what had been found, as nothing better was left.
    var edition: UInt64
    var schedule: DrainSchedule
  }

  /// Endpoints that are removed are forgotten so long after their last connection was to be closed:
  /// longer than an attempt to connect lasts.
  private static let memory: UInt64 = 60_000_000_000

  private var departures: [UInt32: Departure] = [:]
  /// The endpoints of the edition that was seen last, as far as any of theirs is ever closed.
  private var watched: [UInt32: ClosingRules] = [:]
  private var seenEdition: UInt64 = 0
  /// When there may be something to close; `UInt64.max`: never.
  private(set) var nextLookAt = UInt64.max

  var isEmpty: Bool { departures.isEmpty }

  /// Whether the edition is another one than was seen last, and says something of any endpoint.
  mutating func isConcerned(by edition: Edition) -> Bool {
    guard edition.number != seenEdition else { return false }
    if !watched.isEmpty || edition.model.pools.contains(where: { !$0.closing.keepsAll }) {
      return true
    }
    seenEdition = edition.number
    return false
  }

  /// Takes what an edition says of its endpoints.
  ///
  /// - Parameter loads: by endpoint index of the edition.
  mutating func update(_ edition: Edition, loads: [EndpointLoad], now: UInt64) {
    seenEdition = edition.number
    let before = watched
    watched = [:]
    for (pool, members) in edition.model.pools.enumerated() where !members.closing.keepsAll {
      for endpoint in members.endpoints.joined() {
        let serial = loads[endpoint].serial
        watched[serial] = members.closing
        let found = edition.departure(of: endpoint, pool: pool)
        note(found, of: serial, members.closing, edition: edition.number, now: now)
      }
    }
    let present = Set(loads.map(\.serial))
    for (serial, rules) in before where watched[serial] == nil {
      // One that is still there, but whose pool wants nothing to be closed now, is left alone.
      let isRemoved = !present.contains(serial) && rules.whenRemoved > .keep
      note(
        isRemoved ? (.endpointRemoved, rules.whenRemoved) : nil, of: serial, rules,
        edition: edition.number, now: now)
    }
    departures = departures.filter {
      watched[$0.key] != nil || now < $0.value.schedule.end &+ Self.memory
    }
  }

  private mutating func note(
    _ found: (reason: CloseReason, manner: ClosingRules.Manner)?, of serial: UInt32,
    _ rules: ClosingRules, edition: UInt64, now: UInt64
  ) {
    guard let found else {
      departures[serial] = nil
      return
    }
    let known = departures[serial]
    if let known, known.reason == found.reason, known.manner >= found.manner { return }
    let isSpread = found.manner == .drain
    var departure = Departure(
      reason: found.reason, manner: found.manner, edition: edition,
      schedule: DrainSchedule(
        now: now, deadline: isSpread ? rules.deadline : 0, spread: isSpread ? rules.spread : 0))
    // A second reason gives no more time.
    if let known, (now..<departure.schedule.end).contains(known.schedule.end) {
      departure.schedule = known.schedule
    }
    departures[serial] = departure
    nextLookAt = min(nextLookAt, departure.schedule.begin)
  }

  /// Why and when a connection is closed; nil: it goes on.
  func departure(of attempt: borrowing Attempt) -> Departure? {
    guard !departures.isEmpty, let serial = attempt.record?.load.serial,
      let departure = departures[serial], attempt.editionNumber < departure.edition
    else { return nil }
    return departure
  }

  /// A connection was made to an endpoint that was given up meanwhile.
  mutating func lookAgain(now: UInt64) { nextLookAt = min(nextLookAt, now) }

  /// Everything that was due has been closed.
  mutating func noteLook(now: UInt64, step: UInt64) {
    let ahead = departures.values.filter { $0.schedule.end > now }
    nextLookAt = ahead.map { max($0.schedule.begin, now &+ step) }.min() ?? .max
  }
}

extension Edition {
  /// Why an endpoint gets no new connections, and what its pool wants to become of the others:
  /// where there are several reasons, the strictest; nil: nothing.
  fileprivate func departure(
    of endpoint: Int, pool: Int
  ) -> (reason: CloseReason, manner: ClosingRules.Manner)? {
    let rules = model.pools[pool].closing
    let condition = board.conditions[endpoint]
    var found: [(reason: CloseReason, manner: ClosingRules.Manner)] = []
    let isUnhealthy = condition.override == .auto && condition.health == .unhealthy
    if condition.override == .down || isUnhealthy { found.append((.endpointDown, rules.whenDown)) }
    let isUnwilling = condition.override == .auto && condition.sharePercent == 0
    if condition.override == .drain || isUnwilling {
      found.append((.endpointDrained, rules.whenDrained))
    }
    if rules.whenDemoted > .keep, isDemoted(region: model.endpoints[endpoint].region, pool: pool) {
      found.append((.endpointDemoted, rules.whenDemoted))
    }
    return found.filter { $0.manner > .keep }.max { $0.manner < $1.manner }
  }

  /// Whether all services of a pool are active-passive, and none of them uses the region.
  private func isDemoted(region: Int, pool: Int) -> Bool {
    let services = model.steeringServices.filter { model.services[$0].pool == pool }
    return !services.isEmpty
      && services.allSatisfy { service in
        guard let primary = board.admissions.primary(ofService: service) else { return false }
        return primary.region != region && primary.former != region
      }
  }
}
