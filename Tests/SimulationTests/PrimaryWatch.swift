import Admitting
import Publishing
import Routing

/// What must hold of a service with one primary, by its own reckoning.
struct PrimaryWatch {
  /// By region: seconds behind, and when that was answered.
  var lags: [String: (seconds: Double, at: Double)] = [:]
  /// The primary, and the one before while clients return.
  private(set) var used: Set<String> = []
  private var regionOfEpoch: [UInt64: String] = [:]
  private var lastEpoch: UInt64?

  /// - Parameter standing: of a region, by what probes found and operators said.
  /// - Returns: what is wrong.
  mutating func take(
    _ changes: [PrimaryChange], _ report: PrimaryReport?, isGated: Bool, now: Double,
    standing: (String) -> Standing
  ) -> [String] {
    var failures: [String] = []
    for change in changes.map(\.change) {
      if let lastEpoch, change.epoch != lastEpoch + 1 {
        failures.append("epoch \(change.epoch) follows \(lastEpoch)")
      }
      failures += note(change.to, epoch: change.epoch)
      let isByItself = change.cause == .failure || change.cause == .recovery
      if isByItself, isGated { failures += checkLag(of: change.to, now: now) }
      if change.cause == .failure, standing(change.from) < .unhealthy {
        failures.append("\(change.from) was given up, \(standing(change.from))")
      }
      if isByItself, standing(change.to) > .degraded {
        failures.append("\(change.to) took over, \(standing(change.to))")
      }
    }
    guard let report else { return failures + ["there is no primary"] }
    failures += note(report.region, epoch: report.epoch)
    used = Set([report.region, report.former].compactMap(\.self))
    return failures
  }

  private mutating func note(_ region: String, epoch: UInt64) -> [String] {
    defer {
      regionOfEpoch[epoch] = region
      lastEpoch = epoch
    }
    if let lastEpoch, epoch < lastEpoch { return ["epoch \(epoch) follows \(lastEpoch)"] }
    guard let other = regionOfEpoch[epoch], other != region else { return [] }
    return ["\(region) and \(other) are primary for epoch \(epoch)"]
  }

  private func checkLag(of region: String, now: Double) -> [String] {
    guard let lag = lags[region], now - lag.at <= Landscape.maximumLagAge + 0.001 else {
      return ["\(region) took over, and its lag is not known"]
    }
    return lag.seconds <= Landscape.maximumLag
      ? [] : ["\(region) took over, \(lag.seconds) s behind"]
  }
}
