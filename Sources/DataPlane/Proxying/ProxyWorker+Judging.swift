import Balancing
import Counters

/// What connections tell of the endpoints that they met.
extension ProxyWorker {
  /// An endpoint that resets a connection later has perhaps waited for its client in vain.
  private static var earlyReset: UInt64 { 1_000_000_000 }

  func noteConnected(_ attempt: Attempt) {
    let nanoseconds = now &- attempt.startedAt
    attempt.record?.noteSuccess(nanoseconds: nanoseconds)
    attempt.record?.load.noteLatency(nanoseconds, now: now)
    noteForEjection(.connected, attempt)
  }

  /// What a connection that had been made came to, at its end.
  func noteEnd(_ pair: PairReference, _ reason: CloseReason) {
    guard pair.pointee.connectNanoseconds > 0 else { return }
    let attempt = pair.pointee.attempt
    if pair.pointee.upstream.byteCount > 0 {
      noteForEjection(.answered, attempt)
    } else if reason == .upstreamReset,
      pair.pointee.machine.age(now: now) &- pair.pointee.connectNanoseconds < Self.earlyReset
    {
      attempt.record?.load.noteLatency(PeakLatency.failureNanoseconds, now: now)
      noteForEjection(.resetEarly, attempt)
    }
  }

  func noteForEjection(_ event: OutlierDetector.Event, _ attempt: Attempt) {
    guard attempt.endpoint >= 0, let context = attempt.context else { return }
    let ejected = context.note(
      event, of: Int(attempt.endpoint), now: now, passive: shared.passive)
    if let ejected { shard.add(to: ejected) }
  }
}
