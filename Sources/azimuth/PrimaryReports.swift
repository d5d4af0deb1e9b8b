import Admin
import Admitting
import Counters
import Logging
import Publishing
import Routing

/// Tells the log what becomes of primaries.
func log(_ notice: PrimaryNotice, to logger: Logger) {
  switch notice {
  case .changed(let changed):
    let change = changed.change
    logger.notice(
      "primary changed",
      metadata: [
        "service": "\(changed.service)", "from": "\(change.from)", "to": "\(change.to)",
        "epoch": "\(change.epoch)", "cause": "\(change.cause.words)",
        "lag_seconds": "\(change.lag.map { "\($0 / .seconds(1))" } ?? "unknown")",
      ])
  case .damaged(let aside):
    logger.error(
      """
      the primaries that were kept cannot be read: each service begins with its first region, and \
      with an epoch above all before
      """, metadata: ["moved_to": "\(aside)"])
  case .notKept(let reason):
    logger.error(
      "the primaries cannot be kept: a restart would not know of their epochs",
      metadata: ["reason": "\(reason)"])
  }
}

func primarySamples(_ reports: [PrimaryReport]) -> [MetricSample] {
  reports.map {
    MetricSample(
      "azimuth_primary_epoch",
      labels: [
        .init("service", $0.service), .init("region", $0.region),
        .init("state", $0.state.rawValue),
      ], value: Double($0.epoch))
  }
}

extension PrimaryStateMachine.Cause {
  fileprivate var words: String {
    switch self {
    case .failure: "the primary is down"
    case .recovery: "fail-back by itself"
    case .promotion(let acceptance): "promoted by an operator\(acceptance.words)"
    case .failback(let acceptance): "fail-back by an operator\(acceptance.words)"
    case .fleet: "the fleet has decided"
    case .configuration: "the order does not have the former one any more"
    }
  }
}

extension PrimaryStateMachine.Acceptance {
  fileprivate var words: String {
    switch self {
    case .nothing: ""
    case .upTo(let loss): ", data loss of \(loss / .seconds(1)) s accepted"
    case .anything: ", any data loss accepted"
    }
  }
}
