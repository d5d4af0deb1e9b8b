import Latency

/// The excess over the best region of many clients.
struct Excess {
  /// Of one client each.
  private(set) var entries: [(milliseconds: Double, weight: Double)] = []

  mutating func add(_ milliseconds: Double, weight: Double) {
    entries.append((milliseconds, weight))
  }

  /// Weighted by users.
  var mean: Double { share { $0 } }
  /// One vote a place.
  var meanOfPlaces: Double {
    entries.reduce(0) { $0 + $1.milliseconds } / Double(max(1, entries.count))
  }
  /// Of users, 0...1.
  var shareBeyond25: Double { share { $0 > 25 ? 1 : 0 } }
  var shareBest: Double { share { $0 < 0.05 ? 1 : 0 } }

  /// The excess that 95 % of users do not go beyond.
  var p95: Double {
    let total = entries.reduce(0) { $0 + $1.weight }
    var passed = 0.0
    for entry in entries.sorted(by: { $0.milliseconds < $1.milliseconds }) {
      passed += entry.weight
      if passed >= 0.95 * total { return entry.milliseconds }
    }
    return 0
  }

  private func share(_ value: (Double) -> Double) -> Double {
    let total = entries.reduce(0) { $0 + $1.weight }
    return total > 0 ? entries.reduce(0) { $0 + value($1.milliseconds) * $1.weight } / total : 0
  }
}

extension Trial {
  /// The excess of whatever `choose` takes for each client; nil: it has no say about this one.
  func excess(_ choose: (_ client: Int, _ candidates: [Int]) -> Int?) -> Excess {
    var excess = Excess()
    for node in clients {
      let candidates = reachable(node)
      guard let choice = choose(node, candidates) else { continue }
      excess.add(
        self.excess(node, of: choice, among: candidates), weight: mesh.nodes[node].weight)
    }
    return excess
  }

  /// The nearest region.
  func distanceAlone() -> Excess { excess { byDistance($0, among: $1).first } }

  /// Every client decided for by what the others of its country measured, its own left out.
  func neighboursOnly() -> Excess {
    excess { node, candidates in
      var model = newModel()
      var noise = Noise(seed: seed)
      for other in clients
      where other != node && mesh.nodes[other].country == mesh.nodes[node].country {
        for region in byDistance(other, among: reachable(other)).prefix(Self.candidateCount) {
          for _ in 0..<Self.samplesEach {
            measure(other, region, into: &model, noise: &noise)
          }
        }
      }
      _ = model.publish(at: 1_000_000)
      return byEstimate(node, of: model, among: candidates).first
    }
  }

  static let candidateCount = 3
  static let samplesEach = 10

  /// Every client measured the three regions nearest to it and takes the best of them.
  func ownMeasurements() -> Excess {
    var model = newModel()
    var noise = Noise(seed: seed)
    for node in clients {
      for region in byDistance(node, among: reachable(node)).prefix(Self.candidateCount) {
        for _ in 0..<Self.samplesEach { measure(node, region, into: &model, noise: &noise) }
      }
    }
    _ = model.publish(at: 1_000_000)
    return excess { node, candidates in
      let measured = byDistance(node, among: candidates).prefix(Self.candidateCount)
      return byEstimate(node, of: model, among: Array(measured)).first
    }
  }

  struct Learning {
    /// After each request, the mean excess of that request, weighted by users.
    var curve: [Double] = []
    var curveOfPlaces: [Double] = []
    /// Changes of the first choice behind the twentieth request, for a client and request.
    var changeRate = 0.0

    /// Over the first `count` requests.
    func mean(_ count: Int) -> Double { curve.prefix(count).reduce(0, +) / Double(count) }
    func meanOfPlaces(_ count: Int) -> Double {
      curveOfPlaces.prefix(count).reduce(0, +) / Double(count)
    }
  }

  /// Clients ask one after the other, round after round; each request goes where the model says
  /// and is all that is measured.
  ///
  /// - Parameter isLost: whether each client's best region is lost before the first request.
  func learning(
    requests: Int, isLost: Bool = false, model start: LatencyModel? = nil
  ) -> (learning: Learning, model: LatencyModel) {
    var model = start ?? newModel()
    var noise = Noise(seed: seed &+ (isLost ? 1 : 0))
    var learning = Learning()
    var previous: [Int: Int] = [:]
    var changes = 0
    for request in 0..<requests {
      var excess = Excess()
      for node in clients {
        var candidates = reachable(node)
        var lost: Int?
        if isLost {
          let best = fastest(node, among: candidates)
          candidates.removeAll { $0 == best }
          lost = best
        }
        guard let choice = byEstimate(node, of: model, among: candidates, lost: lost).first
        else { continue }
        if request > 20, let before = previous[node], before != choice { changes += 1 }
        previous[node] = choice
        excess.add(
          self.excess(node, of: choice, among: candidates), weight: mesh.nodes[node].weight)
        measure(node, choice, into: &model, noise: &noise)
      }
      learning.curve.append(excess.mean)
      learning.curveOfPlaces.append(excess.meanOfPlaces)
      _ = model.publish(at: 1_000_000)
    }
    learning.changeRate =
      Double(changes) / Double(max(1, clients.count * max(1, requests - 21)))
    return (learning, model)
  }

  struct Loss {
    var nextNearest = Excess()
    var untrained = Excess()
    var measured = Excess()
  }

  /// Each client's best region is lost: where it goes by distance, by what regions measured among
  /// each other, and once the three nearest of the others were measured.
  func loss() -> Loss {
    var loss = Loss()
    let untrained = newModel()
    for node in clients {
      let all = reachable(node)
      let best = fastest(node, among: all)
      let candidates = all.filter { $0 != best }
      let nearest = byDistance(node, among: candidates)
      var measured = untrained
      var noise = Noise(seed: seed &+ UInt64(node))
      for region in nearest.prefix(Self.candidateCount) {
        for _ in 0..<Self.samplesEach { measure(node, region, into: &measured, noise: &noise) }
      }
      _ = measured.publish(at: 1_000_000)
      let weight = mesh.nodes[node].weight
      func add(_ region: Int?, to excess: inout Excess) {
        guard let region else { return }
        excess.add(self.excess(node, of: region, among: candidates), weight: weight)
      }
      add(nearest.first, to: &loss.nextNearest)
      add(
        byEstimate(node, of: untrained, among: candidates, lost: best).first, to: &loss.untrained)
      let three = Array(nearest.prefix(Self.candidateCount))
      add(byEstimate(node, of: measured, among: three, lost: best).first, to: &loss.measured)
    }
    return loss
  }
}
