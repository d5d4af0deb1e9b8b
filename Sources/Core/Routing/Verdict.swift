public import Places

/// What clients get: the regions to answer with, or why there are none.
public struct Outcome: Sendable, Hashable {
  public enum Kind: Sendable, Hashable { case serve, fail, noData }

  public var kind: Kind
  /// In order of preference; empty unless ``kind`` is `serve`.
  public var regions: [Int]
  /// How far down health had to be ignored.
  public var basis: Basis
  /// Where these regions are among the client's choices.
  public var rank: Rank
  /// A change may be near (a check speaks against the present health, a region returns), so answers
  /// are kept for a shorter time.
  public var isChanging: Bool

  public init(
    kind: Kind, regions: [Int], basis: Basis, rank: Rank = .preferred, isChanging: Bool = false
  ) {
    self.kind = kind
    self.regions = regions
    self.basis = basis
    self.rank = rank
    self.isChanging = isChanging
  }

  var changing: Outcome {
    var outcome = self
    outcome.isChanging = true
    return outcome
  }

  /// Why clients get this, in the word by which metrics and the API count it: the basis where it
  /// decided in place of health, else the rank.
  public var reason: String {
    switch basis {
    case .healthy, .degraded, .unknown: rank.name
    case .panic, .lastResort, .fencedOut, .fenceEmpty, .noHome: basis.name
    }
  }
}

/// Where regions are among a client's choices.
public enum Rank: UInt8, Sendable, Hashable, Comparable, BitwiseCopyable {
  /// First, or the share that the client has drawn.
  case preferred
  /// What comes before takes only a part of its clients, by its load, its dial or its ramp.
  case spillOver
  /// What comes before is not usable.
  case failover

  public static func < (a: Rank, b: Rank) -> Bool { a.rawValue < b.rawValue }

  /// The word for it in the API and in metrics.
  public var name: String {
    switch self {
    case .preferred: "preferred"
    case .spillOver: "spill_over"
    case .failover: "failover"
    }
  }
}

/// On what ground regions were found usable.
public enum Basis: UInt8, Sendable, Hashable, BitwiseCopyable {
  case healthy, degraded, unknown
  /// Too few endpoints are healthy to believe it: health is ignored.
  case panic
  /// Nothing was usable: `on_all_down` decided.
  case lastResort
  /// The fences leave no region for these clients.
  case fencedOut
  /// Nothing inside the fences was usable: their ``Fence/WhenEmpty`` decided.
  case fenceEmpty
  /// The key that is asked for has no home: its region is not known.
  case noHome

  /// Whether endpoints that probes call unhealthy are used as well.
  public var ignoresHealth: Bool {
    self == .panic || self == .lastResort || self == .fenceEmpty
  }

  /// The word for it in the API and in logs.
  public var name: String {
    switch self {
    case .healthy: "healthy"
    case .degraded: "degraded"
    case .unknown: "unknown"
    case .panic: "panic"
    case .lastResort: "last_resort"
    case .fencedOut: "fenced_out"
    case .fenceEmpty: "fence_empty"
    case .noHome: "no_home"
    }
  }
}

/// The current outcome of a cohort: one for all its clients, or shares drawn from a slot table.
///
///     bit 31      drawn
///     bits 0-30   outcome index, or slot table index if drawn
public struct Verdict: Sendable, Equatable, BitwiseCopyable {
  public let rawValue: UInt32
  @usableFromInline static let drawnBit: UInt32 = 1 << 31

  public init(outcome: Int) { rawValue = UInt32(outcome) }
  public init(slotTable: Int) { rawValue = UInt32(slotTable) | Self.drawnBit }

  @inlinable public var isDrawn: Bool { rawValue & Self.drawnBit != 0 }
  @inlinable public var index: Int { Int(rawValue & ~Self.drawnBit) }
}

/// The verdicts of one service over all its cohorts, at one state of health.
public struct VerdictSet: Sendable, Equatable {
  /// By cohort.
  public var verdicts: [Verdict]
  public var outcomes: [Outcome]
  /// Outcome index of each slot; every table has ``SlotTable/slotCount`` of them.
  public var slotTables: [[UInt16]]
  /// For each cohort: the usable regions in the order in which a failed connection tries them,
  /// as an index into ``retryOrders``.
  public var retryOrderOfCohort: [Int]
  public var retryOrders: [[Int]]
  /// What this was compiled from: equal standings give equal verdicts.
  public var standings: [RegionStanding]
}

/// How shares become slots. A client draws one of ``slotCount`` slots by its address; a table says
/// which outcome has the slot.
public enum SlotTable {
  /// Shares are exact to a thousandth.
  public static let slotCount = 1024

  /// All slots in a fixed random order, so that a run of them is spread over all clients.
  static let shuffled: [UInt16] = {
    var slots = (0..<slotCount).map { UInt16($0) }
    slots.sort {
      SplitMix64.mixed(UInt64($0) ^ 0xA21_5AFE) < SplitMix64.mixed(UInt64($1) ^ 0xA21_5AFE)
    }
    return slots
  }()

  /// Cuts the slots, in their order, into runs proportional to the weights. Each count is the
  /// exact share rounded so that the counts add up.
  static func cut(_ slots: [UInt16], byWeights weights: [Double]) -> [[UInt16]] {
    let total = weights.reduce(0, +)
    guard total > 0 else { return weights.map { _ in [] } }
    var runs: [[UInt16]] = []
    var passed = 0.0
    var start = 0
    for weight in weights {
      passed += weight
      let end = Int((passed / total * Double(slots.count)).rounded())
      runs.append(Array(slots[start..<end]))
      start = end
    }
    return runs
  }

  /// Deals slots out by weights so that those at the end stay where they are when more come in
  /// front of them, and any number of them is in proportion: each slot has a fixed point of 0..<1
  /// by its distance from the end (a golden ratio sequence), and each weight a fixed stretch of it.
  static func dealt(_ slots: [UInt16], byWeights weights: [Double]) -> [[UInt16]] {
    let total = weights.reduce(0, +)
    var runs: [[UInt16]] = weights.map { _ in [] }
    guard total > 0, let last = weights.lastIndex(where: { $0 > 0 }) else { return runs }
    var ends: [Double] = []
    for weight in weights { ends.append((ends.last ?? 0) + weight / total) }
    for (index, slot) in slots.enumerated() {
      let place = (Double(slots.count - index) - 0.5) * 0.618_033_988_749_894_9
      let point = place - place.rounded(.down)
      runs[ends.firstIndex { point < $0 } ?? last].append(slot)
    }
    return runs
  }

  /// The slot of a client: the same on every node and for every plane.
  @inlinable
  public static func slot(of prefix: UInt128) -> Int {
    let high = UInt64(truncatingIfNeeded: prefix >> 64)
    let low = UInt64(truncatingIfNeeded: prefix)
    return Int(SplitMix64.mixed(SplitMix64.mixed(high) ^ low) >> 54)
  }
}
