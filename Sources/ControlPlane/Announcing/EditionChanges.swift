package import Editions
package import Routing

/// What has changed for consumers between two editions: a pure function of both.
///
/// - Parameter causes: why an endpoint's health has changed, by its id.
package func changes(
  from old: Edition, to new: Edition, causes: [String: String] = [:]
) -> [Change] {
  var changes: [Change] = []
  if new.revision != old.revision {
    changes.append(
      Change(
        .configurationAccepted, of: "", from: "\(old.revision)", to: "\(new.revision)"))
  }
  changes += endpointChanges(from: old, to: new, causes: causes)
  changes += poolChanges(from: old, to: new)
  changes += regionChanges(from: old, to: new)
  changes += primaryChanges(from: old, to: new)
  if new.isReady && !old.isReady {
    changes.append(Change(.nodeReady, of: "", from: "starting", to: "ready"))
  }
  return changes
}

/// Of what both have; what comes with a configuration, or goes with one, is that event's matter.
private func endpointChanges(
  from old: Edition, to new: Edition, causes: [String: String]
) -> [Change] {
  func pair(_ id: String, _ before: EndpointCondition, _ after: EndpointCondition) -> [Change] {
    guard before != after else { return [] }
    return [
      change(.endpointHealth, of: id, before.health.rawValue, after.health.rawValue, causes[id]),
      change(
        .endpointFlapping, of: id, before.isFlapping ? "flapping" : "steady",
        after.isFlapping ? "flapping" : "steady"),
    ].compactMap(\.self)
  }
  guard new.revision != old.revision else {
    return zip(new.model.endpoints, zip(old.board.conditions, new.board.conditions)).flatMap {
      pair($0.id, $1.0, $1.1)
    }
  }
  let before = Dictionary(
    zip(old.model.endpoints.map(\.id), old.board.conditions), uniquingKeysWith: { a, _ in a })
  return zip(new.model.endpoints, new.board.conditions).flatMap { endpoint, condition in
    before[endpoint.id].map { pair(endpoint.id, $0, condition) } ?? []
  }
}

/// Of regions in pools; where they are held, ``RegionStanding/standing`` says degraded, and so what
/// health and overrides come to is asked apart.
private func poolChanges(from old: Edition, to new: Edition) -> [Change] {
  struct View {
    var health: Standing
    var standing: RegionStanding
  }
  func views(_ edition: Edition) -> [(subject: String, view: View)] {
    edition.poolStandings.map { entry in
      let health = edition.model.healthStanding(
        ofRegion: entry.region, inPool: entry.pool, on: edition.board)
      let region = edition.model.regions[entry.region].name
      return (
        "\(region)/\(edition.model.pools[entry.pool].name)",
        View(health: health.standing, standing: entry.standing)
      )
    }
  }
  let earlier = Dictionary(
    views(old).map { ($0.subject, $0.view) }, uniquingKeysWith: { first, _ in first })
  return views(new).flatMap { subject, after -> [Change] in
    guard let before = earlier[subject] else { return [] }
    return [
      change(.regionHealth, of: subject, before.health.word, after.health.word),
      change(
        .regionHold, of: subject, before.standing.hold?.name ?? "free",
        after.standing.hold?.name ?? "free"),
      change(
        .regionRamp, of: subject, before.standing.admission.ramp < 1 ? "ramping" : "whole",
        after.standing.admission.ramp < 1 ? "ramping" : "whole"),
    ].compactMap(\.self)
  }
}

private func regionChanges(from old: Edition, to new: Edition) -> [Change] {
  let before = Dictionary(
    old.model.regions.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { a, _ in a })
  let (earlier, later) = (old.board.admissions, new.board.admissions)
  return new.model.regions.enumerated().flatMap { index, region -> [Change] in
    guard let previous = before[region.name] else { return [] }
    return [
      change(
        .regionDial, of: region.name, percent(earlier.dial(of: previous)),
        percent(later.dial(of: index))),
      change(
        .regionLoad, of: region.name, earlier.opening(of: previous) < 1 ? "spilling" : "open",
        later.opening(of: index) < 1 ? "spilling" : "open"),
    ].compactMap(\.self)
  }
}

/// By epoch, which changes with the region and never without.
private func primaryChanges(from old: Edition, to new: Edition) -> [Change] {
  new.model.services.enumerated().compactMap { index, service in
    guard let after = new.board.admissions.primary(ofService: index),
      let earlier = old.model.services.firstIndex(where: { $0.name == service.name }),
      let before = old.board.admissions.primary(ofService: earlier), before.epoch != after.epoch
    else { return nil }
    return Change(
      .primaryChanged, of: service.name, from: old.model.regions[before.region].name,
      to: new.model.regions[after.region].name, cause: "epoch \(after.epoch)")
  }
}

private func change(
  _ kind: Event.Kind, of subject: String, _ from: String, _ to: String, _ cause: String? = nil
) -> Change? {
  from == to ? nil : Change(kind, of: subject, from: from, to: to, cause: cause)
}

private func percent(_ share: Double) -> String { "\(Int((share * 100).rounded()))%" }

extension Edition {
  /// Every region as each pool that has endpoints there sees it.
  package var poolStandings: [(region: Int, pool: Int, standing: RegionStanding)] {
    model.pools.enumerated().flatMap { pool, value in
      model.regions.indices.filter { !value.endpoints[$0].isEmpty }.map { region in
        (region, pool, model.standing(ofRegion: region, inPool: pool, on: board))
      }
    }
  }
}
