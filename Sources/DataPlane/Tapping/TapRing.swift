import Synchronization

/// Exchanges on their way from one thread of the data plane to the writer: one thread puts in,
/// another takes out, neither waits. Records have the size of what is in them, since a message may
/// have 50 bytes or 65,535; their headers never lie across the end, the messages may.
///
///     memory   … | free | taken ← tail … head → put | free | …      both counted from the start
///     record   header, 64 bytes | query | answer | up to the next multiple of 64
///
/// `@unchecked`: `head` and `knownTail` belong to the producer, `tail`, `position` and `knownHead`
/// to the consumer; each sees the other's through an acquiring load, and the bytes between them
/// belong to the consumer alone.
@safe package final class TapRing: @unchecked Sendable {
  package static let lineByteCount = 64
  package static let headerByteCount = 64
  /// Room for five thousand usual exchanges, and for eight of the longest.
  package static let usualByteCount = 1 << 20

  private let memory: UnsafeMutableRawBufferPointer
  /// Of the memory, bytes.
  private let size: Int
  private let gate: TapGate

  private let head = Atomic<Int>(0)
  private var knownTail = 0

  private let tail = Atomic<Int>(0)
  private var position = 0
  private var knownHead = 0

  /// - Parameter byteCount: a multiple of 64; more than the longest record.
  package init(gate: TapGate, byteCount: Int = TapRing.usualByteCount) {
    precondition(byteCount % Self.lineByteCount == 0, "a header never lies across the end")
    precondition(MemoryLayout<TapHeader>.size <= Self.headerByteCount, "a header has its room")
    unsafe memory = .allocate(byteCount: byteCount, alignment: Self.lineByteCount)
    size = byteCount
    self.gate = gate
  }

  deinit { unsafe memory.deallocate() }

  var isGateOpen: Bool { gate.isOpen.load(ordering: .relaxed) }
}

// MARK: - The producer's side

extension TapRing {
  /// Whether a record of so many bytes fits behind what is published.
  package func hasRoom(_ count: Int) -> Bool {
    let end = head.load(ordering: .relaxed) + count
    if end - knownTail <= size { return true }
    let tail = tail.load(ordering: .acquiring)
    // A writer that does not move is not woken: it waits for its peer, not for us.
    guard tail != knownTail else { return false }
    knownTail = tail
    if end - tail >= size / 2 { gate.wakeUp() }
    return end - tail <= size
  }

  /// Copies the first `byteCount` bytes of a message into the record that is being made, `offset`
  /// bytes behind its start. There must be room.
  package func put(_ message: RawSpan, byteCount: Int, at offset: Int) {
    let place = (head.load(ordering: .relaxed) + offset) % size
    let first = min(byteCount, size - place)
    unsafe message.extracting(0..<byteCount).withUnsafeBytes { source in
      // `first` bytes fit before the end, the rest at the start, which is free.
      unsafe UnsafeMutableRawBufferPointer(rebasing: memory[place..<place + first])
        .copyMemory(from: UnsafeRawBufferPointer(rebasing: source[..<first]))
      unsafe memory.copyMemory(from: UnsafeRawBufferPointer(rebasing: source[first...]))
    }
  }

  /// Hands the record over to the consumer.
  package func publish(_ header: TapHeader) {
    let start = head.load(ordering: .relaxed)
    let count = header.recordByteCount
    precondition(start + count - knownTail <= size, "a record that was made has room")
    // 64 bytes at a multiple of 64, inside the memory, whose size is one too.
    unsafe memory.storeBytes(
      of: header, toByteOffset: start % size, as: TapHeader.self)
    head.store(start + count, ordering: .releasing)
    let used = start - knownTail
    let half = size / 2
    if used < half && used + count >= half { gate.wakeUp() }
  }
}

// MARK: - The consumer's side

/// One exchange, taken out of its ring.
package struct TapExchange {
  package var header: TapHeader
  package var query: [UInt8]
  package var answer: [UInt8]
}

extension TapRing {
  /// The oldest exchange that was not taken yet; its room is free for others with ``release()``.
  package func take() -> TapExchange? {
    if position == knownHead { knownHead = head.load(ordering: .acquiring) }
    guard position < knownHead else { return nil }
    let header = unsafe memory.load(
      fromByteOffset: position % size, as: TapHeader.self)
    let query = position + Self.headerByteCount
    let answer = query + Int(header.queryByteCount)
    let exchange = TapExchange(
      header: header, query: copy(at: query, byteCount: Int(header.queryByteCount)),
      answer: copy(at: answer, byteCount: Int(header.answerByteCount)))
    position += header.recordByteCount
    return exchange
  }

  package func release() { tail.store(position, ordering: .releasing) }

  private func copy(at start: Int, byteCount: Int) -> [UInt8] {
    let place = start % size
    let first = min(byteCount, size - place)
    return unsafe [UInt8](unsafeUninitializedCapacity: byteCount) { bytes, count in
      // As `put` laid them: `first` bytes before the end, the rest at the start.
      let end = unsafe UnsafeRawBufferPointer(rebasing: memory[place..<place + first])
      let start = unsafe UnsafeRawBufferPointer(rebasing: memory[..<(byteCount - first)])
      let target = UnsafeMutableRawBufferPointer(bytes)
      unsafe target.copyMemory(from: end)
      unsafe UnsafeMutableRawBufferPointer(rebasing: target[first...]).copyMemory(from: start)
      count = byteCount
    }
  }
}
