import Routing

/// Learns what a region can take from how full it is: which new connections a second go with it.
///
///     open connections n ─▶ how many end a second ─▶ so many new ones keep n as it is
///     reported load u    ─▶ u ÷ connections a second ─▶ so many bring it to a wanted load
///
/// Neither answers to a region's own closing as if its demand had fallen: both are ratios of means
/// that were taken over the same time.
public struct RegionGauge: Sendable, Equatable {
  /// How full a region is; nil: that is not known.
  public struct Reading: Sendable, Equatable {
    public var openConnections: Double?
    /// 1: full.
    public var reportedLoad: Double?

    public init(openConnections: Double? = nil, reportedLoad: Double? = nil) {
      self.openConnections = openConnections
      self.reportedLoad = reportedLoad
    }
  }

  /// In which means forget all but 1/e.
  public static let meanTime = Duration.seconds(15)
  /// In which the room that is left, as open connections go, may be filled.
  public static let fillTime = Duration.seconds(60)
  /// A region that is less full takes all that come: below, a load says more of what else runs
  /// there than of its clients.
  public static let leastLoad = 0.2
  static let leastOpenShare = 0.02

  private var open = Means()
  private var reported = Means()
  /// Connections that end a second.
  private var ending = 0.0
  public private(set) var last = Reading()

  /// Means of a measure and of the new connections a second that go with it.
  private struct Means: Sendable, Equatable {
    var measure = 0.0
    var load = 0.0
    var notedAt: Duration?

    /// - Returns: by how much the mean of the measure has changed, a second.
    mutating func note(_ measure: Double, load: Double, now: Duration) -> Double {
      defer { notedAt = now }
      guard let before = notedAt else {
        (self.measure, self.load) = (measure, load)
        return 0
      }
      let elapsed = max(.zero, now - before)
      guard elapsed > .zero else { return 0 }
      let weight = 1 - exponential(-min(elapsed / RegionGauge.meanTime, 20))
      let change = (measure - self.measure) * weight
      self.measure += change
      self.load += (load - self.load) * weight
      return change / (elapsed / .seconds(1))
    }
  }

  public init() {}

  /// Takes how full the region is now.
  ///
  /// - Parameter load: new connections a second that came to it since the last time.
  public mutating func note(_ reading: Reading, load: Double, now: Duration) {
    last = reading
    if let count = reading.openConnections {
      let growth = open.note(count, load: load, now: now)
      ending = max(0, open.load - growth)
    } else {
      open = Means()
    }
    // What is not told for a time is not forgotten: the ratio holds until it is told again.
    if let share = reading.reportedLoad { _ = reported.note(share, load: load, now: now) }
  }

  /// New connections a second with which the region comes to this share of being full; nil: as many
  /// as come.
  ///
  /// - Parameters:
  ///   - share: above 0 and at most 1.
  ///   - openConnections: with which it is full; nil: they do not count.
  ///   - isReporting: whether the load that it reports counts.
  public func limit(
    atShare share: Double, openConnections: Double?, isReporting: Bool
  ) -> Double? {
    let limits = [
      openConnections.flatMap { openLimit(goal: share * $0) },
      isReporting ? reportedLimit(share) : nil,
    ]
    return limits.compactMap(\.self).min()
  }

  private func openLimit(goal: Double) -> Double? {
    guard let count = last.openConnections, open.measure >= goal * Self.leastOpenShare else {
      return nil
    }
    // In proportion where connections are short; where they are long, what fills the room.
    let steady = ending * goal / open.measure
    return max(0, steady + (goal - count) / (Self.fillTime / .seconds(1)))
  }

  private func reportedLimit(_ share: Double) -> Double? {
    guard reported.measure >= Self.leastLoad else { return nil }
    return reported.load * share / reported.measure
  }
}
