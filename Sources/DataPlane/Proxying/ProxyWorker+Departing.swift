import Editions

extension ProxyWorker {
  /// Closes connections whose endpoint is not to be used any more, as its pool wants it. Costs one
  /// comparison unless the edition is another one or something is due.
  mutating func closeDeparted() {
    if departures.isConcerned(by: reader.edition) {
      departures.update(reader.edition, loads: currentContext(reader.edition).loads, now: now)
    }
    guard now >= departures.nextLookAt else { return }
    for slot in 0..<pairs.capacity where pairs[slot].pointee.isInUse {
      // An attempt that is under way may yet go to another endpoint.
      guard pairs[slot].pointee.machine.phase == .relaying,
        let departure = departures.departure(of: pairs[slot].pointee.attempt),
        now >= departure.schedule.closingTime(sequence: pairs[slot].pointee.sequence)
      else { continue }
      handle(.departed(departure.reason), slot: slot)
    }
    departures.noteLook(now: now, step: Self.drainStep)
  }
}
