import Balancing
import Editions
import Places

extension ProxyWorker {
  /// Where a server is connected to that may have two addresses (RFC 8305 §5): at the first, unless
  /// that is the worse one.
  private struct Reach {
    var target: TargetTable.Target
    /// Of both addresses.
    var openCount: Int
    /// Not to be connected to at either address.
    var isExcluded: Bool
    /// This connection has tried the other one, and nothing is known against this one.
    var isNextAddress = false
  }

  /// An endpoint of a region, by the rules of its pool. The other address of a server that was
  /// tried comes before other servers, but not once one has connected and reset.
  ///
  /// - Parameter tolerance: what it may have done.
  mutating func choose(
    _ pair: PairReference, _ context: RouteContext, _ targets: ArraySlice<TargetTable.Target>,
    service: Int, tolerance: Tolerance
  ) -> TargetTable.Target? {
    let rules = context.balance[service]
    chooser.begin()
    for target in targets {
      let reach = reach(of: target, pair, context, tolerance)
      if reach.isNextAddress && reach.openCount < rules.maximumConnections ?? .max {
        return reach.target
      }
      chooser.add(
        endpoint: target.endpoint, weight: target.weight, load: context.loads[target.endpoint],
        other: target.alternate.map { context.loads[$0.endpoint] }, isExcluded: reach.isExcluded,
        rules: rules, now: now)
    }
    let key =
      rules.method == .hash
      ? Rendezvous.key(
        pair.pointee.clientAddress.address.client, bitsIPv4: rules.keyBitsIPv4,
        bitsIPv6: rules.keyBitsIPv6) : 0
    guard let index = chooser.choose(rules, key: key, takesEjected: tolerance == .ejection)
    else { return nil }
    return reach(of: targets[targets.startIndex + index], pair, context, tolerance).target
  }

  /// A server that has taken this connection and reset it is the last to be tried again.
  private func reach(
    of target: TargetTable.Target, _ pair: PairReference, _ context: RouteContext,
    _ tolerance: Tolerance
  ) -> Reach {
    let first = context.loads[target.endpoint]
    let hasTriedFirst = pair.pointee.hasTried(first.serial)
    var isFirstOut = hasTriedFirst || (tolerance == .none && first.isAvoided(now: now))
    guard let other = target.atAlternate else {
      return Reach(target: target, openCount: first.openCount, isExcluded: isFirstOut)
    }
    let second = context.loads[other.endpoint]
    let hasTriedSecond = pair.pointee.hasTried(second.serial)
    var isSecondOut = hasTriedSecond || (tolerance == .none && second.isAvoided(now: now))
    let hasReset = pair.pointee.machine.hasReset
    if hasReset && tolerance == .none && (hasTriedFirst || hasTriedSecond) {
      (isFirstOut, isSecondOut) = (true, true)
    }
    let isSecond =
      isFirstOut == isSecondOut
      ? first.isEjected(now: now) && !second.isEjected(now: now) : isFirstOut
    let (load, isOut) = isSecond ? (second, isSecondOut) : (first, isFirstOut)
    return Reach(
      target: isSecond ? other : target, openCount: first.openCount + second.openCount,
      isExcluded: isOut,
      isNextAddress: hasTriedFirst != hasTriedSecond && !isOut && !hasReset
        && !load.isEjected(now: now))
  }
}
