import CLinux
package import Counters
import Synchronization

/// Lines on their way from one worker to the writer: bytes in a ring, one thread puts in, another
/// takes out, neither waits.
///
///     memory   … | free | taken ← tail … head → put | free | …      both counted from the start
///
/// `@unchecked`: `head` belongs to the producer and `tail` to the consumer; each sees the other's
/// through an acquiring load, and the bytes between them belong to the consumer alone.
@safe package final class AccessLogRing: @unchecked Sendable {
  package static let byteCount = 262_144
  private let memory: UnsafeMutableRawBufferPointer
  private let head = Atomic<Int>(0)
  private let tail = Atomic<Int>(0)
  private let wakeUp: WakeUp

  fileprivate init(wakeUp: WakeUp) {
    unsafe memory = .allocate(byteCount: Self.byteCount, alignment: 64)
    self.wakeUp = wakeUp
  }

  deinit { unsafe memory.deallocate() }

  /// Takes a line, whole or not at all: false if there is no room.
  package func append(_ line: [UInt8]) -> Bool {
    let start = head.load(ordering: .relaxed)
    let used = start - tail.load(ordering: .acquiring)
    guard line.count <= Self.byteCount - used else { return false }
    let place = start % Self.byteCount
    let first = min(line.count, Self.byteCount - place)
    unsafe line.withUnsafeBytes { source in
      // `first` bytes fit before the end, the rest at the start, which is free.
      unsafe UnsafeMutableRawBufferPointer(rebasing: memory[place..<place + first])
        .copyMemory(from: UnsafeRawBufferPointer(rebasing: source[..<first]))
      unsafe memory.copyMemory(from: UnsafeRawBufferPointer(rebasing: source[first...]))
    }
    head.store(start + line.count, ordering: .releasing)
    let half = Self.byteCount / 2
    if used < half && used + line.count >= half { wakeUp.signal() }
    return true
  }

  /// Appends all lines that are there, and makes room for others.
  fileprivate func take(into lines: inout [UInt8]) {
    let end = head.load(ordering: .acquiring)
    var start = tail.load(ordering: .relaxed)
    while start < end {
      let place = start % Self.byteCount
      let count = min(end - start, Self.byteCount - place)
      unsafe lines.append(
        contentsOf: UnsafeRawBufferPointer(rebasing: memory[place..<place + count]))
      start += count
    }
    tail.store(start, ordering: .releasing)
  }
}

/// Writes the access log, or another log of lines, on a thread of its own, so that a slow disk or
/// pipe never holds up whoever has lines: then they are dropped and counted. So are those that
/// could not be written: a full disk loses lines, never connections.
package final class AccessLogWriter: Sendable {
  package enum Destination: Sendable, Equatable {
    case standardOutput
    case file(String)
  }

  /// What its thread says of how it goes.
  package enum Word: Sendable, Equatable {
    /// Writing fails, and lines are lost until ``writing(lost:)``.
    case failing(SystemError)
    /// Lines are written again, after so many were lost.
    case writing(lost: Int)
    /// The file could not be opened anew; lines go to the one that was open.
    case notReopened(SystemError)
  }

  /// Lines are written at least so often.
  private static let intervalMilliseconds: Int32 = 100

  private struct State {
    var rings: [AccessLogRing] = []
    var thread: PlainThread?
  }

  private let wakeUp: WakeUp
  private let tell: @Sendable (Word) -> Void
  /// The writing thread counts in it.
  private let shard: CounterShard
  private let failed: CounterIndex
  private let state = Mutex(State())
  private let wantsReopen = Atomic<Bool>(false)
  private let isStopping = Atomic<Bool>(false)

  /// Opens the destination and starts the thread. The file is appended to, and made if absent.
  ///
  /// - Parameters:
  ///   - failed: the counter of lines that are lost since writing them failed.
  ///   - tell: called by the thread, once when something changes.
  package init(
    _ destination: Destination, failed: String, counters: CounterBoard,
    tell: @escaping @Sendable (Word) -> Void
  ) throws(SystemError) {
    wakeUp = try WakeUp()
    self.tell = tell
    shard = counters.makeShard()
    self.failed = counters.index(of: CounterBoard.Series(failed))
    let file = try LogFile(destination)
    let thread = try PlainThread(name: "access-log") { [self] in run(file) }
    state.withLock { $0.thread = thread }
  }

  /// Opens the file anew before the next line: for logrotate.
  package func reopen() {
    wantsReopen.store(true, ordering: .releasing)
    wakeUp.signal()
  }

  /// Writes what is there and ends the thread. The workers must have stopped.
  package func stop() {
    let thread = state.withLock { state in
      defer { state.thread = nil }
      return state.thread
    }
    guard let thread else { return }
    isStopping.store(true, ordering: .releasing)
    wakeUp.signal()
    thread.join()
  }

  /// The ring of one more thread that writes lines.
  package func makeRing() -> AccessLogRing {
    let ring = AccessLogRing(wakeUp: wakeUp)
    state.withLock { $0.rings.append(ring) }
    return ring
  }

  private func run(_ opened: LogFile) {
    var file = opened
    var lines: [UInt8] = []
    /// nil: writing does not fail.
    var lost: Int?
    while true {
      wakeUp.wait(milliseconds: Self.intervalMilliseconds)
      let isLast = isStopping.load(ordering: .acquiring)
      if wantsReopen.exchange(false, ordering: .acquiring) {
        do throws(SystemError) { try file.reopen() } catch { tell(.notReopened(error)) }
      }
      for ring in state.withLock({ $0.rings }) {
        ring.take(into: &lines)
        guard !lines.isEmpty else { continue }
        note(file.write(lines), &lost)
        lines.removeAll(keepingCapacity: true)
      }
      if isLast { break }
    }
    file.close()
  }

  private func note(_ failure: (lost: Int, reason: SystemError)?, _ lost: inout Int?) {
    if let failure {
      shard.add(UInt64(failure.lost), to: failed)
      if lost == nil { tell(.failing(failure.reason)) }
      lost = (lost ?? 0) + failure.lost
    } else if let count = lost {
      tell(.writing(lost: count))
      lost = nil
    }
  }
}
