/// The one region that an active-passive service uses at present. Decided by the
/// `PrimaryStateMachine` of `Admitting`, read when verdicts and answers are compiled.
public struct PrimaryRegion: Sendable, Hashable {
  public enum State: String, Sendable, Hashable {
    /// The first of the order is the primary.
    case primary
    /// Another one is.
    case failedOver = "failed_over"
    /// Another one is, and one that stands before it in the order is healthy again.
    case awaitingFailback = "awaiting_failback"
    /// The primary is down, and no standby has so little lag that it may take over by itself.
    case awaitingOperator = "awaiting_operator"
  }

  /// Index into ``RoutingModel/regions``.
  public var region: Int
  /// Grows with every change of the region: whoever has seen a greater one refuses the writers of
  /// this one.
  public var epoch: UInt64
  public var state: State
  /// The primary before, which still has some clients while they return gradually.
  public var former: Int?
  /// The share of the clients that ``region`` has, 0...1; below 1 only beside a ``former``.
  public var share: Double
  /// Another region may soon be the primary, or ``share`` another one.
  public var isChanging: Bool

  public init(
    region: Int, epoch: UInt64, state: State, former: Int? = nil, share: Double = 1,
    isChanging: Bool = false
  ) {
    self.region = region
    self.epoch = epoch
    self.state = state
    self.former = former
    self.share = share
    self.isChanging = isChanging
  }
}
