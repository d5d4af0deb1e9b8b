package import Compiling
package import DNSWire
package import Editions
package import Routing
import Zones

/// What an operator asked for that cannot be.
package enum PublishingError: Error, Sendable, Equatable {
  /// No region, pool or endpoint of that name in the current configuration.
  case unknownTarget(String)
}

/// The one owner of what editions are made from: the compiled configuration, health and overrides.
/// Every change makes a new edition and lays it on the desk.
package actor EditionPublisher {
  package nonisolated let desk: EditionDesk
  package private(set) var compiled: CompiledSettings
  package private(set) var overrides: [Override] = []

  private let now: @Sendable () -> Double
  private var health: [String: EndpointCondition] = [:]
  private var resolved = ResolvedNames.none
  var zones: ZoneTable
  var transferred: [DomainName: TransferredZone] = [:]
  private var isReady: Bool
  private var expiryTask: Task<Void, Never>?

  /// - Parameters:
  ///   - isReady: whether serving may begin at once (nothing is monitored).
  ///   - now: seconds since 1970.
  package init(
    _ compiled: CompiledSettings, isReady: Bool, now: @escaping @Sendable () -> Double
  ) {
    self.compiled = compiled
    zones = compiled.zones
    self.isReady = isReady
    self.now = now
    desk = EditionDesk(
      Edition(
        number: 1, revision: 1, zones: compiled.zones, maps: compiled.maps,
        model: compiled.model, board: compiled.initialBoard, rules: compiled.rules,
        isReady: isReady))
    for (endpoint, condition) in zip(compiled.model.endpoints, compiled.initialBoard.conditions) {
      health[endpoint.id] = condition
    }
  }

  package var edition: Edition { desk.take() }

  /// Serving begins: the first round of checks is complete, or its deadline has passed.
  package func markReady() {
    guard !isReady else { return }
    isReady = true
    publish()
  }

  /// Takes the state of some endpoints, by id (`region/pool/address:port`). Ids that the current
  /// configuration does not have are passed over. An operator's word in them counts for nothing.
  package func apply(_ conditions: [String: EndpointCondition]) {
    var isChanged = false
    for (id, condition) in conditions where health[id] != nil && health[id] != condition {
      health[id] = condition
      isChanged = true
    }
    if isChanged { publish() }
  }

  /// Takes what the names that serve in place of endpoints were found to be, all of them.
  package func apply(_ resolved: ResolvedNames) {
    guard resolved != self.resolved else { return }
    self.resolved = resolved
    publish()
  }

  /// Replaces the configuration whole. Overrides of what is still there carry over.
  ///
  /// - Parameter conditions: the state of its endpoints, by id; the others start anew.
  /// - Returns: zones that came from primaries and do not go with the new configuration.
  @discardableResult
  package func replace(
    with next: CompiledSettings, conditions: [String: EndpointCondition]
  ) -> [DomainName] {
    health = [:]
    for (endpoint, initial) in zip(next.model.endpoints, next.initialBoard.conditions) {
      health[endpoint.id] = conditions[endpoint.id] ?? initial
    }
    compiled = next
    let lost = layOverTransferred()
    overrides.removeAll { !isKnown($0.target) }
    publish(revision: edition.revision + 1)
    return lost
  }

  /// Lets the keys of signed zones do what their times say.
  ///
  /// - Parameter now: seconds since 1970.
  /// - Returns: nil: nothing has changed. Otherwise the zones that keep keys whose time is over,
  ///   since no other would sign.
  package func advanceKeys(to now: Int) -> [KeyRefusal]? {
    guard let (advanced, refusals) = compiled.advancingKeys(to: now) else { return nil }
    compiled = advanced
    publish()
    return refusals
  }

  /// Sets an override; one that was there for the same target is replaced.
  package func set(_ override: Override) throws(PublishingError) {
    guard isKnown(override.target) else {
      throw .unknownTarget(override.target.description)
    }
    overrides.removeAll { $0.target == override.target }
    if override.state != .auto { overrides.append(override) }
    publish()
    scheduleExpiry()
  }

  /// Takes an override back; false if there was none.
  package func removeOverride(of target: Override.Target) -> Bool {
    guard overrides.contains(where: { $0.target == target }) else { return false }
    overrides.removeAll { $0.target == target }
    publish()
    return true
  }

  /// Ends the overrides whose time has come.
  package func expireOverrides() {
    let moment = now()
    let before = overrides.count
    overrides.removeAll { $0.expiresAt.map { $0 <= moment } ?? false }
    if overrides.count != before { publish() }
    scheduleExpiry()
  }

  private func scheduleExpiry() {
    expiryTask?.cancel()
    guard let next = overrides.compactMap(\.expiresAt).min() else { return }
    let seconds = max(0, next - now())
    expiryTask = Task { [weak self] in
      try? await Task.sleep(for: .seconds(seconds))
      if !Task.isCancelled { await self?.expireOverrides() }
    }
  }

  private func isKnown(_ target: Override.Target) -> Bool {
    if target.pool == nil {
      return compiled.model.regions.contains { $0.name == target.region }
    }
    return compiled.model.endpoints.contains { target.covers($0.id) }
  }

  func publish(revision: UInt64? = nil) {
    let previous = edition
    let conditions = compiled.model.endpoints.map { endpoint in
      var condition = health[endpoint.id] ?? EndpointCondition(health: .unknown)
      condition.override = overrides.filter { $0.target.covers(endpoint.id) }
        .reduce(.auto) { $0.safer($1.state) }
      return condition
    }
    let regionOverrides = compiled.model.regions.map { region in
      overrides.filter { $0.target.pool == nil && $0.target.region == region.name }
        .reduce(OverrideState.auto) { $0.safer($1.state) }
    }
    desk.publish(
      Edition(
        number: previous.number + 1, revision: revision ?? previous.revision,
        zones: zones, maps: compiled.maps, model: compiled.model,
        board: HealthBoard(conditions: conditions, regionOverrides: regionOverrides),
        resolved: resolved, rules: compiled.rules, isReady: isReady, previous: previous))
  }
}
