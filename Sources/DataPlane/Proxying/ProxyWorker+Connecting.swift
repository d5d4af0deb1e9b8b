import Balancing
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
    /// - `isFull`: there are some, but with as many connections as they may have.
    case exhausted(isFull: Bool)
    case refused(CloseReason)
  }

  /// Begins the next attempt of a connection; what the state machine wants then.
  mutating func connect(_ slot: Int) -> ConnectionStateMachine.Action {
    let pair = pairs[slot]
    dropFirst(pair)
    let event: ConnectionStateMachine.Event
    switch begin(slot, .first) {
    case .underWay:
      let delay = raceDelay(pair)
      pair.pointee.machine.expectAnswer(by: delay == .max ? .max : now &+ delay)
      setTimer(slot)
      return .none
    case .failed(let failure): event = .connectFailed(.first, failure)
    case .exhausted(let isFull): event = isFull ? .targetsFull : .targetsExhausted
    case .refused(let reason): event = .refused(reason)
    }
    return give(event, to: pair)
  }

  /// Begins a second attempt beside the first; what the state machine wants then.
  mutating func race(_ slot: Int) -> ConnectionStateMachine.Action {
    let pair = pairs[slot]
    shard.add(to: listeners[Int(pair.pointee.listener)].counters.races)
    switch begin(slot, .rival) {
    case .underWay: return .none
    case .failed(let failure): return give(.connectFailed(.rival, failure), to: pair)
    case .exhausted, .refused: return give(.noRival, to: pair)
    }
  }

  /// The rival takes the place of the first attempt, which failed.
  mutating func adoptRival(_ slot: Int) {
    let pair = pairs[slot]
    dropFirst(pair)
    guard let rival = rivals.removeValue(forKey: slot) else { return }
    pair.pointee.upstream = rival.half
    pair.pointee.attempt = rival.attempt
    if let session = rival.session { securedEnds(of: pair).upstream = session }
  }

  /// One of two attempts has connected: the other one is dropped. A first one that the rival has
  /// overtaken is charged for it.
  mutating func settle(_ slot: Int, on winner: ConnectionStateMachine.Attempt) {
    if winner == .first { return dropRival(slot) }
    let first = pairs[slot].pointee.attempt
    if let record = first.record, record.noteLostRace(now: now) {
      record.load.noteLatency(now &- first.startedAt, now: now)
      noteForEjection(.connectFailed, first)
    }
    adoptRival(slot)
  }

  private func give(
    _ event: ConnectionStateMachine.Event, to pair: PairReference
  ) -> ConnectionStateMachine.Action {
    let limits = listeners[Int(pair.pointee.listener)].rules.limits
    return pair.pointee.machine.handle(event, now: now, limits)
  }

  private enum Beginning {
    case underWay
    case failed(ConnectFailure)
    /// - `isFull`: there are some, but with as many connections as they may have.
    case exhausted(isFull: Bool)
    case refused(CloseReason)
  }

  private mutating func begin(
    _ slot: Int, _ which: ConnectionStateMachine.Attempt
  ) -> Beginning {
    let pair = pairs[slot]
    let listener = Int(pair.pointee.listener)
    var attempt = Attempt()
    let edition = reader.edition
    let context = currentContext(edition)
    switch search(pair, edition, context, which, &attempt) {
    case .refused(let reason): return .refused(reason)
    case .exhausted(let isFull): return .exhausted(isFull: isFull)
    case .found(let target, let region):
      note(target, region: region, of: pair, context, &attempt)
      shard.add(to: listeners[listener].counters.attempts)
      do {
        try open(target.socket, slot: slot, which)
        set(attempt, of: slot, which)
        guard secure(slot, which, attempt, target.socket) else {
          chargeAttempt(pair, attempt, .tls)
          if which == .rival { dropRival(slot) }
          return .failed(.tls)
        }
        return .underWay
      } catch {
        leaveEndpoint(&attempt)
        set(attempt, of: slot, which)
        if which == .rival { dropRival(slot) }
        if error.isOutOfDescriptors {
          if which == .first { pause(listener: listener, for: 100_000_000) }
          return .refused(.overload)
        }
        let failure = ConnectFailure(code: error.code)
        chargeAttempt(pair, attempt, failure)
        return .failed(failure)
      }
    }
  }

  private mutating func set(
    _ attempt: Attempt, of slot: Int, _ which: ConnectionStateMachine.Attempt
  ) {
    switch which {
    case .first: pairs[slot].pointee.attempt = attempt
    case .rival: rivals[slot]?.attempt = attempt
    }
  }

  /// epoll says that the socket of an attempt is writable, or broken.
  mutating func finishConnecting(
    _ slot: Int, _ which: ConnectionStateMachine.Attempt, isBroken: Bool
  ) {
    let pair = pairs[slot]
    var (fd, attempt) = (pair.pointee.upstream.fd, pair.pointee.attempt)
    if which == .rival {
      guard let rival = rivals[slot] else { return }
      (fd, attempt) = (rival.half.fd, rival.attempt)
    }
    let securing =
      isBroken
      ? .failed(ConnectFailure(code: Sockets.takeError(fd)))
      : finishSecuring(slot, which, attempt, fd)
    switch securing {
    case .done: break
    case .waiting: return
    case .failed(let failure):
      chargeAttempt(pair, attempt, failure)
      if which == .rival { dropRival(slot) }
      return handle(.connectFailed(which, failure), slot: slot)
    }
    pair.pointee.connectNanoseconds = max(1, pair.pointee.machine.age(now: now))
    shard.record(
      nanoseconds: now &- attempt.startedAt,
      in: listeners[Int(pair.pointee.listener)].counters.connectDurations)
    if let context = attempt.context {
      noteConnected(attempt)
      shard.add(
        to: context.connectionCounter(
          listener: Int(pair.pointee.listener), region: Int(attempt.region)))
    }
    if departures.departure(of: attempt) != nil { departures.lookAgain(now: now) }
    handle(.connected(which), slot: slot)
    if pair.pointee.isInUse { setTimer(slot) }
  }

  /// Counts a failed attempt, and tells of it where it is the endpoint's fault.
  func chargeAttempt(_ pair: PairReference, _ attempt: Attempt, _ failure: ConnectFailure) {
    let listener = Int(pair.pointee.listener)
    shard.add(to: listeners[listener].counters.failures[Int(failure.rawValue)])
    guard failure != .local, let record = attempt.record else { return }
    record.noteFailure(now: now)
    record.load.noteLatency(PeakLatency.failureNanoseconds, now: now)
    noteForEjection(.connectFailed, attempt)
  }

  /// Closes the socket of the first attempt, which failed or lost.
  private func dropFirst(_ pair: PairReference) {
    leaveEndpoint(&pair.pointee.attempt)
    if pair.pointee.upstream.fd >= 0 { Sockets.reset(pair.pointee.upstream.fd) }
    pair.pointee.upstream = Half()
    pair.pointee.secured?.upstream = nil
  }

  /// Closes the socket of the rival, if there is one.
  mutating func dropRival(_ slot: Int) {
    guard !rivals.isEmpty, var rival = rivals.removeValue(forKey: slot) else { return }
    leaveEndpoint(&rival.attempt)
    Sockets.reset(rival.half.fd)
  }

  /// The connection no longer counts as a load of its endpoint.
  func leaveEndpoint(_ attempt: inout Attempt) {
    guard attempt.isLoad, let record = attempt.record else { return }
    attempt.isLoad = false
    record.load.leave()
  }

  /// Nanoseconds after which an endpoint would have answered; .max: no limit.
  private func raceDelay(_ pair: PairReference) -> UInt64 {
    switch listeners[Int(pair.pointee.listener)].rules.raceAfter {
    case .never: .max
    case .fixed(let nanoseconds): nanoseconds
    case .roundTrips:
      max(
        (pair.pointee.attempt.record?.roundTripNanoseconds ?? 0) &* 2, RaceDelay.leastNanoseconds)
    }
  }

  private mutating func open(
    _ address: SocketAddress, slot: Int, _ which: ConnectionStateMachine.Attempt
  ) throws(SystemError) {
    let pair = pairs[slot]
    let fd = try Sockets.connect(
      to: address, listeners[Int(pair.pointee.listener)].rules.outgoing)
    let tag = pairs.makeTag()
    switch which {
    case .first:
      pair.pointee.upstream.fd = fd
      pair.pointee.upstream.tag = tag
    case .rival: rivals[slot] = Rival(half: Half(fd: fd, tag: tag))
    }
    let data = Self.eventData(.upstream, slot: slot, tag: tag)
    guard poller.addConnection(fd, data: data) else { throw SystemError.outOfMemory }
  }

  private func note(
    _ target: TargetTable.Target, region: Int, of pair: PairReference, _ context: RouteContext,
    _ attempt: inout Attempt
  ) {
    let load = context.loads[target.endpoint]
    load.enter()
    attempt.context = context
    attempt.isLoad = true
    attempt.endpoint = Int32(target.endpoint)
    attempt.region = Int32(region)
    attempt.startedAt = now
    attempt.despite =
      load.isEjected(now: now) ? .ejection : load.isAvoided(now: now) ? .failure : .none
    pair.pointee.noteTried(load.serial)
  }

  /// Routes the client by the current edition, each attempt anew, and looks for an endpoint that
  /// was not tried: first one that has not failed lately, in all regions that the client may go to,
  /// at last one that is ejected.
  private mutating func search(
    _ pair: PairReference, _ edition: Edition, _ context: RouteContext,
    _ which: ConnectionStateMachine.Attempt, _ attempt: inout Attempt
  ) -> Search {
    let service: Int
    switch find(pair, edition, context) {
    case .service(let index, key: _): service = index
    case .noRoute: return .refused(.noRoute)
    case .notReady: return .refused(.notReady)
    }
    var trace = SilentTrace()
    let decision = edition.steering.route(
      pair.pointee.clientAddress.address.client, to: service, trace: &trace)
    let outcome = edition.targets.outcome(of: decision)
    // Once a connection, however many attempts it takes.
    if pair.pointee.machine.attemptCount == 1 {
      if decisions.edition != edition.number { decisions.register(edition) }
      shard.add(to: decisions[decision.outcome])
      shard.addDemand(.connections, row: edition.steering.row(of: decision, service: service))
      sampler.take(
        client: pair.pointee.clientAddress.address,
        listener: listeners[Int(pair.pointee.listener)].shared.name,
        serverName: pair.pointee.greeting?.serverName ?? [], edition: edition)
    }
    attempt.service = Int32(service)
    attempt.decision = decision
    attempt.basis = outcome.basis
    attempt.editionNumber = edition.number
    attempt.epoch = edition.board.admissions.primary(ofService: service)?.epoch ?? 0
    // What was tried stays in the log if nothing comes after it.
    if which == .first && pair.pointee.attempt.endpoint < 0 { pair.pointee.attempt = attempt }
    guard outcome.kind == .serve else { return .refused(.refusedByPolicy) }
    // Almost always the first region has one: the whole list is made only if not.
    if let first = outcome.regions.first,
      let target = choose(
        pair, context,
        edition.targets.targets(
          service: service, region: first, basis: outcome.basis), service: service,
        tolerance: .none)
    {
      return .found(target, region: first)
    }
    let regions = edition.targets.regionsToTry(for: decision, service: service)
    var isFull = false
    // A race with one that failed lately is no help.
    for tolerance in which == .first ? Tolerance.allCases : [.none] {
      for region in regions {
        let targets = edition.targets.targets(
          service: service, region: region, basis: outcome.basis)
        if let target = choose(
          pair, context, targets, service: service, tolerance: tolerance)
        {
          return .found(target, region: region)
        }
        isFull = isFull || chooser.hasFull
      }
    }
    return .exhausted(isFull: isFull)
  }

  private func find(
    _ pair: PairReference, _ edition: Edition, _ context: RouteContext
  ) -> ListenerServices.Finding {
    let services = context.services[Int(pair.pointee.listener)]
    guard let greeting = pair.pointee.greeting else {
      return services.find(serverName: RawSpan(), in: edition)
    }
    return unsafe services.find(serverName: greeting.serverName.span.bytes, in: edition)
  }

  /// The context of the edition's configuration, made when the first connection needs it.
  mutating func currentContext(_ edition: Edition) -> RouteContext {
    if let context, context.revision == edition.revision,
      context.settingsVersion == settingsVersion
    {
      return context
    }
    let fresh = RouteContext(
      edition: edition, settingsVersion: settingsVersion,
      listeners: listeners.map(\.shared.currentSettings), tls: shared.endpointTLS,
      passive: shared.passive,
      counters: shared.counters)
    context = fresh
    chooser.renumber(endpointCount: fresh.endpoints.count)
    return fresh
  }
}
