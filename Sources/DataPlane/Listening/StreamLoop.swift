import Answering
import CLinux
import Counters
import Editions
import NIOCore
import Places
import Sampling
import Synchronization
import Tapping

/// What the connections of one event loop share: the responder, the queues by which they are timed,
/// and their limits. Used on that loop only.
final class StreamLoop {
  /// The longest query (RFC 1035 §4.2.2) and what the responder wants behind it.
  private static let scratchByteCount = Responder.maximumTCPBytes + 64
  /// How often a loop with long time-outs looks after its connections and for a new edition, so
  /// that it lets the old one go.
  private static let longestRound = Duration.seconds(1)
  private static let shortestRound = Duration.milliseconds(5)

  private let limits: StreamLimits
  private let shared: StreamTotals
  private let transport: Responder.Transport
  private let uncommon: (any UncommonMessages)?
  private let shard: CounterShard
  private let counters: StreamCounters
  private var queues = ConnectionQueues()
  private var handlers: [StreamHandler?] = []
  private var reader: EditionReader
  private var responder: Responder
  private var tap: ThreadTap
  private var sampler: ThreadSampler
  private var scratch = [UInt8](repeating: 0, count: StreamLoop.scratchByteCount)
  private var rounds: RepeatedTask?

  init(_ settings: TCPDNSListener.Settings, shared: StreamTotals, parts: ResponderParts) {
    limits = settings.limits
    self.shared = shared
    transport = settings.tls == nil ? .tcp : .tls
    uncommon = parts.uncommon
    reader = EditionReader(parts.desk)
    shard = parts.counters.makeShard()
    counters = StreamCounters(
      board: parts.counters, transport: settings.tls == nil ? "tcp" : "tls")
    responder = parts.responder(transport, shard: shard)
    tap = parts.threadTap(transport, shard: shard)
    sampler = parts.threadSampler(shard: shard)
    sayKeepalive(limits.idleTimeout)
  }

  func start(on eventLoop: any EventLoop) {
    let shortest = min(limits.idleTimeout / 40, limits.receiveTimeout / 4, limits.sendTimeout / 4)
    let round = TimeAmount(min(max(shortest, Self.shortestRound), Self.longestRound))
    let bound = NIOLoopBound(self, eventLoop: eventLoop)
    rounds = eventLoop.scheduleRepeatedTask(initialDelay: round, delay: round) { _ in
      bound.value.refresh()
      bound.value.closeOverdue()
    }
  }

  func refresh() { reader.refresh() }

  /// Whether there is an edition to answer with.
  var isReady: Bool {
    reader.refresh()
    return reader.edition.isReady
  }

  func noteAcceptPause() { shard.add(to: counters.acceptPauses) }

  func stop() {
    rounds?.cancel()
    rounds = nil
    for handler in handlers { handler?.close(.stop) }
  }
}

// MARK: - Connections

extension StreamLoop {
  private static var now: UInt64 { NIODeadline.now().uptimeNanoseconds }

  /// Takes a connection in.
  ///
  /// - Returns: its slot.
  func admit(_ handler: StreamHandler, to phase: ConnectionQueues.Phase) -> Int {
    let slot = queues.admit(to: phase, now: Self.now)
    if slot == handlers.count { handlers.append(nil) }
    handlers[slot] = handler
    shard.add(to: counters.opened)
    shared.connections.add(1, ordering: .relaxed)
    return slot
  }

  /// If there are too many connections, the one of this loop that has been quiet for the longest
  /// goes, or else the one that is waited for the longest.
  func evictIfTooMany() {
    guard shared.connections.load(ordering: .relaxed) > limits.maximumConnections else { return }
    let oldest = ConnectionQueues.Phase.allCases.lazy.compactMap { self.queues.first(of: $0) }
    if let slot = oldest.first?.slot { handlers[slot]?.close(.evicted) }
  }

  /// Now it is known whose connection it is.
  ///
  /// - Returns: false if the client has too many.
  func identify(_ client: ClientAddress) -> Bool { shared.clients.add(client) }

  /// The connection is gone.
  ///
  /// - Parameter client: whose it was, if it was counted as a client's.
  func remove(_ slot: Int, client: ClientAddress?, ending: StreamEnding) {
    queues.release(slot)
    handlers[slot] = nil
    shared.connections.subtract(1, ordering: .relaxed)
    if let client { shared.clients.remove(client) }
    shard.add(to: counters.closed(ending))
  }

  /// What is waited for now, anew.
  func wait(_ slot: Int, for phase: ConnectionQueues.Phase) {
    queues.move(slot, to: phase, now: Self.now)
  }

  /// It is being closed: its time no longer matters, and it is nobody to be evicted.
  func hold(_ slot: Int) { queues.hold(slot) }

  func phase(of slot: Int) -> ConnectionQueues.Phase? { queues.phase(of: slot) }

  private func closeOverdue() {
    let open = shared.connections.load(ordering: .relaxed)
    let idle = limits.idleTimeout(openConnections: open)
    sayKeepalive(idle)
    while let slot = overdue(.quiet, after: idle) { handlers[slot]?.close(.idle) }
    while let slot = overdue(.receiving, after: limits.receiveTimeout) {
      handlers[slot]?.close(.slow)
    }
    while let slot = overdue(.sending, after: limits.sendTimeout) {
      guard let handler = handlers[slot] else { break }
      // Whoever reads, however slowly, is waited for again.
      if handler.hasSentSinceLastAsked() {
        wait(slot, for: .sending)
      } else {
        handler.close(.stalled)
      }
    }
  }

  /// RFC 7828 §3.3.2: the time-out that clients are told is the one that holds now.
  private func sayKeepalive(_ idle: Duration) {
    responder.keepaliveTenths = UInt16(clamping: Int(idle / .milliseconds(100)))
  }

  private func overdue(_ phase: ConnectionQueues.Phase, after timeout: Duration) -> Int? {
    guard let first = queues.first(of: phase) else { return nil }
    let waited = Duration.nanoseconds(Int64(clamping: Self.now &- first.since))
    return waited >= timeout ? first.slot : nil
  }
}

// MARK: - Answers

extension StreamLoop {
  /// What becomes of a query.
  enum Reply {
    /// Its answer, with its length in front, was appended to the output.
    case written
    /// Its answers are still to be pulled.
    case stream(any AnswerStream)
    /// The connection is to be closed.
    case refusal
  }

  /// - Parameter server: our end of the connection, if it is known.
  func answer(
    _ query: ByteBufferView, from source: Places.SocketAddress, at server: Places.SocketAddress?,
    into output: inout ByteBuffer
  ) -> Reply {
    scratch.replaceSubrange(0..<query.count, with: query)
    let isTapped = tap.takesNext()
    if isTapped { unsafe tap.takeQuery(scratch.span.bytes, byteCount: query.count) }
    let isSampled = sampler.takesNext()
    if isSampled {
      unsafe sampler.takeQuery(
        scratch.span.bytes, byteCount: query.count, from: source.address,
        edition: reader.edition)
    }
    let disposal = answerScratch(queryByteCount: query.count, source: source.address)
    if isSampled { sampler.finish(wasAnswered: disposal.answerByteCount > 0) }
    if isTapped {
      let byteCount = if case .answer(let byteCount) = disposal { byteCount } else { 0 }
      unsafe tap.takeAnswer(scratch.span.bytes, byteCount: byteCount, from: source, at: server)
    }
    switch disposal {
    case .answer(let byteCount):
      output.writeInteger(UInt16(truncatingIfNeeded: byteCount))
      output.writeBytes(scratch[..<byteCount])
      return .written
    case .silence: return .refusal
    case .uncommon:
      let answers = uncommon?.answers(
        to: Array(query), from: source, over: transport, edition: reader.edition)
      return answers.map { .stream($0) } ?? .refusal
    }
  }

  private func answerScratch(queryByteCount: Int, source: IPAddress) -> Responder.Disposal {
    var span = scratch.mutableSpan
    var bytes = unsafe span.mutableBytes
    return responder.answer(
      &bytes, queryByteCount: queryByteCount, source: source,
      nowMicroseconds: az_wall_clock_ns() / 1_000, edition: reader.edition)
  }
}

// MARK: - All loops

/// Open connections over all loops of a listener.
final class StreamTotals: Sendable {
  let connections = Atomic(0)
  let clients: ClientCounts

  init(_ limits: StreamLimits) {
    clients = ClientCounts(maximum: limits.maximumConnectionsPerClient)
  }
}

/// The loops of a group.
final class StreamLoops: Sendable {
  private let loops: [ObjectIdentifier: NIOLoopBound<StreamLoop>]
  private let eventLoops: [any EventLoop]
  private let totals: StreamTotals

  /// Connections that are open now.
  var connectionCount: Int { totals.connections.load(ordering: .relaxed) }

  init(
    _ settings: TCPDNSListener.Settings, group: any EventLoopGroup, parts: ResponderParts
  ) async throws {
    let shared = StreamTotals(settings.limits)
    totals = shared
    var loops: [ObjectIdentifier: NIOLoopBound<StreamLoop>] = [:]
    var eventLoops: [any EventLoop] = []
    for eventLoop in group.makeIterator() {
      loops[ObjectIdentifier(eventLoop)] = try await eventLoop.submit {
        let loop = StreamLoop(settings, shared: shared, parts: parts)
        loop.start(on: eventLoop)
        return NIOLoopBound(loop, eventLoop: eventLoop)
      }.get()
      eventLoops.append(eventLoop)
    }
    self.loops = loops
    self.eventLoops = eventLoops
  }

  /// On that loop only.
  func loop(for eventLoop: any EventLoop) -> StreamLoop? {
    loops[ObjectIdentifier(eventLoop)]?.value
  }

  /// Returns when every loop has done what it had to do.
  func finishRound() async {
    for eventLoop in eventLoops { try? await eventLoop.submit {}.get() }
  }

  func stop() async {
    for eventLoop in eventLoops {
      let bound = loops[ObjectIdentifier(eventLoop)]
      try? await eventLoop.submit { bound?.value.stop() }.get()
    }
  }
}
