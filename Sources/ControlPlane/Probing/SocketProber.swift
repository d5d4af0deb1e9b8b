import CProbe
import Glibc
import Places
import Synchronization

/// Runs plain probes (`tcp`, `http`) on one thread of its own, with the fewest system calls: with
/// thousands of checks a second, channels would cost more than the checks.
///
///     any thread ─ commands, and one wake for many ─▶ the thread: epoll ─ outcomes ─▶ who waits
///
/// The thread starts with the first probe, and ends with this.
final class SocketProber: Sendable {
  private let thread = ProbeThread()

  deinit { thread.submit(.stop) }

  /// A new connection to the address, the greeting, and the exchange over it if there is one; ends
  /// within the time-out.
  func outcome(
    of address: SocketAddress, greeting: [UInt8], exchange: HTTPExchange?, timeout: Duration
  ) async -> ProbeOutcome {
    let id = thread.takeID()
    return await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        // A cancellation between here and the start is missed: then the time-out ends it.
        guard !Task.isCancelled else {
          return continuation.resume(returning: .inconclusive("cancelled"))
        }
        thread.submit(
          .start(
            ProbeThread.Start(
              id: id, address: address, greeting: greeting, exchange: exchange,
              timeout: timeout, continuation: continuation)))
      }
    } onCancel: {
      thread.submit(.cancel(id))
    }
  }
}

/// The thread of a ``SocketProber``.
///
/// Safe on any thread: commands and the wake are behind a lock, and all else belongs to the thread.
private final class ProbeThread: @unchecked Sendable {
  struct Start {
    var id: UInt64
    var address: SocketAddress
    var greeting: [UInt8]
    var exchange: HTTPExchange?
    var timeout: Duration
    var continuation: CheckedContinuation<ProbeOutcome, Never>
  }
  enum Command {
    case start(Start)
    case cancel(UInt64)
    case stop
  }
  private struct Flight {
    var probe: SocketProbe
    /// Nanoseconds of the monotonic clock.
    var deadline: UInt64
    var timeoutMilliseconds: Int64
    var continuation: CheckedContinuation<ProbeOutcome, Never>
  }
  private struct Mailbox {
    var commands: [Command] = []
    /// -1 until the thread runs.
    var wake: Int32 = -1
  }

  private static let eventCapacity = 256
  private static let bufferByteCount = 16 * 1024

  private let mailbox = Mutex(Mailbox())
  private let lastID = Atomic<UInt64>(0)
  private var poller: Int32 = -1
  private var flights: [UInt64: Flight] = [:]
  /// No flight's deadline is earlier.
  private var nextSweep = UInt64.max

  /// For a probe; above 0.
  func takeID() -> UInt64 { lastID.add(1, ordering: .relaxed).newValue }

  func submit(_ command: Command) {
    let refused: SocketError? = mailbox.withLock { mailbox in
      if mailbox.wake < 0 {
        guard case .start = command else { return nil }
        do throws(SocketError) {
          mailbox.wake = try begin()
        } catch {
          return error
        }
      }
      mailbox.commands.append(command)
      if mailbox.commands.count == 1 { cprobe_wake(mailbox.wake) }
      return nil
    }
    guard let refused, case .start(let start) = command else { return }
    start.continuation.resume(returning: failure(ofSystemCall: refused.code))
  }

  /// - Returns: the descriptor that wakes the thread.
  private func begin() throws(SocketError) -> Int32 {
    var wake: Int32 = -1
    let made = cprobe_make(&wake)
    guard made >= 0 else { throw SocketError(code: -made) }
    poller = made
    var thread = pthread_t()
    let error = pthread_create(
      &thread, nil,
      { argument in
        guard let argument else { return nil }
        Unmanaged<ProbeThread>.fromOpaque(argument).takeRetainedValue().run()
        return nil
      }, Unmanaged.passRetained(self).toOpaque())
    guard error == 0 else {
      Unmanaged.passUnretained(self).release()
      _ = close(made)
      _ = close(wake)
      throw SocketError(code: error)
    }
    pthread_detach(thread)
    return wake
  }

  private func run() {
    let events = UnsafeMutableBufferPointer<cprobe_event>.allocate(capacity: Self.eventCapacity)
    let buffer = UnsafeMutableRawBufferPointer.allocate(
      byteCount: Self.bufferByteCount, alignment: 16)
    defer {
      events.deallocate()
      buffer.deallocate()
    }
    while takeCommands() {
      let count = cprobe_wait(
        poller, millisecondsToSweep, events.baseAddress, Int32(Self.eventCapacity))
      for event in events[..<Int(count)] where event.id != 0 {
        if let outcome = flights[event.id]?.probe.handle(event, buffer: buffer) {
          end(event.id, outcome)
        }
      }
      if monotonicNow() >= nextSweep { sweep() }
    }
    for id in flights.keys { end(id, .inconclusive("cancelled")) }
    _ = close(poller)
    _ = close(mailbox.withLock(\.wake))
  }

  /// - Returns: false: this is over.
  private func takeCommands() -> Bool {
    let commands = mailbox.withLock { mailbox in
      if !mailbox.commands.isEmpty { cprobe_take_wake(mailbox.wake) }
      defer { mailbox.commands = [] }
      return mailbox.commands
    }
    for command in commands {
      switch command {
      case .start(let start): take(start)
      case .cancel(let id): end(id, .inconclusive("cancelled"))
      case .stop: return false
      }
    }
    return true
  }

  private func take(_ start: Start) {
    do throws(SocketError) {
      let probe = try SocketProbe(
        to: start.address, greeting: start.greeting, exchange: start.exchange, poller: poller,
        id: start.id)
      let milliseconds =
        start.timeout.components.seconds * 1000
        + start.timeout.components.attoseconds / 1_000_000_000_000_000
      let deadline = monotonicNow() + UInt64(max(1, milliseconds)) * 1_000_000
      flights[start.id] = Flight(
        probe: probe, deadline: deadline, timeoutMilliseconds: milliseconds,
        continuation: start.continuation)
      nextSweep = min(nextSweep, deadline)
    } catch {
      start.continuation.resume(returning: failure(ofSystemCall: error.code))
    }
  }

  private func end(_ id: UInt64, _ outcome: ProbeOutcome) {
    guard let flight = flights.removeValue(forKey: id) else { return }
    flight.probe.close()
    flight.continuation.resume(returning: outcome)
  }

  /// Ends what is overdue. A look at all of them, yet not more often than the shortest time-out:
  /// most probes are long over when their deadline comes.
  private func sweep() {
    let now = monotonicNow()
    for (id, flight) in flights where flight.deadline <= now {
      end(
        id,
        .failure("timed out after \(flight.timeoutMilliseconds) ms \(flight.probe.phase)"))
    }
    nextSweep = flights.values.map(\.deadline).min() ?? .max
  }

  /// Rounded up; -1: there is nothing to wait for.
  private var millisecondsToSweep: Int32 {
    guard nextSweep < .max else { return -1 }
    let now = monotonicNow()
    guard nextSweep > now else { return 0 }
    return Int32(clamping: (nextSweep - now + 999_999) / 1_000_000)
  }
}

/// Nanoseconds of a clock that does not jump.
private func monotonicNow() -> UInt64 {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}
