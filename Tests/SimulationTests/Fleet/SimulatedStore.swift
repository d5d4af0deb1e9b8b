import Clustering
import Publishing
import Voting

/// What the store's cluster has: one history, in which every write is a compare and swap.
struct SimulatedStore {
  /// All of it at one revision.
  struct Picture {
    var revision: Int64 = 0
    /// By node.
    var reports: [Int: HealthReport] = [:]
    var overrides: [Override.Target: OverrideLedger.Stored] = [:]
    var primary: (primary: SharedPrimary, revision: Int64)?
  }

  private(set) var history = [Picture()]
  /// By node: the second in which its report ends.
  private var leases: [Int: Int] = [:]

  var now: Picture { history[history.count - 1] }

  private mutating func write(_ body: (inout Picture) -> Void) {
    var next = now
    next.revision += 1
    body(&next)
    history.append(next)
  }

  mutating func expire(second: Int) {
    let ended = leases.filter { $0.value <= second }.keys.sorted()
    guard !ended.isEmpty else { return }
    for node in ended { leases[node] = nil }
    write { picture in for node in ended { picture.reports[node] = nil } }
  }

  mutating func report(_ report: HealthReport, of node: Int, until second: Int) {
    leases[node] = second
    guard now.reports[node] != report else { return }
    write { $0.reports[node] = report }
  }

  /// - Returns: whether it was written.
  mutating func swap(
    _ record: SharedOverride, of target: Override.Target, expecting revision: Int64
  ) -> Bool {
    guard now.overrides[target]?.revision ?? 0 == revision else { return false }
    write { $0.overrides[target] = .init(record: record, revision: $0.revision) }
    return true
  }

  mutating func swap(_ primary: SharedPrimary, expecting revision: Int64) -> Bool {
    guard now.primary?.revision ?? 0 == revision else { return false }
    write { $0.primary = (primary, $0.revision) }
    return true
  }
}
