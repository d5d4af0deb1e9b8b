import Balancing
import Synchronization

/// The outlier detector of one region's endpoints of a pool, shared by all workers. Failures take
/// its lock, and what is good only while the endpoint is suspected.
final class EjectionGroup: Sendable {
  /// By member.
  let ids: [String]
  private let detector: Mutex<OutlierDetector>

  /// - Parameter old: of the same pool and region: what it knows of these endpoints is taken over.
  init(records: [PassiveHealth.Record], rules: EjectionRules, successorOf old: EjectionGroup?) {
    ids = records.map(\.id)
    let known = old.map { old in
      Dictionary(
        zip(old.ids, old.detector.withLock { $0.members }), uniquingKeysWith: { first, _ in first })
    }
    detector = Mutex(
      OutlierDetector(
        rules: rules, members: ids.map { known?[$0] ?? OutlierDetector.Member() }))
  }

  /// Which of them are ejected, and how often each was of late.
  func ejected(now: UInt64) -> [(id: String, member: OutlierDetector.Member)] {
    zip(ids, detector.withLock { $0.members }).filter { now < $1.ejectedUntil }
      .map { (id: $0, member: $1) }
  }

  func update(_ rules: EjectionRules) { detector.withLock { $0.rules = rules } }

  /// What a connection met at one of the endpoints.
  func handle(
    _ event: OutlierDetector.Event, of member: Int, record: PassiveHealth.Record, now: UInt64
  ) -> OutlierDetector.Outcome {
    guard event.isFailure || record.isSuspected.load(ordering: .relaxed) else { return .none }
    return detector.withLock { detector in
      let outcome = detector.handle(event, of: member, now: now)
      record.isSuspected.store(detector.members[member].isSuspected, ordering: .relaxed)
      if case .ejected(let until, _) = outcome { record.load.eject(until: until) }
      return outcome
    }
  }
}
