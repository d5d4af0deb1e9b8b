/// The connections of a loop by what is waited for, each queue in the order in which the waiting
/// began. All that wait for the same may wait equally long, so that the first of a queue is always
/// the next whose time is over: no timer for each connection, and no search.
///
///     quiet      ─ slot ─ slot ─ slot     nothing is on its way
///     receiving  ─ slot                   the rest of a message, of a handshake, of a header
///     sending    ─ slot ─ slot            the peer is to read what it was sent
package struct ConnectionQueues {
  package enum Phase: Int, CaseIterable, Sendable { case quiet, receiving, sending }

  private struct Node {
    var phase: Phase?
    /// When the waiting began, ns.
    var since: UInt64 = 0
    var previous: Int32 = none
    var next: Int32 = none
  }

  private struct Ends {
    var first: Int32 = none
    var last: Int32 = none
  }

  private static let none: Int32 = -1

  private var nodes: [Node] = []
  private var free: [Int32] = []
  private var queues = [Ends](repeating: Ends(), count: Phase.allCases.count)
  package private(set) var count = 0

  package init() {}

  /// A slot for one more connection, at the end of its queue.
  package mutating func admit(to phase: Phase, now: UInt64) -> Int {
    let slot = free.popLast() ?? Int32(nodes.count)
    if Int(slot) == nodes.count { nodes.append(Node()) }
    count += 1
    append(slot, to: phase, since: now)
    return Int(slot)
  }

  /// Begins a new waiting, at the end of the queue.
  package mutating func move(_ slot: Int, to phase: Phase, now: UInt64) {
    unlink(Int32(slot))
    append(Int32(slot), to: phase, since: now)
  }

  /// Takes the slot out of its queue; it stays taken.
  package mutating func hold(_ slot: Int) { unlink(Int32(slot)) }

  /// Gives the slot back.
  package mutating func release(_ slot: Int) {
    unlink(Int32(slot))
    free.append(Int32(slot))
    count -= 1
  }

  /// nil while it is held.
  package func phase(of slot: Int) -> Phase? { nodes[slot].phase }

  /// Who has waited for the longest, and since when.
  package func first(of phase: Phase) -> (slot: Int, since: UInt64)? {
    let slot = queues[phase.rawValue].first
    return slot == Self.none ? nil : (Int(slot), nodes[Int(slot)].since)
  }

  private mutating func append(_ slot: Int32, to phase: Phase, since: UInt64) {
    let last = queues[phase.rawValue].last
    nodes[Int(slot)] = Node(phase: phase, since: since, previous: last)
    if last == Self.none {
      queues[phase.rawValue].first = slot
    } else {
      nodes[Int(last)].next = slot
    }
    queues[phase.rawValue].last = slot
  }

  private mutating func unlink(_ slot: Int32) {
    let node = nodes[Int(slot)]
    guard let phase = node.phase else { return }
    if node.previous == Self.none {
      queues[phase.rawValue].first = node.next
    } else {
      nodes[Int(node.previous)].next = node.next
    }
    if node.next == Self.none {
      queues[phase.rawValue].last = node.previous
    } else {
      nodes[Int(node.next)].previous = node.previous
    }
    nodes[Int(slot)] = Node()
  }
}
