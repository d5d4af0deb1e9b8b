import CLinux

/// Bytes that were read and could not be written yet.
@safe struct PendingBytes {
  fileprivate var base: UnsafeMutableRawPointer?
  fileprivate var offset: Int32 = 0
  fileprivate(set) var count: Int32 = 0

  init() { unsafe base = nil }

  var isEmpty: Bool { count == 0 }
}

/// What became of bytes that were not to be held.
enum Relayed {
  /// - Parameter isAll: the sink took all there was; else it takes no more now.
  case moved(Int, isAll: Bool)
  /// Nothing could be read.
  case source(Transfer)
  /// Nothing could be written.
  case sink(Transfer)
}

/// The memory that one thread moves bytes through: one buffer that every read goes into, and blocks
/// for what a blocked peer does not take. A block belongs to one ``PendingBytes`` at a time.
@safe struct BufferPool: ~Copyable {
  /// Of the shared buffer and of every block. Blocks are touched only as far as they are used, so
  /// that a listener with smaller buffers costs less.
  static let blockByteCount = 65_536
  /// Free blocks kept for the next peer that stalls.
  private static let keptCount = 64

  /// Blocks that may be handed out.
  var limit: Int

  private let shared: UnsafeMutableRawPointer
  private var free: [UnsafeMutableRawPointer]
  /// Blocks handed out.
  private(set) var usedCount = 0

  init(limit: Int) {
    self.limit = limit
    unsafe shared = .allocate(byteCount: Self.blockByteCount, alignment: 4096)
    unsafe free = []
  }

  deinit {
    unsafe shared.deallocate()
    unsafe free.forEach { unsafe $0.deallocate() }
  }

  /// No block is left for what a peer might not take: ``relay(from:to:limit:)`` needs none.
  var isExhausted: Bool { usedCount >= limit }

  /// Moves bytes between two sockets without ever holding any: what the sink does not take stays in
  /// the source. Two more system calls than ``receive(_:limit:)`` and ``send(_:to:rest:)``.
  func relay(from source: Int32, to sink: Int32, limit: Int) -> Relayed {
    // Not more than the shared buffer holds.
    let count = min(limit, Self.blockByteCount)
    let peeked = Transfer(result: unsafe az_tcp_peek(source, shared, count), endsAtZero: true)
    guard case .moved(let available) = peeked else { return .source(peeked) }
    let sent = Transfer(result: unsafe az_tcp_send(sink, shared, available), endsAtZero: false)
    guard case .moved(let moved) = sent else { return .sink(sent) }
    // They were there a moment ago, and nobody else reads from this socket.
    _ = az_tcp_drop(source, moved)
    return .moved(moved, isAll: moved == available)
  }

  /// Shows the first bytes that wait in a socket, at most `limit`, to `look`; they stay there.
  ///
  /// - Returns: nil, and what was met in place of bytes, if there are none.
  func peek<Result>(
    _ fd: Int32, limit: Int, _ look: (RawSpan) -> Result
  ) -> (Result?, Transfer) {
    // Not more than the shared buffer holds.
    let count = min(limit, Self.blockByteCount)
    let peeked = Transfer(result: unsafe az_tcp_peek(fd, shared, count), endsAtZero: true)
    guard case .moved(let available) = peeked else { return (nil, peeked) }
    // So many bytes were just written to the front of the buffer.
    let bytes = unsafe UnsafeRawBufferPointer(start: shared, count: available)
    return unsafe (look(bytes.bytes), peeked)
  }

  /// Reads from a socket into the shared buffer, at most `limit` bytes.
  func receive(_ fd: Int32, limit: Int) -> Transfer {
    // Not more than the shared buffer holds.
    let count = min(limit, Self.blockByteCount)
    return Transfer(result: unsafe az_tcp_receive(fd, shared, count), endsAtZero: true)
  }

  /// Lets `fill` write to the front of the shared buffer, at most `limit` bytes.
  func fill(limit: Int, _ fill: (inout MutableRawSpan) -> Transfer) -> Transfer {
    // Not more than the shared buffer holds, which is this thread's alone.
    let count = min(limit, Self.blockByteCount)
    var span = unsafe MutableRawSpan(_unsafeStart: shared, byteCount: count)
    return fill(&span)
  }

  /// Writes the first `count` bytes of the shared buffer; what is not taken goes to `rest`, which
  /// must be empty.
  mutating func send(_ count: Int, to fd: Int32, rest: inout PendingBytes) -> Transfer {
    send(count, rest: &rest) { Sockets.send($0, to: fd) }
  }

  /// The same, by whatever takes the bytes.
  @inline(__always)
  mutating func send(
    _ count: Int, rest: inout PendingBytes, by write: (RawSpan) -> Transfer
  ) -> Transfer {
    precondition(count <= Self.blockByteCount && rest.isEmpty, "bytes of the shared buffer")
    let transfer = write(unsafe RawSpan(_unsafeStart: shared, byteCount: count))
    let sent: Int
    switch transfer {
    case .moved(let moved): sent = moved
    case .wouldBlock: sent = 0
    case .ended, .broken: return transfer
    }
    guard sent < count else { return transfer }
    let block = unsafe takeBlock()
    // Both are a block long, and sent < count ≤ a block.
    unsafe block.copyMemory(from: shared + sent, byteCount: count - sent)
    unsafe rest.base = block
    rest.offset = 0
    rest.count = Int32(count - sent)
    return transfer
  }

  /// Writes what is pending; gives its block back when all is gone.
  mutating func flush(_ pending: inout PendingBytes, to fd: Int32) -> Transfer {
    flush(&pending) { Sockets.send($0, to: fd) }
  }

  /// The same, by whatever takes the bytes.
  @inline(__always)
  mutating func flush(
    _ pending: inout PendingBytes, by write: (RawSpan) -> Transfer
  ) -> Transfer {
    guard let base = unsafe pending.base else { return .moved(0) }
    // Offset and count stay within the block: they were set together and move together.
    let start = unsafe base + Int(pending.offset)
    let transfer = write(unsafe RawSpan(_unsafeStart: start, byteCount: Int(pending.count)))
    if case .moved(let moved) = transfer {
      pending.offset += Int32(moved)
      pending.count -= Int32(moved)
      if pending.isEmpty { discard(&pending) }
    }
    return transfer
  }

  /// Copies the first `count` bytes of the shared buffer behind what is held already.
  ///
  /// - Returns: false if more than `limit` would be held, or no block is left; nothing is then.
  mutating func keep(_ count: Int, in held: inout PendingBytes, limit: Int) -> Bool {
    guard Int(held.count) + count <= min(limit, Self.blockByteCount),
      !(held.isEmpty && isExhausted)
    else {
      discard(&held)
      return false
    }
    if held.isEmpty { unsafe held.base = takeBlock() }
    guard let block = unsafe held.base else { return false }
    // Both are a block long, and the sum was checked.
    unsafe (block + Int(held.count)).copyMemory(from: shared, byteCount: count)
    held.count += Int32(count)
    return true
  }

  /// Another copy of what is held.
  mutating func copy(_ held: PendingBytes) -> PendingBytes {
    var copy = PendingBytes()
    guard let source = unsafe held.base else { return copy }
    let block = unsafe takeBlock()
    // Offset and count stay within the block.
    unsafe block.copyMemory(from: source + Int(held.offset), byteCount: Int(held.count))
    unsafe copy.base = block
    copy.count = held.count
    return copy
  }

  /// Forgets what is pending.
  mutating func discard(_ pending: inout PendingBytes) {
    guard let block = unsafe pending.base else { return }
    pending = PendingBytes()
    usedCount -= 1
    if unsafe free.count < Self.keptCount {
      unsafe free.append(block)
    } else {
      unsafe block.deallocate()
    }
  }

  private mutating func takeBlock() -> UnsafeMutableRawPointer {
    usedCount += 1
    if let block = unsafe free.popLast() { return unsafe block }
    return .allocate(byteCount: Self.blockByteCount, alignment: 4096)
  }
}
