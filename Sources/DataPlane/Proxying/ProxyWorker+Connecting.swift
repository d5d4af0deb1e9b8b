import Counters
import Editions
import Places
import Routing
import Sampling
import Synchronization

extension ProxyWorker {
  /// Where to connect next, or why nowhere.
  private enum Search {
    case found(TargetTable.Target, region: Int)
    case exhausted
    case refused(CloseReason)
  }

  /// Begins the next attempt of a connection; what the state machine wants then.
  mutating func connect(_ slot: Int) -> ConnectionStateMachine.Action {
    let pair = pairs[slot]
    let listener = Int(pair.pointee.listener)
    let limits = listeners[listener].limits
    dropAttempt(pair)
    let event: ConnectionStateMachine.Event
    let edition = reader.edition
    let context = currentContext(edition)
    switch search(pair, edition, context) {
    case .refused(let reason): event = .refused(reason)
    case .exhausted: event = .targetsExhausted
    case .found(let target, let region):
      note(target, region: region, of: pair, context)
      shard.add(to: listeners[listener].counters.attempts)
      do {
        try open(target.socket, slot: slot)
        return .none
      } catch {
        if error.isOutOfDescriptors {
          pause(listener: listener, for: 100_000_000)
          event = .refused(.overload)
        } else {
          let failure = ConnectFailure(code: error.code)
          chargeAttempt(pair, failure)
          event = .connectFailed(failure)
        }
      }
    }
    return pair.pointee.machine.handle(event, now: now, limits)
  }

  /// epoll says that the socket of the attempt is writable, or broken.
  mutating func finishConnecting(_ slot: Int, isBroken: Bool) {
    let pair = pairs[slot]
    if isBroken {
      let code = Sockets.takeError(pair.pointee.upstream.fd)
      let failure = ConnectFailure(code: code)
      chargeAttempt(pair, failure)
      return handle(.connectFailed(failure), slot: slot)
    }
    pair.pointee.connectNanoseconds = max(1, pair.pointee.machine.age(now: now))
    if let context = pair.pointee.context {
      context.endpoints[Int(pair.pointee.endpoint)].noteSuccess()
      shard.add(
        to: context.connectionCounter(
          listener: Int(pair.pointee.listener), region: Int(pair.pointee.region)))
    }
    handle(.connected, slot: slot)
    if pair.pointee.isInUse { setTimer(slot) }
  }

  /// Counts a failed attempt, and tells of it where it is the endpoint's fault.
  func chargeAttempt(_ pair: PairReference, _ failure: ConnectFailure) {
    let listener = Int(pair.pointee.listener)
    shard.add(to: listeners[listener].counters.failures[Int(failure.rawValue)])
    guard failure != .local, let context = pair.pointee.context else { return }
    context.endpoints[Int(pair.pointee.endpoint)].noteFailure(now: now)
  }

  /// Closes the socket of an attempt that failed.
  private func dropAttempt(_ pair: PairReference) {
    leaveEndpoint(pair)
    if pair.pointee.upstream.fd >= 0 { Sockets.reset(pair.pointee.upstream.fd) }
    pair.pointee.upstream = Half()
  }

  /// The connection no longer counts as a load of its endpoint.
  func leaveEndpoint(_ pair: PairReference) {
    guard pair.pointee.isLoad, let context = pair.pointee.context else { return }
    pair.pointee.isLoad = false
    context.endpoints[Int(pair.pointee.endpoint)].openCount.subtract(1, ordering: .relaxed)
  }

  private mutating func open(_ address: SocketAddress, slot: Int) throws(SystemError) {
    let pair = pairs[slot]
    let fd = try Sockets.connect(to: address)
    pair.pointee.upstream.fd = fd
    pair.pointee.upstream.tag = pairs.makeTag()
    let data = Self.eventData(.upstream, slot: slot, tag: pair.pointee.upstream.tag)
    guard poller.addConnection(fd, data: data) else { throw SystemError.outOfMemory }
  }

  private func note(
    _ target: TargetTable.Target, region: Int, of pair: PairReference, _ context: RouteContext
  ) {
    let record = context.endpoints[target.endpoint]
    record.openCount.add(1, ordering: .relaxed)
    pair.pointee.context = context
    pair.pointee.isLoad = true
    pair.pointee.endpoint = Int32(target.endpoint)
    pair.pointee.region = Int32(region)
    pair.pointee.noteTried(record.serial)
  }

  /// Routes the client by the current edition, each attempt anew, and looks for an endpoint that
  /// was not tried: first one that has not failed lately, in all regions that the client may go to.
  private mutating func search(
    _ pair: PairReference, _ edition: Edition, _ context: RouteContext
  ) -> Search {
    guard let service = context.services[Int(pair.pointee.listener)] else {
      return .refused(.notReady)
    }
    var trace = SilentTrace()
    let decision = edition.steering.route(
      pair.pointee.clientAddress.address.client, to: service, trace: &trace)
    let outcome = edition.targets.outcome(of: decision)
    // Once a connection, however many attempts it takes.
    if pair.pointee.editionNumber == 0 {
      if decisions.edition != edition.number { decisions.register(edition) }
      shard.add(to: decisions[decision.outcome])
      shard.addDemand(.connections, row: edition.steering.row(of: decision, service: service))
      sampler.take(
        client: pair.pointee.clientAddress.address,
        listener: listeners[Int(pair.pointee.listener)].shared.name, edition: edition)
    }
    pair.pointee.decision = decision
    pair.pointee.basis = outcome.basis
    pair.pointee.editionNumber = edition.number
    guard outcome.kind == .serve else { return .refused(.refusedByPolicy) }
    // Almost always the first region has one: the whole list is made only if not.
    if let first = outcome.regions.first,
      let target = choose(
        pair, context,
        edition.targets.targets(
          service: service, region: first, basis: outcome.basis), avoids: true)
    {
      return .found(target, region: first)
    }
    let regions = edition.targets.regionsToTry(for: decision, service: service)
    for avoids in [true, false] {
      for region in regions {
        let targets = edition.targets.targets(
          service: service, region: region, basis: outcome.basis)
        if let target = choose(pair, context, targets, avoids: avoids) {
          return .found(target, region: region)
        }
      }
    }
    return .exhausted
  }

  private mutating func choose(
    _ pair: PairReference, _ context: RouteContext, _ targets: ArraySlice<TargetTable.Target>,
    avoids: Bool
  ) -> TargetTable.Target? {
    let now = now
    return chooser.choose(
      among: targets,
      isEligible: {
        let record = context.endpoints[$0.endpoint]
        return !pair.pointee.hasTried(record.serial) && !(avoids && record.isAvoided(now: now))
      },
      openCount: { context.endpoints[$0.endpoint].openCount.load(ordering: .relaxed) })
  }

  /// The context of the edition's configuration, made when the first connection needs it.
  private mutating func currentContext(_ edition: Edition) -> RouteContext {
    if let context, context.revision == edition.revision,
      context.settingsVersion == settingsVersion
    {
      return context
    }
    let fresh = RouteContext(
      edition: edition, settingsVersion: settingsVersion,
      listeners: listeners.map(\.shared.currentSettings), passive: shared.passive,
      counters: shared.counters)
    context = fresh
    return fresh
  }
}
