package import Routing

/// Regions that fail together, and how.
package struct Failure: Sendable, Hashable {
  package enum Manner: String, Sendable, CaseIterable, Codable {
    /// Health checks find every endpoint unhealthy.
    case unhealthy
    /// The same, while an operator has set every other region `up`.
    case unhealthyOthersUp = "unhealthy, all others up"
    /// An operator took them out with `down`.
    case down
    /// An operator took them out with `drain`.
    case drained
  }

  /// Indices into `RoutingModel/regions`, ascending.
  package var regions: [Int]
  package var manner: Manner

  package init(regions: [Int], manner: Manner) {
    self.regions = regions
    self.manner = manner
  }

  /// A board with this failure on it.
  package func applied(to board: HealthBoard, model: RoutingModel) -> HealthBoard {
    var board = board
    let isFailed = model.regions.indices.map(regions.contains)
    if board.regionOverrides.count < model.regions.count {
      board.regionOverrides += Array(
        repeating: .auto, count: model.regions.count - board.regionOverrides.count)
    }
    for (index, endpoint) in model.endpoints.enumerated() {
      change(&board.conditions[index], isFailed: isFailed[endpoint.region])
    }
    for region in model.regions.indices {
      if let word = word(isFailed: isFailed[region]) { board.regionOverrides[region] = word }
    }
    return board
  }

  private func change(_ condition: inout EndpointCondition, isFailed: Bool) {
    if let word = word(isFailed: isFailed) { condition.override = word }
    let isUnhealthy = manner == .unhealthy || manner == .unhealthyOthersUp
    guard isFailed, isUnhealthy else { return }
    condition.health = .unhealthy
    // It was good until now.
    condition.lastGood = max(1, condition.lastGood == .max ? 1 : condition.lastGood)
    if condition.override == .up { condition.override = .auto }
  }

  /// What an operator says of a region; nil: nothing.
  private func word(isFailed: Bool) -> OverrideState? {
    switch manner {
    case .unhealthy: nil
    case .unhealthyOthersUp: isFailed ? nil : .up
    case .down: isFailed ? .down : nil
    case .drained: isFailed ? .drain : nil
    }
  }
}

/// Every subset of `0..<count` with at most `largest` members, smallest first.
func subsets(of count: Int, upTo largest: Int) -> [[Int]] {
  var result: [[Int]] = [[]]
  var lastLevel: [[Int]] = [[]]
  for _ in 0..<largest {
    lastLevel = lastLevel.flatMap { subset in
      ((subset.last ?? -1) + 1..<max(count, (subset.last ?? -1) + 1)).map { subset + [$0] }
    }
    result += lastLevel
  }
  return result
}
