import CLinux
public import Counters
import Synchronization

/// Tells whoever reads it (dnstap.info) which queries came and what was answered. It may drop,
/// never block: each thread of the data plane copies its share of exchanges into a ring of its own,
/// and one thread encodes and sends them.
///
///     ThreadTap ─► TapRing ─┐
///     ThreadTap ─► TapRing ─┼─► TapWriter ─► FrameBuffer ─► TapStream ─► socket
///     ThreadTap ─► TapRing ─┘   dnstap frames of exchanges, 64 KiB at once
///
/// Each ring has 1 MiB, the buffer 64 KiB and one frame: so much memory, whatever comes.
public final class Tap: Sendable {
  public struct Settings: Sendable, Equatable {
    /// Of a stream socket on which a reader listens, such as `fstrm_capture`.
    public var path: String
    /// Every how manieth exchange is taken; 1: all.
    public var interval: Int
    public var tellsQueries: Bool
    public var tellsAnswers: Bool
    /// Who says so; empty: untold.
    public var identity: String
    public var version: String
    /// Of each thread's ring.
    package var ringByteCount = TapRing.usualByteCount

    public init(
      path: String, interval: Int = 1, tellsQueries: Bool = true, tellsAnswers: Bool = true,
      identity: String = "", version: String = ""
    ) {
      self.path = path
      self.interval = max(1, interval)
      self.tellsQueries = tellsQueries
      self.tellsAnswers = tellsAnswers
      self.identity = identity
      self.version = version
    }
  }

  /// What an operator wants to know.
  public enum Event: Sendable, Equatable {
    case connected
    /// There is no reader, or no more; told once until there is one.
    case disconnected(TapFault)
  }

  private let settings: Settings
  private let counters: TapCounters
  private let writer: TapWriter
  private let thread: Mutex<UInt64?>

  /// Starts the writer. That there is no reader yet is no failure: it is sought for ever.
  ///
  /// - Parameter report: called on the writer's thread.
  public static func start(
    _ settings: Settings, board: CounterBoard, report: @escaping @Sendable (Event) -> Void
  ) throws(TapFault) -> Tap {
    let counters = TapCounters(board)
    let writer = TapWriter(
      settings, gate: try TapGate(), counters: counters, shard: board.makeShard(), report: report)
    let thread = try writer.start()
    return Tap(settings: settings, counters: counters, writer: writer, thread: thread)
  }

  private init(settings: Settings, counters: TapCounters, writer: TapWriter, thread: UInt64) {
    self.settings = settings
    self.counters = counters
    self.writer = writer
    self.thread = Mutex(thread)
  }

  /// The end of one more thread.
  ///
  /// - Parameter shard: of that thread.
  public func makeThreadTap(transport: TapTransport, shard: CounterShard) -> ThreadTap {
    ThreadTap(
      ring: writer.makeRing(), shard: shard, transport: transport, settings: settings,
      counters: counters)
  }

  /// Sends what is there, for about two seconds at most, and ends the thread. The threads that are
  /// tapped must have stopped. Blocks: not to be called where blocking is forbidden.
  public func stop() {
    let running = thread.withLock { thread in
      defer { thread = nil }
      return thread
    }
    guard let running else { return }
    writer.gate.isStopping.store(true, ordering: .releasing)
    writer.gate.wakeUp()
    az_thread_join(running)
  }
}
