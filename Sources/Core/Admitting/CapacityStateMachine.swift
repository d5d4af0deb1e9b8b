public import Routing

/// How open loaded regions are, over time: closes them at once and opens them slowly, with a dead
/// band between, so that clients do not go to and fro.
///
///     opening above what `spillAt` allows   ▶ lowered to it at once
///     opening below what `returnAt` allows  ▶ raised towards it, tenfold in ``tenfoldTime``
///     between                               ▶ stays exactly as it is
///
/// What it reckons with is the demand of cohorts, which does not depend on where they are sent: so
/// its own decisions do not come back to it as load, and there is nothing to oscillate.
public struct CapacityStateMachine: Sendable, Equatable {
  /// What an operator declared of a region.
  public struct Rules: Sendable, Equatable {
    /// New connections a second; nil: as many as come.
    public var capacity: Double?
    /// Connections that may be open; nil: any number.
    public var openConnections: Double?
    /// Whether the load that it reports counts.
    public var isReporting: Bool
    /// The share of the capacity beyond which clients go elsewhere, above 0.
    public var spillAt: Double
    /// Below ``spillAt``: the share up to which clients come back.
    public var returnAt: Double

    public init(
      capacity: Double?, openConnections: Double? = nil, isReporting: Bool = false,
      spillAt: Double, returnAt: Double
    ) {
      self.capacity = capacity
      self.openConnections = openConnections
      self.isReporting = isReporting
      self.spillAt = spillAt
      self.returnAt = returnAt
    }

    /// Whether there is anything that a region could have too much of.
    public var hasLimits: Bool { capacity != nil || openConnections != nil || isReporting }
  }

  /// In which a region opens tenfold.
  public static let tenfoldTime = Duration.seconds(10)
  /// With which a closed region begins to open.
  static let leastReturn = 0.01
  /// In which a changed demand is believed by half.
  public static let demandHalfLife = Duration.seconds(5)

  /// By service and cohort, new connections a second; empty: nothing was measured yet.
  public private(set) var demands: [[Double]] = []
  /// By region; empty: all are open.
  public private(set) var openings: [Double] = []
  /// By region, new connections a second by ``demands``; empty: nothing is reckoned.
  public private(set) var loads: [Double] = []
  /// By region; those behind the end know nothing.
  public private(set) var gauges: [RegionGauge] = []
  private var measuredAt: Duration?
  private var openedAt: Duration?

  public init() {}

  /// Takes what was measured since the last time.
  ///
  /// - Parameter measured: by service and cohort, new connections a second.
  public mutating func measure(_ measured: [[Double]], now: Duration) {
    defer { measuredAt = now }
    guard let before = measuredAt, demands.map(\.count) == measured.map(\.count) else {
      // Cohorts were made anew: the old figures say nothing about them.
      demands = measured
      return
    }
    let weight =
      1 - exponential(-0.693_147_180_559_945_3 * max(0, (now - before) / Self.demandHalfLife))
    demands = zip(demands, measured).map { old, new in
      zip(old, new).map { $0 + ($1 - $0) * weight }
    }
  }

  /// Takes how full regions are; what comes to them is as it was reckoned last.
  ///
  /// - Parameter readings: by region.
  public mutating func note(_ readings: [RegionGauge.Reading], now: Duration) {
    guard readings.count == loads.count else { return }
    while gauges.count < readings.count { gauges.append(RegionGauge()) }
    for (region, reading) in readings.enumerated() {
      gauges[region].note(reading, load: loads[region], now: now)
    }
  }

  /// Another configuration: its cohorts are others, and its regions stand elsewhere.
  ///
  /// - Parameter origins: of each region, where it stood before; nil: nowhere.
  public mutating func adopt(origins: [Int?]) {
    demands = []
    loads = []
    if !openings.isEmpty {
      openings = origins.map { $0.flatMap { $0 < openings.count ? openings[$0] : nil } ?? 1 }
    }
    gauges = origins.map { origin in
      origin.flatMap { $0 < gauges.count ? gauges[$0] : nil } ?? RegionGauge()
    }
  }

  /// New connections a second beyond which a region is closed, by all that it may not have too
  /// much of; nil: as many as come.
  public func limit(ofRegion region: Int, _ rule: Rules, atShare share: Double) -> Double? {
    let gauge = region < gauges.count ? gauges[region] : RegionGauge()
    let learned = gauge.limit(
      atShare: share, openConnections: rule.openConnections, isReporting: rule.isReporting)
    return [rule.capacity.map { $0 * share }, learned].compactMap(\.self).min()
  }

  /// Adjusts the openings to health, demand and time.
  ///
  /// - Parameters:
  ///   - board: its own openings count for nothing.
  ///   - rules: by region.
  public mutating func adjust(
    model: RoutingModel, board: HealthBoard, rules: [Rules], now: Duration
  ) {
    guard rules.contains(where: \.hasLimits),
      demands.count == model.services.count, !demands.isEmpty
    else {
      if demands.isEmpty { return }
      openings = []
      loads = []
      return
    }
    let allocator = CapacityAllocator(model: model, board: board, demands: demands)
    let spill = rules.enumerated().map { limit(ofRegion: $0, $1, atShare: $1.spillAt) }
    let most = allocator.openings(targets: spill, from: openings)
    let back = rules.enumerated().map { limit(ofRegion: $0, $1, atShare: $1.returnAt) }
    let isOpen = openings.allSatisfy { $0 == 1 } && most.allSatisfy { $0 == 1 }
    let least = isOpen ? most : allocator.openings(targets: back, from: openings)
    var next = stepped(from: openings, most: most, least: least, now: now)
    loads = allocator.loads(openings: next)
    let isAbove = zip(loads, spill).contains { load, target in
      target.map { load > $0 * 1.01 } ?? false
    }
    if isAbove && next != most {
      next = most
      loads = allocator.loads(openings: next)
    }
    openings = next
  }

  private mutating func stepped(
    from current: [Double], most: [Double], least: [Double], now: Duration
  ) -> [Double] {
    let elapsed = openedAt.map { max(.zero, now - $0) } ?? .zero
    openedAt = now
    let growth = 1 / exponential(-2.302_585_092_994_046 * min(elapsed / Self.tenfoldTime, 20))
    return most.indices.map { region in
      let opening = region < current.count ? current[region] : 1
      // What differs by less is the reckoning's own inexactness.
      if opening > most[region] * 1.01 { return most[region] }
      let goal = min(least[region], most[region])
      return opening < goal ? min(goal, max(opening, Self.leastReturn) * growth) : opening
    }
  }
}
