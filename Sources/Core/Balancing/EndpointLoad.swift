import Synchronization

/// What all workers of a node know of one endpoint: a line of atomics that are touched a few times
/// a connection. Times are nanoseconds of a clock that never goes back; 0 is never.
///
/// A value is a reference without a count, so that looking at all endpoints of a region costs none:
/// it may be used as long as whoever has made it does not ``deallocate()`` it. That makes it safe.
///
/// `@unchecked`: all behind the pointer are atomics and constants.
@safe public struct EndpointLoad: @unchecked Sendable, BitwiseCopyable {
  private struct Line: ~Copyable {
    let open = Atomic<Int>(0)
    let latency = Atomic<UInt64>(PeakLatency.untried.word)
    let avoidedUntil = Atomic<UInt64>(0)
    let ejectedUntil = Atomic<UInt64>(0)
    let startedAt = Atomic<UInt64>(0)
    let identity: UInt64
    let serial: UInt32
  }

  private static let cacheLine = 64
  /// Turns after which a sample is dropped rather than fought over with other threads.
  private static let maximumAttempts = 4

  private let line: UnsafeMutablePointer<Line>

  /// - Parameters:
  ///   - id: of the endpoint.
  ///   - serial: unique in this process; tells endpoints apart without comparing ids.
  public init(id: String, serial: UInt32) {
    let memory = UnsafeMutableRawPointer.allocate(
      byteCount: MemoryLayout<Line>.size, alignment: Self.cacheLine)
    unsafe line = memory.bindMemory(to: Line.self, capacity: 1)
    unsafe line.initialize(to: Line(identity: Rendezvous.identity(id), serial: serial))
  }

  /// Ends it, for its maker, when nobody else can have it any more.
  public func deallocate() {
    unsafe line.deinitialize(count: 1)
    unsafe UnsafeMutableRawPointer(line).deallocate()
  }

  public var serial: UInt32 { unsafe line.pointee.serial }

  /// ``Rendezvous/identity(_:)`` of its id.
  var identity: UInt64 { unsafe line.pointee.identity }

  /// Connections that are open or being opened.
  public var openCount: Int { unsafe line.pointee.open.load(ordering: .relaxed) }

  /// A connection is being opened.
  public func enter() { unsafe line.pointee.open.add(1, ordering: .relaxed) }

  /// It is closed, or was not to be had.
  public func leave() { unsafe line.pointee.open.subtract(1, ordering: .relaxed) }

  /// Connecting took so long, or failed after ``PeakLatency/failureNanoseconds``.
  public func noteLatency(_ nanoseconds: UInt64, now: UInt64) {
    var word = unsafe line.pointee.latency.load(ordering: .relaxed)
    for _ in 0..<Self.maximumAttempts {
      let next = PeakLatency(word: word).adding(nanoseconds, now: now).word
      let (exchanged, original) = unsafe line.pointee.latency.weakCompareExchange(
        expected: word, desired: next, ordering: .relaxed)
      if exchanged { return }
      word = original
    }
  }

  /// Microseconds that connecting takes; nil: not known.
  public func expectedLatency(now: UInt64) -> Double? {
    PeakLatency(word: unsafe line.pointee.latency.load(ordering: .relaxed)).value(now: now)
  }

  /// Uses it only where nothing else is left, until then.
  public func avoid(until time: UInt64) {
    unsafe line.pointee.avoidedUntil.store(time, ordering: .relaxed)
  }

  /// Whether it failed so lately that it is used only where nothing else is left.
  public func isAvoided(now: UInt64) -> Bool {
    unsafe now < line.pointee.avoidedUntil.load(ordering: .relaxed)
  }

  /// Leaves it out until then, as an ``OutlierDetector`` says.
  public func eject(until time: UInt64) {
    unsafe line.pointee.ejectedUntil.store(time, ordering: .relaxed)
  }

  public func isEjected(now: UInt64) -> Bool {
    unsafe now < line.pointee.ejectedUntil.load(ordering: .relaxed)
  }

  /// It is back from an outage: its slow start begins.
  public func start(now: UInt64) {
    unsafe line.pointee.startedAt.store(max(1, now), ordering: .relaxed)
  }

  /// How much of its weight it has, 0.1...1; that it was ejected is an outage as well.
  public func startShare(now: UInt64, window: UInt64) -> Double {
    let begin = max(
      unsafe line.pointee.startedAt.load(ordering: .relaxed),
      unsafe line.pointee.ejectedUntil.load(ordering: .relaxed))
    return SlowStart.share(startedAt: begin, now: now, window: window)
  }
}
