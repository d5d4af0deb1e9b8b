package import Admitting
import Compiling
package import Routing
import Settings

/// A change of a service's primary, and of which service.
package struct PrimaryChange: Sendable, Equatable {
  package var service: String
  package var change: PrimaryStateMachine.Change
}

/// How an active-passive service stands.
package struct PrimaryReport: Sendable, Equatable {
  package var service: String
  package var region: String
  package var epoch: UInt64
  package var state: PrimaryRegion.State
  package var isChosen: Bool
  /// The regions of the order, in it.
  package var candidates: [PrimaryStateMachine.Candidate]
  /// While clients return gradually: the region that still has some, and the primary's share.
  package var former: String?
  package var share: Double
  /// The fleet does not know of it.
  package var isUnreplicated = false
  /// The fleet's store does not answer: it stays as it is.
  package var isFrozen = false
}

/// The primaries of active-passive services, by service name.
struct PrimaryDesk: Sendable {
  /// Those of services that are gone as well: an epoch never comes again.
  var machines: [String: PrimaryStateMachine] = [:]
  /// By service index; nil where a service is not active-passive.
  var rules: [PrimaryStateMachine.Rules?] = []
  var lags: [String: [String: PrimaryStateMachine.Lag]] = [:]
  /// That of services of which nothing is known.
  var firstEpoch: UInt64 = 1
  /// Not yet told.
  var changes: [PrimaryChange] = []
  /// The fleet's; nil: they are this node's alone.
  var shared: SharedPrimaryDesk?

  /// Indices of services that a node decides on alone while the fleet's store does not answer.
  var promotesAlone: Set<Int> = []

  init(_ settings: Settings) {
    let alone = settings.services.indices.filter {
      settings.primary(of: settings.services[$0])?.onStoreLoss == .localPromote
    }
    promotesAlone = Set(alone)
    rules = settings.services.map { service in
      settings.primary(of: service).map { PrimaryStateMachine.Rules($0, in: settings) }
    }
  }
}

extension BoardKeeper {
  /// Goes on where a run before ended.
  ///
  /// - Parameter firstEpoch: of services that are not among the records.
  package mutating func restorePrimaries(
    _ records: [PrimaryStore.Record], firstEpoch: UInt64
  ) {
    primaries.firstEpoch = firstEpoch
    for record in records {
      primaries.machines[record.service] = PrimaryStateMachine(
        primary: record.region, epoch: record.epoch, isChosen: record.chosen)
      if record.unreplicated == true { primaries.shared?.unreplicated.insert(record.service) }
    }
  }

  /// What is to be kept over a restart, by service name.
  package var primaryRecords: [PrimaryStore.Record] {
    primaries.machines.map { service, machine in
      PrimaryStore.Record(
        service: service, region: machine.primary, epoch: machine.epoch,
        chosen: machine.isChosen,
        unreplicated: primaries.shared?.unreplicated.contains(service) == true ? true : nil)
    }.sorted { $0.service < $1.service }
  }

  /// The changes since it was last asked.
  package mutating func takePrimaryChanges() -> [PrimaryChange] {
    defer { primaries.changes = [] }
    return primaries.changes
  }

  package mutating func apply(_ readings: [LagReading], now: Duration) {
    for reading in readings {
      primaries.lags[reading.service, default: [:]][reading.region] =
        PrimaryStateMachine.Lag(reading.lag, measuredAt: now)
    }
  }

  package var primaryReports: [PrimaryReport] {
    zip(model.services, primaries.rules).compactMap { service, rules in
      guard let rules, let machine = primaries.machines[service.name] else { return nil }
      return PrimaryReport(
        service: service.name, region: machine.primary, epoch: machine.epoch,
        state: machine.state(rules: rules), isChosen: machine.isChosen,
        candidates: machine.candidates, former: machine.former,
        share: machine.share(rules: rules),
        isUnreplicated: primaries.shared?.unreplicated.contains(service.name) ?? false,
        isFrozen: primaries.shared.map { !$0.isReachable } ?? false)
    }
  }

  /// Follows an operator who promotes a region, or gives clients back.
  ///
  /// - Returns: false: there is no active-passive service of that name.
  package mutating func change(
    primaryOf name: String,
    _ body: (inout PrimaryStateMachine, PrimaryStateMachine.Rules) throws(PrimaryStateMachine
      .Refusal) -> PrimaryStateMachine.Change
  ) throws(PrimaryStateMachine.Refusal) -> Bool {
    guard let index = model.services.firstIndex(where: { $0.name == name }),
      index < primaries.rules.count, let rules = primaries.rules[index],
      var machine = primaries.machines[name]
    else { return false }
    let change = try body(&machine, rules)
    primaries.machines[name] = machine
    primaries.changes.append(PrimaryChange(service: name, change: change))
    return true
  }

  /// Lets time pass for all of them.
  mutating func advancePrimaries(on board: HealthBoard, now: Duration) -> [PrimaryRegion?] {
    primaries.shared?.proposals = [:]
    guard primaries.rules.contains(where: { $0 != nil }) else { return [] }
    return primaries.rules.enumerated().map { service, rules in
      guard let rules else { return nil }
      return advancePrimary(ofService: service, rules, on: board, now: now)
    }
  }

  private mutating func advancePrimary(
    ofService service: Int, _ rules: PrimaryStateMachine.Rules, on board: HealthBoard,
    now: Duration
  ) -> PrimaryRegion? {
    let name = model.services[service].name
    let order = model.services[service].primaryOrder ?? []
    let candidates = order.map { region in
      PrimaryStateMachine.Candidate(
        name: model.regions[region].name,
        standing: model.healthStanding(ofRegion: region, forService: service, on: board).standing,
        lag: primaries.lags[name]?[model.regions[region].name])
    }
    guard let first = candidates.first else { return nil }
    var machine =
      primaries.machines[name]
      ?? PrimaryStateMachine(primary: first.name, epoch: primaries.firstEpoch)
    if let proposal = machine.propose(candidates, rules: rules, now: now),
      primaries.decides(proposal, service: name, index: service)
    {
      let change = machine.take(proposal)
      primaries.changes.append(PrimaryChange(service: name, change: change))
    }
    primaries.machines[name] = machine
    func index(_ name: String) -> Int? {
      // The fleet's primary is the only one also where the order does not have it any more.
      order.first { model.regions[$0].name == name }
        ?? (primaries.shared == nil ? nil : model.regions.firstIndex { $0.name == name })
    }
    return index(machine.primary).map { region in
      PrimaryRegion(
        region: region, epoch: machine.epoch, state: machine.state(rules: rules),
        former: machine.former.flatMap(index), share: machine.share(rules: rules),
        isChanging: machine.isChanging(rules: rules))
    }
  }

  /// When time alone changes one of them; nil: never.
  var primariesDue: Duration? {
    zip(model.services, primaries.rules).compactMap { service, rules in
      rules.flatMap { primaries.machines[service.name]?.due(rules: $0) }
    }.min()
  }
}

extension PrimaryStateMachine.Rules {
  init(_ primary: Settings.Policy.Primary, in settings: Settings) {
    let failback: PrimaryStateMachine.Failback =
      switch primary.failback {
      case .auto: .auto
      case .gradual: .gradual
      case .manual: .manual
      }
    self.init(
      order: primary.order.map { settings.regions[$0].name }, failHold: primary.failHold,
      failback: failback, failbackAfter: primary.failbackAfter,
      maximumLoss: primary.lag?.maximumLoss, maximumLagAge: primary.lag?.maximumAge ?? .zero,
      ramp: settings.stability.ramp, rampStart: settings.stability.rampStart)
  }
}
