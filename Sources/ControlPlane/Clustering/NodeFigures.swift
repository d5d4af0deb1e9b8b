/// What a node does for its clients: a part of what it says of itself.
package struct NodeFigures: Codable, Sendable, Equatable {
  /// DNS answers and connections of the proxy, of the last ``ErrorWindow/length`` or since the node
  /// has the text that it has.
  package var asked: Int
  /// Of these: SERVFAIL, and connections for which there was no endpoint.
  package var failed: Int
  /// Pools in regions that have no endpoint that works.
  package var down: Int

  package init(asked: Int = 0, failed: Int = 0, down: Int = 0) {
    self.asked = asked
    self.failed = failed
    self.down = down
  }

  /// Where less fails, and less is down.
  package func better(_ other: NodeFigures) -> NodeFigures {
    var better = other.errors < errors ? other : self
    better.down = min(down, other.down)
    return better
  }

  /// The share that failed, 0...1.
  package var errors: Double { asked > 0 ? min(1, Double(failed) / Double(asked)) : 0 }
}

/// How much was asked for and how much failed lately, from sums that only grow.
package struct ErrorWindow: Sendable {
  package static let length = Duration.seconds(60)

  private struct Sample: Sendable {
    var asked: UInt64
    var failed: UInt64
    var at: Duration
  }

  /// The oldest first.
  private var samples: [Sample] = []

  package init() {}

  /// - Parameters:
  ///   - asked, failed: since the start of the process.
  ///   - now: on a clock that only goes forward.
  package mutating func take(asked: UInt64, failed: UInt64, now: Duration) {
    // One that is older stays, so that the whole of the window is covered.
    while samples.count > 1, now - samples[1].at >= Self.length { samples.removeFirst() }
    samples.append(Sample(asked: asked, failed: failed, at: now))
  }

  package var asked: Int { growth(\.asked) }
  package var failed: Int { growth(\.failed) }

  private func growth(_ sum: (Sample) -> UInt64) -> Int {
    guard let first = samples.first, let last = samples.last else { return 0 }
    return Int(clamping: sum(last) - min(sum(first), sum(last)))
  }
}
