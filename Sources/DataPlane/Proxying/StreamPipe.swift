import CLinux

/// A kernel pipe that a stream is moved through without its bytes being copied; none at first.
struct StreamPipe: BitwiseCopyable {
  fileprivate var readEnd: Int32 = -1
  fileprivate var writeEnd: Int32 = -1
  /// Bytes taken from the source, not yet taken by the sink.
  private(set) var count: Int32 = 0

  init() {}

  fileprivate init(readEnd: Int32, writeEnd: Int32) {
    self.readEnd = readEnd
    self.writeEnd = writeEnd
  }

  var isOpen: Bool { readEnd >= 0 }

  /// Takes what the socket has, as far as an empty pipe holds it.
  mutating func fill(from socket: Int32) -> Transfer {
    let transfer = Transfer(
      result: az_splice(socket, writeEnd, PipePool.pipeByteCount), endsAtZero: true)
    if case .moved(let moved) = transfer { count += Int32(moved) }
    return transfer
  }

  /// Gives what it holds to the socket, as far as that takes it.
  mutating func flush(to socket: Int32) -> Transfer {
    let transfer = Transfer(result: az_splice(readEnd, socket, Int(count)), endsAtZero: false)
    if case .moved(let moved) = transfer { count -= Int32(moved) }
    return transfer
  }
}

/// The pipes of one thread. Only streams that move much get one, each for as long as it does.
struct PipePool: ~Copyable {
  /// What a pipe holds. Measured with 1 and 8 streams: fewer system calls than with 256 KiB, and
  /// 10 % less processor time; more is refused to whoever is not root (`fs.pipe-max-size`).
  static let pipeByteCount = 1_048_576
  /// A pipe that holds less is not worth its system calls. Users who hold many pipes get such
  /// (`fs.pipe-user-pages-soft`); then their streams are copied.
  private static let leastByteCount: Int32 = 262_144
  /// Of one thread; each holds two descriptors.
  private static let limit = 128
  private static let keptCount = 16
  /// Streams that are copied after the system refused a pipe, before it is asked again.
  private static let pauseAfterRefusal = 256

  private var free: [StreamPipe] = []
  /// Pipes handed out.
  private(set) var usedCount = 0
  private var pause = 0

  init() {}

  deinit { for pipe in free { Self.close(pipe) } }

  /// An empty pipe; nil where there are enough of them.
  mutating func take() -> StreamPipe? {
    if pause > 0 {
      pause -= 1
      return nil
    }
    guard usedCount < Self.limit else { return nil }
    guard let pipe = free.popLast() ?? Self.open() else {
      pause = Self.pauseAfterRefusal
      return nil
    }
    usedCount += 1
    return pipe
  }

  /// Takes a pipe back; one with bytes in it is closed.
  mutating func giveBack(_ pipe: inout StreamPipe) {
    guard pipe.isOpen else { return }
    usedCount -= 1
    if pipe.count == 0 && free.count < Self.keptCount {
      free.append(pipe)
    } else {
      Self.close(pipe)
    }
    pipe = StreamPipe()
  }

  private static func open() -> StreamPipe? {
    var pipe = StreamPipe()
    let capacity = unsafe az_pipe_create(
      &pipe.readEnd, &pipe.writeEnd, Int32(pipeByteCount))
    guard capacity >= leastByteCount else {
      if capacity >= 0 { close(pipe) }
      return nil
    }
    return pipe
  }

  private static func close(_ pipe: StreamPipe) {
    az_tcp_close(pipe.readEnd)
    az_tcp_close(pipe.writeEnd)
  }
}
