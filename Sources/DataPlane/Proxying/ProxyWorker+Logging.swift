import Balancing
import CLinux
import Counters
import Editions
import Places
import Routing

/// What a line of the access log is about: a connection has one of the last kind, and lines of the
/// others where its listener wants them, all with the same `connection`.
enum AccessRecord {
  /// It has reached an endpoint.
  case connect
  /// It lasts.
  case progress
  case close(CloseReason)

  var name: String {
    switch self {
    case .connect: "connect"
    case .progress: "progress"
    case .close: "close"
    }
  }
}

/// Visits all connections once in each interval, some at a time, so that their lines do not come at
/// once.
struct ProgressRound {
  /// Of an interval; connections whose slots leave the same rest are visited together.
  static let partCount = 64
  private var part = 0
  private var dueAt: UInt64 = 0

  /// Nanoseconds until the next part is due.
  func delay(_ interval: UInt64, now: UInt64) -> UInt64 {
    dueAt > now ? min(dueAt - now, interval) : 0
  }

  /// The part that is due now; nil: none is.
  mutating func next(_ interval: UInt64, now: UInt64) -> Int? {
    guard now >= dueAt else { return nil }
    dueAt = now &+ interval / UInt64(Self.partCount)
    part = (part + 1) % Self.partCount
    return part
  }
}

extension ProxyWorker {
  /// The shortest that a listener wants; nil: none wants lines of connections that last.
  func shortestLogInterval() -> UInt64? {
    log == nil ? nil : listeners.compactMap(\.rules.logInterval).min()
  }

  /// Writes the lines of connections that last, when their turn has come.
  mutating func logProgress() {
    guard let interval = logInterval, let part = progress.next(interval, now: now) else { return }
    var slot = part
    while slot < pairs.capacity {
      let pair = pairs[slot]
      if pair.pointee.isInUse, pair.pointee.machine.phase == .relaying,
        listeners[Int(pair.pointee.listener)].rules.logInterval != nil
      {
        writeLog(pair, .progress)
      }
      slot += ProgressRound.partCount
    }
  }

  /// Writes a line of a connection, if there is a log.
  mutating func writeLog(_ pair: PairReference, _ record: AccessRecord) {
    guard let log else { return }
    let attempt = pair.pointee.attempt
    let region = attempt.region
    line.begin(wallClockNanoseconds: az_wall_clock_ns())
    line.add("record", record.name)
    line.add("listener", listeners[Int(pair.pointee.listener)].shared.name)
    line.addConnection(
      startSeconds: shared.startSeconds, worker: index, sequence: pair.pointee.sequence)
    line.add("client", pair.pointee.clientAddress)
    line.add("server_name", hostName: pair.pointee.greeting?.serverName ?? [])
    line.add("region", region < 0 ? nil : attempt.context?.regionNames[Int(region)])
    line.add("endpoint", attempt.record?.id)
    line.add("balance", attempt.method?.name)
    line.add("despite", attempt.despite.name)
    line.add("attempts", UInt64(pair.pointee.machine.attemptCount))
    line.add("bytes_up", pair.pointee.client.byteCount)
    line.add("bytes_down", pair.pointee.upstream.byteCount)
    line.add("duration_ms", milliseconds: pair.pointee.machine.age(now: now))
    let connect = pair.pointee.connectNanoseconds
    line.add("connect_ms", milliseconds: connect == 0 ? nil : connect)
    if case .close(let reason) = record { line.add("reason", reason.name) }
    if let ends = pair.pointee.secured { line.add(ends) }
    line.add("edition", attempt.editionNumber)
    line.add("cohort", UInt64(attempt.decision.cohort))
    line.add("basis", attempt.basis.name)
    line.add("scope", UInt64(attempt.decision.scopeBits))
    line.end()
    if !log.append(line.bytes) {
      shard.add(to: listeners[Int(pair.pointee.listener)].counters.logDropped)
    }
  }
}
