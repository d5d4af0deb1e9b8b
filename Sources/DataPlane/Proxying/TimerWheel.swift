/// Deadlines of numbered slots, one each: O(1) to set, move and clear; allocates only to grow.
///
///     level 0   256 buckets of 8 ms      the next 2 s
///     level 1   256 buckets of 2 s       the next 9 minutes; later deadlines wait in the last one
///
/// A slot is handed out no earlier than its deadline, less than 8 ms late as far as the wheel is
/// concerned; slots of level 1 are sorted into level 0 when their bucket comes near.
package struct TimerWheel: ~Copyable {
  private static let tickShift: UInt64 = 23  // 8.4 ms
  private static let bucketCount: UInt64 = 256
  private static let none: Int32 = -1

  private struct Entry {
    var deadlineTick: UInt64
    var next: Int32
    var previous: Int32
    /// Index into `heads`, or `none`.
    var bucket: Int32
  }

  private var entries: [Entry] = []
  /// First slot of each bucket, level 0 before level 1.
  private var heads: [Int32]
  /// Buckets of level 0 and 1 that hold a slot.
  private var occupied: [UInt64]
  /// Every tick before this one has been handed out.
  private var currentTick: UInt64
  package private(set) var count = 0

  package init(now: UInt64) {
    heads = Array(repeating: Self.none, count: Int(Self.bucketCount) * 2)
    occupied = Array(repeating: 0, count: Int(Self.bucketCount) * 2 / 64)
    currentTick = now >> Self.tickShift
  }

  /// Sets the deadline of a slot (0...2³¹), in place of the one it had.
  package mutating func schedule(_ slot: Int, at deadline: UInt64) {
    while entries.count <= slot {
      entries.append(
        Entry(deadlineTick: 0, next: Self.none, previous: Self.none, bucket: Self.none))
    }
    cancel(slot)
    // The tick after the deadline's, so that nothing is early.
    entries[slot].deadlineTick = max((deadline >> Self.tickShift) + 1, currentTick)
    insert(Int32(slot))
    count += 1
  }

  /// Makes sure that the slot is handed out by this time; one that comes earlier anyway is
  /// left, so that deadlines that move away cost nothing until the old one is reached.
  package mutating func bringForward(_ slot: Int, to deadline: UInt64) {
    if slot < entries.count, entries[slot].bucket != Self.none,
      entries[slot].deadlineTick <= (deadline >> Self.tickShift) + 1
    {
      return
    }
    schedule(slot, at: deadline)
  }

  package mutating func cancel(_ slot: Int) {
    guard slot < entries.count, entries[slot].bucket != Self.none else { return }
    unlink(Int32(slot))
    count -= 1
  }

  /// Hands out the next slot that is due, which thereby has no deadline any more; nil if none is.
  package mutating func next(now: UInt64) -> Int? {
    let nowTick = now >> Self.tickShift
    while currentTick <= nowTick {
      let bucket = Int(currentTick % Self.bucketCount)
      if heads[bucket] != Self.none {
        let slot = heads[bucket]
        unlink(slot)
        count -= 1
        return Int(slot)
      }
      if currentTick == nowTick { return nil }
      advance(to: nowTick)
    }
    return nil
  }

  /// Nanoseconds until something may be due; nil if nothing is set.
  package func delay(now: UInt64) -> UInt64? {
    guard count > 0 else { return nil }
    var tick = (currentTick / Self.bucketCount + 1) * Self.bucketCount
    if let distance = nextOccupied(from: Int(currentTick % Self.bucketCount)) {
      tick = min(tick, currentTick + UInt64(distance))
    }
    let due = tick << Self.tickShift
    return due > now ? due - now : 0
  }

  /// One step: to the next tick, or past a run of empty buckets.
  private mutating func advance(to nowTick: UInt64) {
    let start = Int(currentTick % Self.bucketCount)
    let untilTurn = Int(Self.bucketCount) - start
    let distance = min(nextOccupied(from: start) ?? untilTurn, untilTurn)
    currentTick = min(nowTick, currentTick + UInt64(max(1, distance)))
    if currentTick % Self.bucketCount == 0 { sortIn() }
  }

  /// Buckets of level 0 until the next occupied one, at most to the end of the turn.
  private func nextOccupied(from start: Int) -> Int? {
    var word = start / 64
    var bits = occupied[word] & (~0 << UInt64(start % 64))
    while bits == 0 {
      word += 1
      guard word < Int(Self.bucketCount) / 64 else { return nil }
      bits = occupied[word]
    }
    return word * 64 + bits.trailingZeroBitCount - start
  }

  /// A turn of level 0 begins: takes its bucket of level 1 apart.
  private mutating func sortIn() {
    let turn = currentTick / Self.bucketCount
    let bucket = Int(Self.bucketCount + turn % Self.bucketCount)
    var slot = heads[bucket]
    heads[bucket] = Self.none
    occupied[bucket / 64] &= ~(1 << UInt64(bucket % 64))
    while slot != Self.none {
      let following = entries[Int(slot)].next
      insert(slot)
      slot = following
    }
  }

  private func bucket(of tick: UInt64) -> Int {
    if tick / Self.bucketCount == currentTick / Self.bucketCount {
      return Int(tick % Self.bucketCount)
    }
    let turns = min(
      tick / Self.bucketCount - currentTick / Self.bucketCount, Self.bucketCount - 1)
    let turn = currentTick / Self.bucketCount + turns
    return Int(Self.bucketCount + turn % Self.bucketCount)
  }

  private mutating func insert(_ slot: Int32) {
    let bucket = bucket(of: entries[Int(slot)].deadlineTick)
    let head = heads[bucket]
    entries[Int(slot)].next = head
    entries[Int(slot)].previous = Self.none
    entries[Int(slot)].bucket = Int32(bucket)
    if head != Self.none { entries[Int(head)].previous = slot }
    heads[bucket] = slot
    occupied[bucket / 64] |= 1 << UInt64(bucket % 64)
  }

  private mutating func unlink(_ slot: Int32) {
    let entry = entries[Int(slot)]
    if entry.previous != Self.none {
      entries[Int(entry.previous)].next = entry.next
    } else {
      heads[Int(entry.bucket)] = entry.next
      if entry.next == Self.none {
        occupied[Int(entry.bucket) / 64] &= ~(1 << UInt64(Int(entry.bucket) % 64))
      }
    }
    if entry.next != Self.none { entries[Int(entry.next)].previous = entry.previous }
    entries[Int(slot)].bucket = Self.none
  }
}
