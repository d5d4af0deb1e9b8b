/// Makes rates of the sums that the data plane counts by cohort.
public struct DemandMeter: Sendable {
  /// Sums since the start of the process, by row: the cohorts of the first service, then those of
  /// the second…; rows beyond the end of the counters begin at their start again.
  public struct Sums: Sendable, Equatable {
    public var answers: [UInt64]
    public var connections: [UInt64]

    public init(answers: [UInt64], connections: [UInt64]) {
      self.answers = answers
      self.connections = connections
    }
  }

  private var last: Sums?
  private var lastRevision: UInt64 = 0
  private var lastCounts: [Int] = []
  private var lastRead = Duration.zero

  public init() {}

  /// - Parameters:
  ///   - cohortCounts: by service.
  ///   - connectionsPerAnswer: by service, how many connections an answer of DNS stands for.
  ///   - revision: with another one the rows have another meaning.
  /// - Returns: new connections a second by service and cohort; nil: there is nothing to compare
  ///   with yet.
  public mutating func read(
    _ sums: Sums, cohortCounts: [Int], connectionsPerAnswer: [Double], revision: UInt64,
    now: Duration
  ) -> [[Double]]? {
    defer {
      (last, lastRevision, lastCounts, lastRead) = (sums, revision, cohortCounts, now)
    }
    let seconds = (now - lastRead) / .seconds(1)
    guard let last, lastRevision == revision, lastCounts == cohortCounts, seconds > 0,
      sums.answers.count > 0
    else { return nil }
    let total = cohortCounts.reduce(0, +)
    // Where rows share a cell its count is divided among them.
    let sharers = Double(max(1, (total + sums.answers.count - 1) / sums.answers.count))
    var row = 0
    return zip(cohortCounts, connectionsPerAnswer).map { count, perAnswer in
      defer { row += count }
      return (row..<row + count).map { row in
        let cell = row % sums.answers.count
        let answers = Double(sums.answers[cell] &- last.answers[cell])
        let connections = Double(sums.connections[cell] &- last.connections[cell])
        return (answers * perAnswer + connections) / seconds / sharers
      }
    }
  }
}
