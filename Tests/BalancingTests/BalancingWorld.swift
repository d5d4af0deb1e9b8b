import Balancing

let second: UInt64 = 1_000_000_000
let millisecond: UInt64 = 1_000_000

/// An endpoint of a world, and what is known of it.
final class Endpoint {
  let load: EndpointLoad
  let weight: Int

  init(_ id: String, weight: Int = 1) {
    load = EndpointLoad(id: id, serial: 1)
    self.weight = weight
  }

  deinit { load.deallocate() }
}

/// The endpoints of one region and the one worker that connects to them, in virtual time.
struct BalancingWorld {
  var rules: BalanceRules
  var endpoints: [Endpoint]
  var chooser: EndpointChooser
  var now = second
  /// What connections are open, the end of each and its endpoint; a heap would be quicker.
  private var ends: [(end: UInt64, endpoint: Int)] = []

  init(
    _ method: BalanceRules.Method, weights: [Int], seed: UInt64 = 1, prefix: String = "r/p/e"
  ) {
    rules = BalanceRules()
    rules.method = method
    endpoints = weights.enumerated().map { Endpoint("\(prefix)\($0)", weight: $1) }
    chooser = EndpointChooser(seed: seed)
    chooser.renumber(endpointCount: weights.count)
  }

  /// - Parameters:
  ///   - usable: those that health leaves; nil: all.
  ///   - tried: what this connection has tried.
  mutating func choose(
    key: UInt64 = 0, usable: Set<Int>? = nil, tried: Set<Int> = [], takesEjected: Bool = false
  ) -> Int? {
    chooser.begin()
    var positions: [Int] = []
    for (index, endpoint) in endpoints.enumerated() where usable?.contains(index) ?? true {
      positions.append(index)
      chooser.add(
        endpoint: index, weight: endpoint.weight, load: endpoint.load,
        isExcluded: tried.contains(index), rules: rules, now: now)
    }
    return chooser.choose(rules, key: key, takesEjected: takesEjected).map { positions[$0] }
  }

  /// Opens one connection that stays for so long.
  mutating func open(for duration: (Int) -> UInt64, key: UInt64 = 0) -> Int? {
    guard let index = choose(key: key) else { return nil }
    endpoints[index].load.enter()
    ends.append((now &+ duration(index), index))
    return index
  }

  /// Time passes; what has ended closes.
  mutating func advance(by nanoseconds: UInt64) {
    now += nanoseconds
    for (end, endpoint) in ends where end <= now { endpoints[endpoint].load.leave() }
    ends.removeAll { $0.end <= now }
  }
}

/// How often each endpoint occurs.
func counts(_ chosen: [Int], of count: Int) -> [Int] {
  var counts = Array(repeating: 0, count: count)
  for index in chosen { counts[index] += 1 }
  return counts
}
