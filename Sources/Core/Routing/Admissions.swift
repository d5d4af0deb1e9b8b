/// How much of the traffic that falls to them regions take at present. Decided by the state
/// machines of `Admitting`, read when verdicts are compiled. A value: equal ones give equal
/// verdicts.
///
/// What a list does not have (it is empty, or ends before) is fully open.
public struct Admissions: Sendable, Equatable {
  /// The operator's dial by region, 0...1.
  public var dials: [Double]
  /// How far regions that were lost are back, by pool and region.
  public var returns: [[RegionReturn]]
  /// By region, above 0 and at most 1: how many of those that come a loaded region still takes. See
  /// `SlotAssignment`.
  public var openings: [Double]
  /// By service; nil where it is not active-passive.
  public var primaries: [PrimaryRegion?]

  public init(
    dials: [Double] = [], returns: [[RegionReturn]] = [], openings: [Double] = [],
    primaries: [PrimaryRegion?] = []
  ) {
    self.dials = dials
    self.returns = returns
    self.openings = openings
    self.primaries = primaries
  }

  /// Everything is open.
  public static let open = Admissions()

  public func dial(of region: Int) -> Double { region < dials.count ? dials[region] : 1 }

  public func opening(of region: Int) -> Double {
    region < openings.count ? openings[region] : 1
  }

  public func primary(ofService service: Int) -> PrimaryRegion? {
    service < primaries.count ? primaries[service] : nil
  }

  public func regionReturn(of region: Int, inPool pool: Int) -> RegionReturn {
    guard pool < returns.count, region < returns[pool].count else { return .complete }
    return returns[pool][region]
  }
}

/// How far a region that was lost is back in use, as one pool sees it.
public struct RegionReturn: Sendable, Hashable {
  /// Why a healthy region is used only after all others that are healthy.
  public enum Hold: Sendable, Hashable {
    /// Its minimum stay is not over.
    case holdDown
    /// It was lost too often of late.
    case flapping
    /// An operator has to say so.
    case waitingForOperator

    /// In words, for people.
    public var reason: String {
      switch self {
      case .holdDown: "its hold-down is not over"
      case .flapping: "it was lost too often of late"
      case .waitingForOperator: "fail-back waits for an operator"
      }
    }

    /// The word for it in the API and in explanations.
    public var name: String {
      switch self {
      case .holdDown: "hold_down"
      case .flapping: "flapping"
      case .waitingForOperator: "waiting_for_operator"
      }
    }
  }

  public var hold: Hold?
  /// The share of its clients that it has again, 0...1; below 1 while it returns gradually.
  public var ramp: Double
  /// It was lost too often of late; it may not be healthy at all at present.
  public var isFlapping: Bool

  public init(hold: Hold? = nil, ramp: Double = 1, isFlapping: Bool = false) {
    self.hold = hold
    self.ramp = ramp
    self.isFlapping = isFlapping
  }

  /// Fully back, or never lost.
  public static let complete = RegionReturn()

  /// Whether time alone will soon change how many clients the region has.
  public var isChanging: Bool { hold == .holdDown || hold == nil && ramp < 1 }
}

/// What a region admits as one service sees it.
public struct Admission: Sendable, Hashable {
  /// 0...1.
  public var dial: Double
  /// 0...1.
  public var ramp: Double
  /// Above 0 and at most 1.
  public var opening: Double

  public static let full = Admission(dial: 1, ramp: 1, opening: 1)

  /// The share of its clients that the region may have at the most, whatever its load is.
  var limit: Double { dial * ramp }
}
