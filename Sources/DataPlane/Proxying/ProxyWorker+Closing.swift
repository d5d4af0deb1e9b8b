import CLinux
import ClientLimits
import Counters
import Places
import Routing
import Sampling

extension ProxyWorker {
  /// Closes both sides, counts and logs the connection, and frees its slot.
  mutating func close(_ slot: Int, _ reason: CloseReason) {
    let pair = pairs[slot]
    let listener = Int(pair.pointee.listener)
    // Counted first: whoever sees the end of the connection sees it counted.
    shard.add(to: listeners[listener].counters.closed[Int(reason.rawValue)])
    measureRoundTrip(pair)
    noteEnd(pair, reason)
    for side in Side.allCases {
      let fd = pair[side].fd
      pool.discard(&pair[side].pending)
      pipes.giveBack(&pair[side].pipe)
      guard fd >= 0 else { continue }
      let isSecured = pair.pointee.secured?[side] != nil
      if reason.endsOrderly(side, isSecured: isSecured) {
        Sockets.close(fd)
      } else {
        Sockets.reset(fd)
      }
    }
    pool.discard(&pair.pointee.sent)
    timers.cancel(slot)
    leaveEndpoint(&pair.pointee.attempt)
    dropRival(slot)
    writeLog(pair, .close(reason))
    shared.clients.leave(pair.pointee.ticket)
    listeners[listener].shared.leave()
    // A place and two descriptors are free: no need to wait for the end of the pause.
    if reason != .overload { listeners[listener].resumesAt = 0 }
    pairs.giveBack(slot)
  }

  /// Once for each connection, at its end, when the system has seen the most.
  private func measureRoundTrip(_ pair: PairReference) {
    guard shared.roundTrips.isMeasuring, pair[.client].fd >= 0 else { return }
    let microseconds = az_tcp_lowest_round_trip(pair[.client].fd)
    guard microseconds > 0 else { return }
    _ = roundTrips.append(
      RoundTrip(
        client: pair.pointee.clientAddress.address, microseconds: microseconds,
        beyond: roundTripBeyond(pair)))
  }

  private func roundTripBeyond(_ pair: PairReference) -> RoundTrip.Beyond? {
    guard pair[.upstream].fd >= 0, pair.pointee.connectNanoseconds > 0,
      let region = UInt32(exactly: pair.pointee.attempt.region),
      let context = pair.pointee.attempt.context
    else { return nil }
    let microseconds = az_tcp_lowest_round_trip(pair[.upstream].fd)
    guard microseconds > 0 else { return nil }
    return RoundTrip.Beyond(
      microseconds: microseconds, region: region, revision: context.revision)
  }
}
