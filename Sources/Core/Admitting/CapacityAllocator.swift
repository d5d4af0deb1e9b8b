public import Routing

/// How open each region must be so that none gets more than its capacity: water-filling by the
/// very shares that serving uses.
///
/// A region whose load is above its target has its opening lowered in proportion, one below it
/// raised towards 1, until loads and targets agree. A region's load rises with its own opening and
/// falls with the others' (clients that it does not take are theirs), so this has one end, the same
/// from every start. Where fences or sheer demand make it impossible, the targets concerned are
/// raised by one factor: what cannot be avoided is shared in proportion to capacity.
public struct CapacityAllocator: Sendable {
  /// Clients that fall to a region's limits are moved in steps of no less than this.
  public static let leastOpening = 1e-9
  /// Loads may miss their targets by this much.
  static let tolerance = 0.002
  static let roundLimit = 400

  /// By service.
  private let compilers: [VerdictCompiler]
  /// New connections a second of the cohorts that have any.
  private let demands: [Demand]
  private let regionCount: Int

  private struct Demand {
    var service: Int
    var cohort: Int
    var perSecond: Double
  }

  /// - Parameter demands: new connections a second by service and cohort.
  public init(model: RoutingModel, board: HealthBoard, demands: [[Double]]) {
    compilers = model.services.indices.map {
      VerdictCompiler(model: model, service: $0, board: board)
    }
    self.demands = demands.enumerated().flatMap { service, cohorts in
      cohorts.enumerated().filter { $0.element > 0 }.map {
        Demand(service: service, cohort: $0.offset, perSecond: $0.element)
      }
    }
    regionCount = model.regions.count
  }

  /// New connections a second that each region gets.
  public func loads(openings: [Double]) -> [Double] {
    let opened = compilers.map { $0.opening(openings) }
    var loads = [Double](repeating: 0, count: regionCount)
    for demand in demands {
      let shares = opened[demand.service].regionShares(ofCohort: demand.cohort)
      for region in loads.indices { loads[region] += demand.perSecond * shares[region] }
    }
    return loads
  }

  /// The openings with which no region's load is above its target, if that can be.
  ///
  /// - Parameters:
  ///   - targets: by region, new connections a second; nil: as many as come.
  ///   - start: openings that are perhaps near, which only makes it quicker.
  public func openings(targets: [Double?], from start: [Double] = []) -> [Double] {
    var targets = targets
    let isFit = start.count == regionCount
    var found = solved(targets, from: isFit ? start : .init(repeating: 1, count: regionCount))
    // Each time the full ones are raised by a hundredth at least, so this ends.
    for _ in 0..<12 {
      let loads = loads(openings: found)
      let full = targets.indices.filter { region in
        guard let target = targets[region] else { return false }
        return found[region] < 1 || loads[region] > target * (1 + Self.tolerance)
      }
      let isOver = full.contains { loads[$0] > (targets[$0] ?? 0) * (1 + 2 * Self.tolerance) }
      guard isOver else { break }
      let load = full.reduce(0) { $0 + loads[$1] }
      let target = full.reduce(0) { $0 + (targets[$1] ?? 0) }
      let factor = max(load / max(target, 1e-9), 1.01)
      for region in full { targets[region] = targets[region].map { max($0, 1e-9) * factor } }
      found = solved(targets, from: found)
    }
    return found
  }

  private func solved(_ targets: [Double?], from start: [Double]) -> [Double] {
    var openings = start
    // Where there is no target there is nothing to close.
    for (region, target) in targets.enumerated() where target == nil { openings[region] = 1 }
    for round in 0..<Self.roundLimit {
      let loads = loads(openings: openings)
      var isSettled = true
      for (region, target) in targets.enumerated() {
        guard let target else { continue }
        let ratio = loads[region] > 0 ? max(target, 1e-9) / loads[region] : 2
        let next = min(1, max(Self.leastOpening, openings[region] * min(max(ratio, 0.1), 10)))
        let isOff = ratio < 1 - Self.tolerance || ratio > 1 + Self.tolerance
        guard isOff && next != openings[region] else { continue }
        isSettled = false
        openings[region] = next
      }
      if isSettled || round >= 30 && isHopeless(loads, targets, openings) { break }
    }
    return openings
  }

  /// Whether everything that takes clients is full and closing: it would only close for ever.
  private func isHopeless(_ loads: [Double], _ targets: [Double?], _ openings: [Double]) -> Bool {
    var room = 0.0
    for region in loads.indices where loads[region] > 0 {
      guard let target = targets[region], openings[region] < 0.05 else { return false }
      room += target
    }
    return loads.reduce(0, +) > room * (1 + Self.tolerance)
  }
}
