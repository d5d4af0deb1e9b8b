import Answering
import CLinux
import Counters
import Editions
import NIOCore
import Places
import Synchronization

/// What the connections of one event loop share. Used on that loop only.
final class StreamLoop {
  /// The longest query (RFC 1035 §4.2.2) and what the responder wants behind it.
  private static let scratchByteCount = Responder.maximumTCPBytes + 64
  /// How often a quiet loop looks for a new edition, so that it lets the old one go.
  private static let refreshInterval = TimeAmount.seconds(1)

  private let total: ConnectionTotal
  private let maximumConnections: Int
  private var connections: [ObjectIdentifier: StreamHandler] = [:]
  private let uncommon: (any UncommonMessages)?
  private var reader: EditionReader
  private var responder: Responder
  private var scratch = [UInt8](repeating: 0, count: StreamLoop.scratchByteCount)
  private var refreshing: RepeatedTask?

  init(
    _ settings: TCPDNSListener.Settings, total: ConnectionTotal, parts: ResponderParts
  ) {
    self.total = total
    maximumConnections = settings.maximumConnections
    uncommon = parts.uncommon
    reader = EditionReader(parts.desk)
    responder = parts.responder(.tcp, shard: parts.counters.makeShard())
    responder.keepaliveTenths = UInt16(
      clamping: Int(settings.idleTimeout / .milliseconds(100)))
  }

  func startRefreshing(on eventLoop: any EventLoop) {
    let bound = NIOLoopBound(self, eventLoop: eventLoop)
    refreshing = eventLoop.scheduleRepeatedTask(
      initialDelay: Self.refreshInterval, delay: Self.refreshInterval
    ) { _ in
      bound.value.refresh()
    }
  }

  func refresh() { reader.refresh() }

  /// Takes a connection in; where there are too many, the one of this loop that has been quiet for
  /// the longest goes.
  func add(_ handler: StreamHandler) {
    connections[ObjectIdentifier(handler)] = handler
    guard total.count.add(1, ordering: .relaxed).newValue > maximumConnections else { return }
    connections.values.min { $0.lastActive < $1.lastActive }?.close()
  }

  func remove(_ handler: StreamHandler) {
    guard connections.removeValue(forKey: ObjectIdentifier(handler)) != nil else { return }
    total.count.subtract(1, ordering: .relaxed)
  }

  /// Answers one query and appends the answer, its length in front, to `output`.
  ///
  /// - Returns: false if the connection is to be closed.
  func answer(
    _ query: ByteBufferView, from source: Places.SocketAddress, into output: inout ByteBuffer
  ) -> Bool {
    scratch.replaceSubrange(0..<query.count, with: query)
    switch answerScratch(queryByteCount: query.count, source: source.address) {
    case .answer(let byteCount):
      output.writeInteger(UInt16(truncatingIfNeeded: byteCount))
      output.writeBytes(scratch[..<byteCount])
      return true
    case .silence: return false
    case .uncommon:
      return answerUncommon(Array(query), from: source, into: &output)
    }
  }

  private func answerUncommon(
    _ message: [UInt8], from source: Places.SocketAddress, into output: inout ByteBuffer
  ) -> Bool {
    let answers = uncommon?.answers(
      to: message, from: source, over: .tcp, edition: reader.edition)
    guard let answers else { return false }
    while let answer = answers.next() {
      output.writeInteger(UInt16(truncatingIfNeeded: answer.count))
      output.writeBytes(answer)
    }
    return true
  }

  private func answerScratch(queryByteCount: Int, source: IPAddress) -> Responder.Disposal {
    var span = scratch.mutableSpan
    var bytes = unsafe span.mutableBytes
    return responder.answer(
      &bytes, queryByteCount: queryByteCount, source: source,
      nowMicroseconds: az_wall_clock_ns() / 1_000, edition: reader.edition)
  }

  func stop() {
    refreshing?.cancel()
    refreshing = nil
    for handler in connections.values { handler.close() }
  }
}

/// Open connections over all loops.
final class ConnectionTotal: Sendable {
  let count = Atomic(0)
}

/// The loops of a group.
final class StreamLoops: Sendable {
  private let loops: [ObjectIdentifier: NIOLoopBound<StreamLoop>]
  private let eventLoops: [any EventLoop]

  init(
    _ settings: TCPDNSListener.Settings, group: any EventLoopGroup, parts: ResponderParts
  ) async throws {
    let total = ConnectionTotal()
    var loops: [ObjectIdentifier: NIOLoopBound<StreamLoop>] = [:]
    var eventLoops: [any EventLoop] = []
    for eventLoop in group.makeIterator() {
      loops[ObjectIdentifier(eventLoop)] = try await eventLoop.submit {
        let loop = StreamLoop(settings, total: total, parts: parts)
        loop.startRefreshing(on: eventLoop)
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

  func stop() async {
    for eventLoop in eventLoops {
      let bound = loops[ObjectIdentifier(eventLoop)]
      try? await eventLoop.submit { bound?.value.stop() }.get()
    }
  }
}
