import CLinux
import Counters
import Synchronization

/// Takes exchanges out of the rings, encodes them and sends them to the reader of the tap, on a
/// thread of its own that gives way to those that answer. Comes back to a reader that went away.
final class TapWriter: Sendable {
  /// Exchanges of a quiet server wait so long at most.
  private static let intervalMilliseconds: Int32 = 50
  private static let firstPauseMilliseconds: Int32 = 100
  private static let longestPauseMilliseconds: Int32 = 10_000
  private static let nice: Int32 = 10

  let gate: TapGate
  private let settings: Tap.Settings
  private let counters: TapCounters
  private let shard: CounterShard
  private let report: @Sendable (Tap.Event) -> Void
  private let rings = Mutex<[TapRing]>([])

  init(
    _ settings: Tap.Settings, gate: TapGate, counters: TapCounters, shard: CounterShard,
    report: @escaping @Sendable (Tap.Event) -> Void
  ) {
    self.settings = settings
    self.gate = gate
    self.counters = counters
    self.shard = shard
    self.report = report
  }

  func makeRing() -> TapRing {
    let ring = TapRing(gate: gate, byteCount: settings.ringByteCount)
    rings.withLock { $0.append(ring) }
    return ring
  }

  /// Starts the thread, which keeps the writer alive while it runs.
  ///
  /// - Returns: the thread, to be joined.
  func start() throws(TapFault) -> UInt64 {
    let context = unsafe Unmanaged.passRetained(self)
    var thread: UInt64 = 0
    let result = unsafe az_thread_start(
      "azimuth-dnstap", { unsafe TapWriter.body($0) }, context.toOpaque(), &thread)
    guard result == 0 else {
      unsafe context.release()
      throw TapFault(code: -result)
    }
    return thread
  }

  private static func body(_ context: UnsafeMutableRawPointer?) {
    guard let context = unsafe context else { return }
    // Where it is forbidden, it runs like the others.
    _ = az_thread_give_way(nice)
    unsafe Unmanaged<TapWriter>.fromOpaque(context).takeRetainedValue().run()
  }

  private func run() {
    var pause = Self.firstPauseMilliseconds
    var hasReported = false
    while !isStopping {
      do throws(TapFault) {
        let stream = try TapStream(path: settings.path, gate: gate)
        pause = Self.firstPauseMilliseconds
        hasReported = false
        report(.connected)
        try serve(stream)
      } catch {
        // Once for each series of failures: the log is not to fill with what is known.
        if !hasReported && !isStopping { report(.disconnected(error)) }
        hasReported = true
        rest(milliseconds: pause)
        pause = min(2 * pause, Self.longestPauseMilliseconds)
      }
    }
  }

  private var isStopping: Bool { gate.isStopping.load(ordering: .acquiring) }

  /// Sends until the stream breaks or the server stops.
  private func serve(_ stream: TapStream) throws(TapFault) {
    gate.isOpen.store(true, ordering: .relaxed)
    defer { gate.isOpen.store(false, ordering: .relaxed) }
    var buffer = FrameBuffer(settings)
    while true {
      // Asked first: what was put in before the stop is sent.
      let isLast = isStopping
      let rings = rings.withLock { $0 }
      while fill(&buffer, from: rings) { try send(&buffer, over: stream) }
      if isLast { return try stream.finish() }
      try stream.wait(milliseconds: Self.intervalMilliseconds)
    }
  }

  /// Takes what there is, at most a buffer full of it, from each ring in turn.
  ///
  /// - Returns: whether there is something to send.
  private func fill(_ buffer: inout FrameBuffer, from rings: [TapRing]) -> Bool {
    let share = FrameBuffer.fullByteCount / max(1, rings.count)
    for ring in rings {
      buffer.beginShare(ofBytes: share)
      while !buffer.isShareFull, let exchange = ring.take() { buffer.append(exchange) }
      ring.release()
    }
    return !buffer.bytes.isEmpty
  }

  private func send(_ buffer: inout FrameBuffer, over stream: TapStream) throws(TapFault) {
    var sentByteCount = 0
    defer {
      let sent = buffer.frameCount(inFirst: sentByteCount)
      shard.add(UInt64(sent), to: counters.frames)
      shard.add(UInt64(buffer.frameCount - sent), to: counters.dropped(.connectionLost))
      buffer.removeAll()
    }
    try stream.send(buffer.bytes, sentByteCount: &sentByteCount)
  }

  /// Waits, however often it is woken, until the time is over or the server stops.
  private func rest(milliseconds: Int32) {
    let end = az_monotonic_ns() + UInt64(milliseconds) * 1_000_000
    while !isStopping {
      let now = az_monotonic_ns()
      guard now < end else { return }
      gate.wait(milliseconds: Int32(clamping: (end - now) / 1_000_000 + 1))
    }
  }
}
