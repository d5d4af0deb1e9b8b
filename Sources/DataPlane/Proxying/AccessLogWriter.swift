import CLinux
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

  /// Writes all that is there.
  fileprivate func drain(to fd: Int32) {
    let end = head.load(ordering: .acquiring)
    var start = tail.load(ordering: .relaxed)
    while start < end {
      let place = start % Self.byteCount
      let count = min(end - start, Self.byteCount - place)
      let piece = unsafe UnsafeRawBufferPointer(rebasing: memory[place..<place + count])
      // A full disk loses lines, never connections.
      if fd >= 0 { _ = unsafe az_log_write(fd, piece.baseAddress, count) }
      start += count
      tail.store(start, ordering: .releasing)
    }
  }
}

/// Writes the access log, or another log of lines, on a thread of its own, so that a slow disk or
/// pipe never holds up whoever has lines: then they are dropped and counted.
package final class AccessLogWriter: Sendable {
  package enum Destination: Sendable, Equatable {
    case standardOutput
    case file(String)
  }

  /// Lines are written at least so often.
  private static let intervalMilliseconds: Int32 = 100

  private struct State {
    var rings: [AccessLogRing] = []
    var thread: PlainThread?
  }

  private let destination: Destination
  private let wakeUp: WakeUp
  private let state = Mutex(State())
  private let wantsReopen = Atomic<Bool>(false)
  private let isStopping = Atomic<Bool>(false)

  /// Opens the destination and starts the thread. The file is appended to, and made if absent.
  package init(_ destination: Destination) throws(SystemError) {
    self.destination = destination
    wakeUp = try WakeUp()
    let fd = try Self.open(destination)
    let thread = try PlainThread(name: "access-log") { [self] in run(fd) }
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

  private static func open(_ destination: Destination) throws(SystemError) -> Int32 {
    guard case .file(let path) = destination else { return 1 }
    let fd = unsafe az_log_open(path)
    guard fd >= 0 else { throw SystemError(code: -fd) }
    return fd
  }

  private func run(_ descriptor: Int32) {
    var fd = descriptor
    while true {
      wakeUp.wait(milliseconds: Self.intervalMilliseconds)
      let isLast = isStopping.load(ordering: .acquiring)
      if wantsReopen.exchange(false, ordering: .acquiring), case .file = destination {
        // Where the new one can't be opened, the old one goes on.
        if let fresh = try? Self.open(destination) {
          az_tcp_close(fd)
          fd = fresh
        }
      }
      for ring in state.withLock({ $0.rings }) { ring.drain(to: fd) }
      if isLast { break }
    }
    if case .file = destination { az_tcp_close(fd) }
  }
}
