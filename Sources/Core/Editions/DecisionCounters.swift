public import Counters
import Routing

/// The cells in which a thread counts decisions by service, region, policy and reason. They are
/// looked up once for every edition, so that a decision only indexes.
public struct DecisionCounters {
  private let board: CounterBoard
  private let series: String
  /// By outcome over all services, as a decision says it.
  @usableFromInline var cells: [CounterIndex] = []
  private var known: [Key: CounterIndex] = [:]
  private var revision: UInt64 = .max
  /// The number of the edition that the cells are of; 0: of none.
  public private(set) var edition: UInt64 = 0

  private struct Key: Hashable {
    var service: Int
    var region: Int?
    var reason: String
  }

  public init(_ series: String, board: CounterBoard) {
    self.series = series
    self.board = board
  }

  /// The cell of an outcome of the edition that was registered last.
  @inlinable public subscript(outcome: Int) -> CounterIndex { cells[outcome] }

  /// Makes ready for an edition.
  public mutating func register(_ edition: Edition) {
    if edition.revision != revision {
      revision = edition.revision
      known = [:]
    }
    self.edition = edition.number
    cells = edition.verdicts.enumerated().flatMap { service, set in
      set.outcomes.map { outcome in
        let key = Key(
          service: service, region: outcome.regions.first,
          reason: edition.model.services[service].reason(of: outcome))
        if let cell = known[key] { return cell }
        let cell = board.index(of: series(key, in: edition))
        known[key] = cell
        return cell
      }
    }
  }

  private func series(_ key: Key, in edition: Edition) -> CounterBoard.Series {
    let service = edition.model.services[key.service]
    return CounterBoard.Series(
      series,
      labels: [
        .init("service", service.name), .init("policy", service.policyName),
        .init("region", key.region.map { edition.model.regions[$0].name } ?? "none"),
        .init("reason", key.reason),
      ])
  }
}
