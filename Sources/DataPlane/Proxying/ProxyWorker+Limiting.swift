import ClientLimits
import Counters
import Editions
import Places
import Routing

extension ProxyWorker {
  /// Whether a new client may come; why not, else. Comes before whatever costs something.
  mutating func refusal(of pair: PairReference) -> CloseReason? {
    let edition = reader.edition
    if let access = currentContext(edition).access[Int(pair.pointee.listener)],
      !access.takes(pair.pointee.clientAddress.address.client, in: edition.model.places)
    {
      return .geoDenied
    }
    return admit(pair) ? nil : .clientLimit
  }

  /// Counts a new connection for its client; false if that has all that it may have.
  private mutating func admit(_ pair: PairReference) -> Bool {
    let listener = Int(pair.pointee.listener)
    let limits = listeners[listener].rules.clientLimits
    guard !limits.isEmpty else { return true }
    let counters = listeners[listener].counters
    var overflow = ClientLimiter.Overflow()
    defer {
      if overflow != ClientLimiter.Overflow() {
        shard.add(UInt64(overflow.uncountedConnections), to: counters.uncountedClients)
        shard.add(UInt64(overflow.forgottenRates), to: counters.forgottenRates)
      }
    }
    do throws(ClientLimiter.Refusal) {
      pair.pointee.ticket = try shared.clients.enter(
        client(of: pair, limits), listener: listeners[listener].shared.serial, limits: limits,
        nowMicroseconds: now / 1000, overflow: &overflow)
      return true
    } catch {
      let isRate = error.reason == .rate
      shard.add(to: counters.limitedClients[Int(error.group.rawValue) * 2 + (isRate ? 1 : 0)])
      return false
    }
  }

  /// Its place is looked up only where something depends on it.
  private func client(
    of pair: PairReference, _ limits: ClientLimits
  ) -> ClientLimiter.Client {
    let address = pair.pointee.clientAddress.address.client
    guard limits.asn != .none || limits.country != .none else {
      return ClientLimiter.Client(address: address)
    }
    let places = reader.edition.model.places
    let place = places.places[places.place(of: address).place]
    return ClientLimiter.Client(address: address, asn: place.asn, country: place.country)
  }
}
