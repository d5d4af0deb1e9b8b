import Balancing
import CLinux
import ClientLimits
import Counters
import Editions
import Places
import ProxyProtocol
import Routing
import Sampling
import Securing
import Synchronization

/// What the workers of a proxy share; everything else belongs to one of them.
final class ProxyShared: Sendable {
  /// The name of this one among the nodes that connections come through.
  let node: [UInt8]
  private let listening = Mutex(ListeningPlan())
  private let lastListenerSerial = Atomic<Int>(0)
  /// Grows when the settings of a listener change.
  let settingsVersion = Atomic<UInt64>(1)
  /// By worker.
  let marks: [WorkerMark]
  let isStopping = Atomic<Bool>(false)
  private let drain = Mutex<DrainSchedule?>(nil)
  private let isDraining = Atomic<Bool>(false)
  private let clientContexts = Mutex<[String: TLSClientContext]>([:])
  let passive: PassiveHealth
  let counters: CounterBoard
  let roundTrips: RoundTripCollector
  let sampler: SampleCollector
  let clients: ClientLimiter
  /// Of the wall clock: part of connection ids.
  let startSeconds: UInt64

  init(
    node: String, workerCount: Int, passive: PassiveHealth, counters: CounterBoard,
    roundTrips: RoundTripCollector, sampler: SampleCollector, clients: ClientLimiter
  ) {
    self.node = Array(node.utf8)
    marks = (0..<workerCount).map { _ in WorkerMark() }
    self.clients = clients
    self.sampler = sampler
    self.roundTrips = roundTrips
    self.passive = passive
    self.counters = counters
    startSeconds = az_wall_clock_ns() / 1_000_000_000
  }

  /// Takes a lock.
  var plan: ListeningPlan { listening.withLock { $0 } }

  func makeListenerSerial() -> Int { lastListenerSerial.add(1, ordering: .relaxed).newValue }

  /// Changes the plan. The workers follow when they see the new version.
  ///
  /// - Parameter body: gets the new version, and the one that all workers go by at least.
  func change(
    _ body: (_ plan: inout ListeningPlan, _ version: UInt64, _ followed: UInt64) -> Void
  ) {
    listening.withLock { plan in
      let followed = marks.map { $0.version.load(ordering: .acquiring) }.min() ?? 0
      body(&plan, settingsVersion.load(ordering: .relaxed) + 1, followed)
      settingsVersion.add(1, ordering: .releasing)
    }
  }

  /// Closes the sockets that no worker has taken over. When none runs any more.
  func closeUnfollowed() {
    listening.withLock { plan in
      for (worker, mark) in marks.enumerated() where mark.version.load(ordering: .acquiring) == 0 {
        for socket in plan.sockets(ofWorker: worker).joined() { Sockets.close(socket) }
        for socket in plan.leftSockets(ofWorker: worker, after: 0) { Sockets.close(socket) }
      }
      plan.places = []
    }
  }

  /// nil: the proxy does not drain. Takes a lock only if it does.
  var drainSchedule: DrainSchedule? {
    isDraining.load(ordering: .acquiring) ? drain.withLock { $0 } : nil
  }

  /// What connections to the endpoints of pools begin with, by the pool's name. Takes a lock.
  var endpointTLS: [String: TLSClientContext] {
    get { clientContexts.withLock { $0 } }
    set { clientContexts.withLock { $0 = newValue } }
  }

  func drain(by schedule: DrainSchedule) {
    drain.withLock { $0 = schedule }
    isDraining.store(true, ordering: .releasing)
  }
}

/// What a worker is started with.
struct ProxyWorkerSetup: Sendable {
  var index: Int
  var shared: ProxyShared
  var desk: EditionDesk
  var wakeUp: WakeUp
  /// An epoll descriptor that the worker takes over.
  var epoll: Int32
  var log: AccessLogRing?
  /// ``BufferPool/limit``.
  var heldBlockLimit: Int
  var seed: UInt64
}

/// One thread of the proxy: its own listening sockets, its own epoll, its own connections. Shares
/// nothing with other workers but a few atomics a connection.
///
///     epoll ─→ accept ─→ route, connect ─→ relay ⇄ relay ─→ close, log
///                          ↑ next endpoint ┘ (failed)
struct ProxyWorker: ~Copyable {
  /// What an event of epoll is about; in the lowest two bits of its data, above them 30 bits of
  /// slot (or listener) and 32 bits of tag.
  enum EventKind: UInt64 {
    case client, upstream, listener, wakeUp
  }

  /// What the settings of a listener say to a worker.
  struct Rules {
    let limits: ConnectionStateMachine.Limits
    let bufferLimit: Int
    let logsConnects: Bool
    /// Nanoseconds; nil: connections leave no lines while they last.
    let logInterval: UInt64?
    let repeatedBytes: Int
    let clientLimits: ClientLimits
    let raceAfter: RaceDelay
    let outgoing: OutgoingOptions
    let trustedProxies: TrustedProxies?
    /// Whether the name in the ClientHello counts.
    let readsServerNames: Bool
    /// nil: bytes are passed on as they are.
    let tls: TLSServerContext?
    /// When open connections are closed; nil: the listener does not drain.
    let drain: DrainSchedule?

    init(_ listener: ProxyListener) {
      let settings = listener.currentSettings
      drain = listener.drainSchedule
      limits = settings.limits
      bufferLimit = settings.bufferLimit
      logsConnects = settings.logsConnects
      logInterval = settings.logInterval.map { max($0, .seconds(1)).nanoseconds }
      repeatedBytes = settings.repeatedBytes
      clientLimits = settings.clientLimits
      raceAfter = settings.raceAfter
      outgoing = OutgoingOptions(settings.tcp)
      trustedProxies = settings.trustedProxies
      readsServerNames = !settings.services.named.isEmpty || settings.tls != nil
      tls = settings.tls
    }

    /// What is to be heard from a new client first; nil: nothing.
    func greeting() -> Greeting? {
      guard trustedProxies != nil || readsServerNames else { return nil }
      return Greeting(awaits: trustedProxies == nil ? .hello : .header)
    }
  }

  /// The worker's part of a listener.
  struct Listener {
    let shared: ProxyListener
    var sockets: [Int32] = []
    let counters: ProxyCounters
    var rules: Rules
    /// Whether epoll tells of new connections.
    var isPolled = false
    /// Not before.
    var resumesAt: UInt64 = 0

    init(_ shared: ProxyListener, board: CounterBoard) {
      self.shared = shared
      counters = ProxyCounters(listener: shared.name, board: board)
      rules = Rules(shared)
    }
  }

  /// Reads and writes of a connection before others have their turn.
  static let roundsPerTurn = 16
  /// An idle thread lets old editions go after so long.
  private static let longestWait: UInt64 = 500_000_000
  /// A paused listener is looked at again after so long.
  private static let pausedWait: UInt64 = 10_000_000

  let index: Int
  let shared: ProxyShared
  let mark: WorkerMark
  let wakeUp: WakeUp
  let shard: CounterShard
  let log: AccessLogRing?
  let roundTrips: SampleRing<RoundTrip>
  var decisions: DecisionCounters
  var sampler: ConnectionSampler
  var reader: EditionReader
  var poller: Poller
  var pairs = PairTable()
  /// By slot.
  var rivals: [Int: Rival] = [:]
  var pool: BufferPool
  private let heldBytes: CounterIndex
  /// Blocks of the pool that the counter knows of.
  private var toldBlockCount = 0
  var pipes = PipePool()
  var timers: TimerWheel
  var chooser: EndpointChooser
  var line = AccessLine()
  var listeners: [Listener] = []
  var context: RouteContext?
  var settingsVersion: UInt64 = 0
  /// Connections that have used up their turn: event data.
  var queue: [UInt64] = []
  /// Those of them that have their next turn now.
  var turn: [UInt64] = []
  var lastSequence: UInt64 = 0
  var progress = ProgressRound()
  /// ``shortestLogInterval()`` of the present settings.
  var logInterval: UInt64?
  var departures = Departures()
  var isDraining = false
  /// When connections that are to be drained are looked at again; `.max`: there are none.
  var nextDrainAt = UInt64.max
  /// When those are tried again whose other side takes no more; `.max`: there are none.
  var nextRetryAt = UInt64.max
  /// Monotonic, of the batch.
  var now: UInt64

  init(_ setup: ProxyWorkerSetup) {
    index = setup.index
    shared = setup.shared
    mark = setup.shared.marks[setup.index]
    wakeUp = setup.wakeUp
    shard = setup.shared.counters.makeShard()
    log = setup.log
    roundTrips = setup.shared.roundTrips.makeRing()
    heldBytes = setup.shared.counters.index(of: .init("azimuth_proxy_held_bytes"))
    decisions = DecisionCounters(
      "azimuth_proxy_decisions_total", board: setup.shared.counters)
    sampler = setup.shared.sampler.makeConnectionSampler(shard: shard)
    reader = EditionReader(setup.desk)
    poller = Poller(setup.epoll)
    now = monotonicNow()
    timers = TimerWheel(now: now)
    pool = BufferPool(limit: setup.heldBlockLimit)
    chooser = EndpointChooser(seed: setup.seed)
    _ = poller.addListener(wakeUp.fd, data: Self.eventData(.wakeUp, slot: 0, tag: 0))
  }

  /// Runs until the proxy stops; then resets what is open.
  mutating func run() {
    refresh()
    resumeListeners()
    var turns: UInt64 = 0
    while !shared.isStopping.load(ordering: .acquiring) {
      let count = poller.wait(milliseconds: waitMilliseconds())
      now = monotonicNow()
      refresh()
      for index in 0..<count {
        let (data, readiness) = poller.event(index)
        dispatch(data, readiness)
      }
      runQueue()
      runTimers()
      retryBlocked()
      drain()
      logProgress()
      closeDeparted()
      resumeListeners()
      tellHeldBytes()
      turns &+= 1
      mark.turns.store(turns, ordering: .relaxed)
    }
    stop()
    tellHeldBytes()
  }

  /// Once a batch, so that blocks that come and go within one cost nothing.
  private mutating func tellHeldBytes() {
    let change = (pool.usedCount - toldBlockCount) * BufferPool.blockByteCount
    guard change != 0 else { return }
    // Additions wrap: what is taken away is added as its complement.
    shard.add(UInt64(bitPattern: Int64(change)), to: heldBytes)
    toldBlockCount = pool.usedCount
  }

  static func eventData(_ kind: EventKind, slot: Int, tag: UInt32) -> UInt64 {
    UInt64(tag) << 32 | UInt64(slot) << 2 | kind.rawValue
  }

  private mutating func dispatch(_ data: UInt64, _ readiness: Poller.Readiness) {
    let slot = Int(data >> 2 & 0x3FFF_FFFF)
    let tag = UInt32(truncatingIfNeeded: data >> 32)
    switch EventKind(rawValue: data & 3) {
    case .client: handle(readiness, of: .client, slot: slot, tag: tag)
    case .upstream: handle(readiness, of: .upstream, slot: slot, tag: tag)
    case .listener: accept(socket: Int32(bitPattern: tag), listener: slot)
    case .wakeUp, nil: wakeUp.clear()
    }
  }

  private mutating func refresh() {
    reader.refresh()
    let version = shared.settingsVersion.load(ordering: .acquiring)
    if version != settingsVersion { follow(version: version) }
  }

  private func waitMilliseconds() -> Int32 {
    guard queue.isEmpty else { return 0 }
    var wait = Self.longestWait
    let next = min(departures.nextLookAt, nextDrainAt, nextRetryAt)
    if next != .max { wait = min(wait, next > now ? next &- now : 0) }
    if let delay = timers.delay(now: now) { wait = min(wait, delay) }
    if let interval = logInterval { wait = min(wait, progress.delay(interval, now: now)) }
    for index in listeners.indices where !listeners[index].isPolled {
      wait = min(wait, Self.pausedWait)
    }
    return Int32((wait + 999_999) / 1_000_000)
  }

  private mutating func runTimers() {
    while let slot = timers.next(now: now) {
      let pair = pairs[slot]
      guard pair.pointee.isInUse else { continue }
      let limits = listeners[Int(pair.pointee.listener)].rules.limits
      if pair.pointee.machine.isAttemptOverdue(now: now, limits) {
        chargeAttempt(pair, pair.pointee.attempt, .timedOut)
      }
      let action = pair.pointee.machine.handle(.timerExpired, now: now, limits)
      perform(action, slot: slot)
      if pair.pointee.isInUse { setTimer(slot) }
    }
  }

  /// Makes sure that the connection is looked at when its deadline comes.
  mutating func setTimer(_ slot: Int) {
    let pair = pairs[slot]
    let limits = listeners[Int(pair.pointee.listener)].rules.limits
    timers.bringForward(slot, to: pair.pointee.machine.deadline(limits))
  }

  /// Performs an action and those that follow from it.
  mutating func perform(_ first: ConnectionStateMachine.Action, slot: Int) {
    var action = first
    while true {
      switch action {
      case .none: return
      case .connect: action = connect(slot)
      case .connectAgain:
        noteRepetition(pairs[slot])
        action = connect(slot)
      case .race: action = race(slot)
      case .adoptRival:
        adoptRival(slot)
        return setTimer(slot)
      case .relay(let attempt):
        settle(slot, on: attempt)
        guard sendHeader(pairs[slot]) else { return handle(.reset(.upstream), slot: slot) }
        beginRepeatable(pairs[slot])
        if listeners[Int(pairs[slot].pointee.listener)].rules.logsConnects {
          writeLog(pairs[slot], .connect)
        }
        pump(slot, from: .client)
        if pairs[slot].pointee.machine.phase == .relaying { pump(slot, from: .upstream) }
        return
      case .shutDownWriting(let side):
        Sockets.shutDownWriting(pairs[slot][side].fd)
        return setTimer(slot)
      case .close(let reason): return close(slot, reason)
      }
    }
  }

  /// Gives an event to the connection's state machine and performs what it says.
  mutating func handle(_ event: ConnectionStateMachine.Event, slot: Int) {
    let pair = pairs[slot]
    let limits = listeners[Int(pair.pointee.listener)].rules.limits
    perform(pair.pointee.machine.handle(event, now: now, limits), slot: slot)
  }

  private mutating func stop() {
    refresh()
    for slot in 0..<pairs.capacity where pairs[slot].pointee.isInUse {
      handle(.stopped, slot: slot)
    }
    for listener in listeners {
      for socket in listener.sockets { Sockets.close(socket) }
    }
  }
}
