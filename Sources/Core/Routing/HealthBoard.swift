/// What probes say of an endpoint.
public enum Health: String, Sendable, Equatable, BitwiseCopyable {
  case unknown, healthy, degraded, unhealthy
}

/// An operator's word on an endpoint; stands above what probes say.
public enum OverrideState: String, Sendable, Equatable, BitwiseCopyable {
  case auto, up, down, drain
}

/// The conditions of all endpoints at one moment. A value: whoever holds one sees one moment.
public struct HealthBoard: Sendable, Equatable {
  /// By endpoint index (``RoutingModel/endpoints``).
  public var conditions: [EndpointCondition]
  /// An operator's word on whole regions, by region index; none is said of those beyond its end.
  /// ``conditions`` have it already: it is for services without endpoints.
  public var regionOverrides: [OverrideState]
  public var admissions: Admissions

  public init(
    conditions: [EndpointCondition], regionOverrides: [OverrideState] = [],
    admissions: Admissions = .open
  ) {
    self.conditions = conditions
    self.regionOverrides = regionOverrides
    self.admissions = admissions
  }

  func regionOverride(of region: Int) -> OverrideState {
    region < regionOverrides.count ? regionOverrides[region] : .auto
  }
}

public struct EndpointCondition: Sendable, Equatable, BitwiseCopyable {
  public var health: Health
  public var override: OverrideState
  /// The number of the transition by which it was last seen to leave `healthy` or `degraded`;
  /// `UInt64.max` while it is in one of them; 0: never was. Orders endpoints for `last_good`.
  public var lastGood: UInt64
  /// The part of its weight that the endpoint itself asks for, 0...25,600; at 0 it takes no
  /// clients, whatever else fails.
  public var sharePercent: Int
  /// Its health changed too often of late: used after those that are steady.
  public var isFlapping: Bool
  /// What was found last speaks against the present health: a change may be near.
  public var isUnsettled: Bool

  public init(
    health: Health, override: OverrideState = .auto, lastGood: UInt64 = 0,
    sharePercent: Int = 100, isFlapping: Bool = false, isUnsettled: Bool = false
  ) {
    self.health = health
    self.override = override
    self.lastGood = lastGood
    self.sharePercent = sharePercent
    self.isFlapping = isFlapping
    self.isUnsettled = isUnsettled
  }

  /// The standing that health and override give together.
  public var standing: Standing {
    switch (override, health) {
    case (.down, _), (.drain, _): .removed
    case (.up, _): .healthy
    case _ where sharePercent == 0: .removed
    case (_, .healthy): isFlapping ? .degraded : .healthy
    case (_, .degraded): .degraded
    case (_, .unknown): .unknown
    case (_, .unhealthy): .unhealthy
    }
  }
}

/// How usable a region (or endpoint) is, best first.
public enum Standing: UInt8, Sendable, Comparable, BitwiseCopyable {
  case healthy, degraded, unknown, unhealthy
  /// An operator's `down` or `drain`, or the endpoint's own wish: never used, whatever else fails.
  case removed
  /// The pool has no endpoint there.
  case absent

  public static func < (a: Standing, b: Standing) -> Bool { a.rawValue < b.rawValue }

  /// The word by which the API, the metrics and events name it.
  public var word: String {
    switch self {
    case .healthy: "healthy"
    case .degraded: "degraded"
    case .unknown: "unknown"
    case .unhealthy: "unhealthy"
    case .removed: "removed"
    case .absent: "absent"
    }
  }
}

/// A region as one pool sees it.
public struct RegionStanding: Sendable, Hashable {
  public var standing: Standing
  public var healthyCount: Int
  /// Endpoints of which probes have said something and that are not removed: what a share of
  /// healthy ones is a share of.
  public var judgedCount: Int
  public var totalCount: Int
  /// The latest of the endpoints' ``EndpointCondition/lastGood``.
  public var lastGood: UInt64
  /// How many of the clients that fall to it the region takes.
  public var admission = Admission.full
  /// Why it is used only after others, though it is healthy.
  public private(set) var hold: RegionReturn.Hold?
  /// It was lost too often of late.
  public private(set) var isFlapping = false
  /// Its standing or its admission may soon change.
  public private(set) var isChanging = false

  /// Of a standby of an active-passive service: what it is besides. It is not used however healthy
  /// it is, which is why ``standing`` says `removed`.
  public private(set) var standbyStanding: Standing?

  /// Nothing serves here.
  static let absent = RegionStanding(ipv4: [], ipv6: [], minimumHealthy: 1)

  /// Takes what the region admits, and whether it is held back.
  mutating func admit(_ admissions: Admissions, region: Int, pool: Int?) {
    let returning = pool.map { admissions.regionReturn(of: region, inPool: $0) } ?? .complete
    admission = Admission(
      dial: admissions.dial(of: region), ramp: returning.hold == nil ? returning.ramp : 1,
      opening: admissions.opening(of: region))
    isFlapping = returning.isFlapping
    isChanging = isChanging || returning.isChanging
    guard standing == .healthy, let hold = returning.hold else { return }
    self.hold = hold
    standing = .degraded
  }

  /// Takes what the region is of an active-passive service: its primary, one that was and still has
  /// some clients, or a standby.
  mutating func admit(_ admissions: Admissions, region: Int, primary: PrimaryRegion) {
    admission = Admission(
      dial: admissions.dial(of: region), ramp: region == primary.region ? primary.share : 1,
      opening: admissions.opening(of: region))
    isChanging = isChanging || primary.isChanging
    guard region != primary.region, region != primary.former else { return }
    standbyStanding = standing
    admission = .full
    if standing != .absent { standing = .removed }
  }

  /// Of a region that nobody checks.
  init(override: OverrideState) {
    self = .absent
    standing = EndpointCondition(health: .healthy, override: override).standing
    lastGood = standing == .healthy ? .max : 0
  }

  /// A region with endpoints of both address families is healthy only if both are: it must not
  /// be preferred while it has no good answer for A or for AAAA.
  ///
  /// - Parameters:
  ///   - ipv4, ipv6: the region's endpoints by family.
  ///   - minimumHealthy: with fewer healthy endpoints the region is degraded.
  public init(ipv4: [EndpointCondition], ipv6: [EndpointCondition], minimumHealthy: Int) {
    let all = ipv4 + ipv6
    totalCount = all.count
    healthyCount = all.count { $0.standing == .healthy }
    judgedCount = all.count { $0.standing != .removed && $0.standing != .unknown }
    lastGood = all.filter { $0.standing != .removed }.map(\.lastGood).max() ?? 0
    isChanging = all.contains { $0.override == .auto && $0.isUnsettled }
    let families = [ipv4, ipv6].compactMap { family in family.map(\.standing).min() }
    guard let best = families.min(), let worst = families.max() else {
      standing = .absent
      return
    }
    let isShort = best == .healthy && healthyCount < minimumHealthy
    standing = best <= .degraded && (worst > best || isShort) ? .degraded : best
  }
}
