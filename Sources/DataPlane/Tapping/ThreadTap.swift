import CLinux
import Counters
public import Places

/// One thread's end of the tap: copies every n-th exchange into the thread's ring, if a peer
/// listens and there is room, and else counts what it drops. Never waits and allocates nothing.
///
///     if tap.takesNext() {                 three instructions, whether the tap is on or off
///       tap.takeQuery(…)                   before the answer is written over the query
///       …
///       tap.takeAnswer(…)                  also if there is none
///     }
public struct ThreadTap: ~Copyable {
  @usableFromInline var countdown: Int

  private let interval: Int
  private let source: Source?
  private var header = TapHeader()
  private var state = State.idle

  private struct Source {
    let ring: TapRing
    let shard: CounterShard
    let transport: TapTransport
    let settings: Tap.Settings
    let counters: TapCounters
  }

  private enum State {
    case idle, recording, dropping(TapDrop)
  }

  /// A tap that takes nothing.
  public init() {
    interval = .max
    countdown = .max
    source = nil
  }

  /// - Parameter shard: of the thread that this is used on.
  init(
    ring: TapRing, shard: CounterShard, transport: TapTransport, settings: Tap.Settings,
    counters: TapCounters
  ) {
    interval = settings.interval
    countdown = settings.interval
    source = Source(
      ring: ring, shard: shard, transport: transport, settings: settings, counters: counters)
  }

  /// Counts a query: whether it is one to be taken, by ``takeQuery(_:byteCount:)`` and
  /// ``takeAnswer(_:byteCount:from:at:)``.
  @inlinable
  public mutating func takesNext() -> Bool {
    countdown &-= 1
    return countdown == 0
  }

  /// Copies the query.
  public mutating func takeQuery(_ message: RawSpan, byteCount: Int) {
    countdown = interval
    guard let source else { return }
    header = TapHeader()
    header.transport = source.transport
    header.hasQuery = source.settings.tellsQueries
    guard source.ring.isGateOpen else { return state = .dropping(.notConnected) }
    header.queryNanoseconds = az_wall_clock_ns()
    state = .recording
    guard header.hasQuery else { return }
    header.queryByteCount = UInt16(clamping: byteCount)
    guard source.ring.hasRoom(header.recordByteCount) else { return state = .dropping(.ringFull) }
    source.ring.put(
      message, byteCount: Int(header.queryByteCount), at: TapRing.headerByteCount)
  }

  /// Copies the answer and hands both over.
  ///
  /// - Parameters:
  ///   - byteCount: 0 if the query was not answered.
  ///   - server: the address that was asked, if it is known.
  public mutating func takeAnswer(
    _ message: RawSpan, byteCount: Int, from client: SocketAddress, at server: SocketAddress?
  ) {
    guard let source else { return }
    header.hasAnswer = source.settings.tellsAnswers && byteCount > 0
    defer { state = .idle }
    switch state {
    case .idle: return
    case .dropping(let reason): return drop(reason, source)
    case .recording: break
    }
    guard header.frameCount > 0 else { return }
    if header.hasAnswer { header.answerByteCount = UInt16(clamping: byteCount) }
    guard source.ring.hasRoom(header.recordByteCount) else { return drop(.ringFull, source) }
    header.answerNanoseconds = az_wall_clock_ns()
    header.setClient(client)
    header.setServer(server)
    source.ring.put(
      message, byteCount: Int(header.answerByteCount),
      at: TapRing.headerByteCount + Int(header.queryByteCount))
    source.ring.publish(header)
  }

  private func drop(_ reason: TapDrop, _ source: Source) {
    source.shard.add(header.frameCount, to: source.counters.dropped(reason))
  }
}
