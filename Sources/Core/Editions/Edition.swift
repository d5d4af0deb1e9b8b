import Homes
public import Places
public import Routing
public import Signing
public import Zones

/// Everything that serving reads, compiled, immutable, numbered. A packet or a connection is
/// answered from exactly one edition. A change of health makes a new one that shares all tables
/// that do not depend on health.
public final class Edition: Sendable {
  /// Grows by one with every edition of this process; in logs, metrics and explanations.
  public let number: UInt64
  /// Grows by one with every accepted configuration; health leaves it as it is.
  public let revision: UInt64
  public let zones: ZoneTable
  public let steering: SteeringTable
  public let answers: AnswerTable
  public let targets: TargetTable
  public let rules: AnswerRules
  /// By zone; nil where answers are not signed. Empty if none is.
  public let signers: [ZoneSigner?]
  /// False until the first round of health checks is complete or its deadline has passed: until
  /// then nothing is answered.
  public let isReady: Bool

  /// What the tables were compiled from, for explanations and for the next edition.
  public let model: RoutingModel
  public let board: HealthBoard
  /// What the names that serve in place of endpoints are, ours and others'.
  public let resolved: ResolvedNames
  /// What is to be resolved elsewhere for that.
  public let wantedNames: Set<ResolvedNames.Question>
  public let verdicts: [VerdictSet]

  /// Compiles the tables that depend on health.
  ///
  /// - Parameters:
  ///   - maps: address → cohort for each of `model.maps`.
  ///   - resolved: what was found of the names that lie outside our zones.
  ///   - previous: its verdicts are used again where nothing that they depend on has changed, if
  ///     it is of the same revision and has the same latencies.
  public init(
    number: UInt64, revision: UInt64, zones: ZoneTable, maps: CohortMaps, model: RoutingModel,
    board: HealthBoard, resolved: ResolvedNames = .none, rules: AnswerRules = AnswerRules(),
    isReady: Bool, previous: Edition? = nil
  ) {
    let reusable = previous.flatMap {
      $0.revision == revision && $0.model.latency == model.latency ? $0.verdicts : nil
    }
    let sets = model.services.indices.map { service in
      VerdictCompiler(model: model, service: service, board: board)
        .compile(reusing: reusable?[service])
    }
    self.number = number
    self.revision = revision
    self.zones = zones
    self.rules = rules
    signers =
      rules.signers.isEmpty
      ? []
      : (0..<zones.zoneCount).map {
        rules.signers[zones.name(ofZone: $0)]
      }
    steering = SteeringTable(
      maps: maps, services: model.services, sets: sets, homes: model.homes,
      uniformMap: model.uniformMap)
    let targets = TargetNames(model: model, zones: zones, resolved: resolved)
    answers = AnswerTable(model: model, board: board, sets: sets, resolved: targets.resolved)
    self.targets = TargetTable(model: model, board: board, sets: sets)
    self.isReady = isReady
    self.model = model
    self.board = board
    self.resolved = targets.resolved
    wantedNames = targets.wanted
    verdicts = sets
  }

  /// The service that answers for a key of another service, and in a word what has said so.
  public func cell(of service: Int, key: [UInt8]) -> (service: Int, rule: String) {
    let found = unsafe steering.cell(
      of: service, key: key.span.bytes, at: 0, byteCount: key.count)
    return (found.service, found.rule.name)
  }

  /// Why a client gets what it gets; nil if there is no such service.
  public func explain(_ client: ClientAddress, service: Int) -> Explanation? {
    guard model.services.indices.contains(service) else { return nil }
    return model.explain(
      client, service: service, board: board, steering: steering, sets: verdicts)
  }
}
