/// Chooses endpoints for the connections of one worker: told of all endpoints of a region that
/// are usable, it says which one.
///
///     begin → add, add, add … → choose ─→ the position of one, or nil
///
/// What it keeps between connections is its random state and the turns of `roundRobin`. Once it
/// has seen the largest region, choosing allocates nothing, takes no lock and touches no count
/// of references that another thread touches.
public struct EndpointChooser: Sendable {
  /// An endpoint that may be chosen.
  private struct Candidate: BitwiseCopyable {
    /// In the order in which endpoints were added.
    var position: Int32
    /// Index of its turn.
    var endpoint: Int32
    /// Above 0.
    var weight: Int
    var openCount: Int
    /// Microseconds, of `peakLatency` alone; nil: not known.
    var latency: Double?
    var identity: UInt64
  }

  /// Weights are refined by so much, so that a slow start has as many steps.
  private static let weightScale = 64

  /// Of two weights that were meant: 1000 times 100 % against 1 times 1 %.
  private static let greatestRatio = 100_000

  /// Connections that crowd no endpoint: with few, each client's second one would go elsewhere.
  private static let leastBound = 8.0

  private var random: FastRandom
  private var candidates: [Candidate] = []
  /// Those that are ejected: used if no endpoint of the region is not.
  private var ejected: [Candidate] = []
  private var addedCount: Int32 = 0
  /// An endpoint was added that is not ejected, whether or not it may be chosen now.
  private var hasUnejected = false
  /// An endpoint was added that is left out only because it has as many connections as it may have.
  public private(set) var hasFull = false
  /// By endpoint: how much weight it is behind (above 0) or ahead of its part.
  private var turns: [Int] = []

  public init(seed: UInt64) { random = FastRandom(seed: seed) }

  /// Endpoints have other indices from now on.
  public mutating func renumber(endpointCount: Int) {
    turns.removeAll(keepingCapacity: true)
    turns.reserveCapacity(endpointCount)
    for _ in 0..<endpointCount { turns.append(0) }
  }

  /// Forgets the endpoints of the choice before.
  public mutating func begin() {
    candidates.removeAll(keepingCapacity: true)
    ejected.removeAll(keepingCapacity: true)
    addedCount = 0
    hasUnejected = false
    hasFull = false
  }

  /// Tells of the next usable endpoint of the region, in the order of the settings.
  ///
  /// - Parameters:
  ///   - endpoint: its index, below the count of ``renumber(endpointCount:)``.
  ///   - weight: above 0.
  ///   - other: of the same server at its other address; nil: it has none. Its connections count
  ///     with those of `load`, and it is ejected only at both.
  ///   - isExcluded: this connection has tried it already, or avoids it for another reason.
  public mutating func add(
    endpoint: Int, weight: Int, load: EndpointLoad, other: EndpointLoad? = nil, isExcluded: Bool,
    rules: borrowing BalanceRules, now: UInt64
  ) {
    let position = addedCount
    addedCount &+= 1
    let isEjected = load.isEjected(now: now) && other?.isEjected(now: now) != false
    if !isEjected { hasUnejected = true }
    let openCount = load.openCount + (other?.openCount ?? 0)
    guard !isExcluded else { return }
    guard openCount < rules.maximumConnections ?? .max else {
      hasFull = true
      return
    }
    let share = load.startShare(now: now, window: rules.slowStart)
    let whole = weight * Self.weightScale
    let candidate = Candidate(
      position: position, endpoint: Int32(endpoint),
      weight: share == 1 ? whole : max(1, Int(Double(whole) * share)),
      // Another thread may be between its two steps.
      openCount: max(0, openCount),
      latency: rules.method == .peakLatency
        ? load.expectedLatency(now: now) ?? other?.expectedLatency(now: now) : nil,
      identity: load.identity)
    if isEjected { ejected.append(candidate) } else { candidates.append(candidate) }
  }

  /// The position of the endpoint to connect to, in the order of the adding; nil: none of them.
  ///
  /// - Parameters:
  ///   - key: ``Rendezvous/key(_:bitsIPv4:bitsIPv6:)`` of the client, for `hash`.
  ///   - takesEjected: whether ejected ones may be chosen where the others were tried or are full.
  ///     Where all usable endpoints of the region are ejected they always may.
  public mutating func choose(
    _ rules: borrowing BalanceRules, key: UInt64, takesEjected: Bool = false
  ) -> Int? {
    if candidates.isEmpty && (takesEjected || !hasUnejected) { swap(&candidates, &ejected) }
    dropReserve()
    guard candidates.count > 1 else { return candidates.first.map { Int($0.position) } }
    let index =
      switch rules.method {
      case .powerOfTwo: betterOfTwo()
      case .leastConnections: leastLoaded()
      case .roundRobin: nextInTurn()
      case .peakLatency: quickerOfTwo()
      case .hash: nearest(to: key, boundedLoad: rules.boundedLoad)
      case .first: 0
      }
    return Int(candidates[index].position)
  }

  /// Whoever has but a trace of weight is left out while others are there, whatever their load: an
  /// idle endpoint of another availability zone must not draw what its zone is not to get.
  private mutating func dropReserve() {
    var heaviest = 0
    var lightest = Int.max
    for candidate in candidates {
      heaviest = max(heaviest, candidate.weight)
      lightest = min(lightest, candidate.weight)
    }
    let least = heaviest / Self.greatestRatio
    guard lightest < least else { return }
    candidates.removeAll { $0.weight < least }
  }

  private var totalWeight: Int {
    var total = 0
    for candidate in candidates { total += candidate.weight }
    return total
  }

  private mutating func betterOfTwo() -> Int {
    let total = totalWeight
    let first = drawn(below: total, without: nil)
    // What is idle is not the busier one. Otherwise the heavier of two would have nearly all
    // connections while there are few.
    guard candidates[first].openCount > 0 else { return first }
    let second = drawn(below: total - candidates[first].weight, without: first)
    return load(first) > load(second) ? second : first
  }

  /// Connections for the weight, with the one that is to come.
  private func load(_ index: Int) -> Double {
    Double(candidates[index].openCount + 1) / Double(candidates[index].weight)
  }

  private mutating func quickerOfTwo() -> Int {
    let total = totalWeight
    let first = drawn(below: total, without: nil)
    let second = drawn(below: total - candidates[first].weight, without: first)
    guard let latency = candidates[first].latency, let other = candidates[second].latency else {
      // Nothing is known of one of them: it is to be tried, but no herd is to do so at once.
      return load(first) > load(second) ? second : first
    }
    let mean = Double(total) / Double(candidates.count)
    func burden(_ index: Int) -> Double {
      1 + Double(candidates[index].openCount) * mean / Double(candidates[index].weight)
    }
    return latency * burden(first) > other * burden(second) ? second : first
  }

  /// One by weight, at random.
  private mutating func drawn(below total: Int, without excluded: Int?) -> Int {
    var ticket = random.below(total)
    var last = 0
    for index in candidates.indices where index != excluded {
      last = index
      if ticket < candidates[index].weight { break }
      ticket -= candidates[index].weight
    }
    return last
  }

  private mutating func leastLoaded() -> Int {
    var best = 0
    var lowest = Double.infinity
    var tied = 0
    for index in candidates.indices {
      let weight = candidates[index].weight
      let load = Double(candidates[index].openCount) / Double(weight)
      if load < lowest {
        (best, lowest, tied) = (index, load, weight)
      } else if load == lowest {
        // By weight among all that are equal so far.
        tied += weight
        if random.below(tied) < weight { best = index }
      }
    }
    return best
  }

  /// The smooth weighted turn (as in nginx): whoever is furthest behind its part.
  private mutating func nextInTurn() -> Int {
    let total = totalWeight
    var best = 0
    var furthest = Int.min
    for index in candidates.indices {
      let endpoint = Int(candidates[index].endpoint)
      // Nobody is behind by more than one round of all; what exceeds that comes from other weights.
      let behind = min(total, max(-total, turns[endpoint])) + candidates[index].weight
      turns[endpoint] = behind
      if behind > furthest { (best, furthest) = (index, behind) }
    }
    turns[Int(candidates[best].endpoint)] -= total
    return best
  }

  /// The client's own endpoint, or its next one that is not above its bound (Mirrokni, Thorup,
  /// Zadimoghaddam 2018).
  private func nearest(to key: UInt64, boundedLoad: Double?) -> Int {
    var total = 0
    var openCount = 1
    for candidate in candidates {
      total += candidate.weight
      openCount += candidate.openCount
    }
    let perWeight = (boundedLoad ?? .infinity) * Double(openCount) / Double(total)
    var best = 0
    var lowest = Double.infinity
    for (index, candidate) in candidates.enumerated() {
      let weight = Double(candidate.weight)
      // At least one always has room, as the factor is above 1.
      let bound = max(Self.leastBound, (perWeight * weight).rounded(.up))
      guard Double(candidate.openCount) < bound else { continue }
      let cost = Rendezvous.cost(key: key, identity: candidate.identity, weight: weight)
      if cost < lowest { (best, lowest) = (index, cost) }
    }
    return best
  }
}
