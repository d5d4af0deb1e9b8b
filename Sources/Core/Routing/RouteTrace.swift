/// Hears the steps of a decision. Serving passes ``SilentTrace``, which the compiler removes;
/// explanations pass ``RecordingTrace``. There is one implementation of a decision.
public protocol RouteTrace {
  mutating func record(_ step: @autoclosure () -> RouteStep)
}

/// Hears nothing and costs nothing.
public struct SilentTrace: RouteTrace {
  @inlinable public init() {}
  @inlinable public mutating func record(_ step: @autoclosure () -> RouteStep) {}
}

/// Keeps every step.
public struct RecordingTrace: RouteTrace {
  public private(set) var steps: [RouteStep] = []
  public init() {}
  public mutating func record(_ step: @autoclosure () -> RouteStep) { steps.append(step()) }
}

/// One step of a decision, in the order of `docs/architecture.md`. Regions are indices.
public enum RouteStep: Sendable, Equatable {
  case override([Int])
  case rule(index: Int, reason: String)
  case defaultRule
  case fence(name: String, reason: String)
  case fencedOut(region: Int, by: String)
  case panic(healthyShare: Double, threshold: Double)
  /// The best standing that any region of the plan has: nothing worse is used.
  case tier(Standing)
  case lastResort(LastResort)
  /// Nothing inside the fences is usable, and what they say of that.
  case fenceEmpty(Fence.WhenEmpty)
  /// The service is active-passive: no other region of its order is used.
  case primary(PrimaryRegion)
  /// A healthy region is used only after the others that are healthy.
  case held(region: Int, RegionReturn.Hold)
  /// A region takes only a part of the clients that fall to it.
  case admission(region: Int, Admission)
  /// The share of the clients, 0...1, whom no region admits: they stay where they belong.
  case nobodyElse(share: Double)
  /// The decision may soon be another, so the answer is kept for a shorter time.
  case mayChange
  /// The first choice of a nearest-first list that is lost or does not admit all, and the shares
  /// of its clients that the others get.
  case spread(from: Int, shares: [RegionShare])
  /// The share that this client drew, 0..<``SlotTable/slotCount``.
  case drawn(slot: Int)
  case cohort(index: Int, scopeBits: Int)
  /// The key alone decides: every client gets this.
  case sameForAll
}

/// A region and its share of some clients, 0...1.
public struct RegionShare: Sendable, Equatable {
  public var region: Int
  public var share: Double

  public init(region: Int, share: Double) {
    self.region = region
    self.share = share
  }
}
