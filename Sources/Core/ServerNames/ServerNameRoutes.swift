import DNSWire

/// From the name in a ClientHello to a route: exact names first, then the longest wildcard, then
/// the default.
///
/// `*.example.com` stands for all names below `example.com`, one label deeper or more, as with
/// HAProxy's `-m end`, nginx and Envoy, but not for `example.com` itself.
///
/// A table with open addressing. Its hash is taken from a name's last octet to its first, so that
/// one pass gives those of all its parents as well:
///
///     www.example.com
///     <--------------  1: com, 2: example.com, 3: www.example.com
public struct ServerNameRoutes: Sendable {
  private struct Slot {
    var hash: UInt64 = 0
    /// In `octets`.
    var start: Int32 = 0
    /// 0: the slot is empty.
    var byteCount: Int32 = 0
    /// Of the name itself, and of all below it; -1: none.
    var exact: Int32 = -1
    var below: Int32 = -1
  }

  /// A power of two, at least twice as many as there are names.
  private var slots: [Slot]
  private var octets: [UInt8] = []
  /// Where connections go whose name no other route is for, and those without a name.
  private let other: Int?

  /// - Parameter routes: patterns and the numbers that stand for their routes, 0 to 2³¹ − 1. Of
  ///   equal patterns the first counts; whoever reads them from people refuses the second.
  public init(_ routes: [(pattern: ServerNamePattern, route: Int)]) {
    var capacity = 8
    while capacity < routes.count * 2 { capacity *= 2 }
    slots = Array(repeating: Slot(), count: capacity)
    other = routes.first { $0.pattern.kind == .any }?.route
    for (pattern, route) in routes where pattern.kind != .any { insert(pattern, Int32(route)) }
  }

  private mutating func insert(_ pattern: ServerNamePattern, _ route: Int32) {
    let name = Array(pattern.name.utf8)
    var hash = NameHash()
    for octet in name.reversed() { hash.add(octet) }
    let index = unsafe slot(hash.value, name.span.bytes, from: 0, to: name.count)
    if slots[index].byteCount == 0 {
      slots[index] = Slot(
        hash: hash.value, start: Int32(octets.count), byteCount: Int32(name.count))
      octets += name
    }
    switch pattern.kind {
    case .exact where slots[index].exact < 0: slots[index].exact = route
    case .wildcard where slots[index].below < 0: slots[index].below = route
    default: break
    }
  }

  /// The route of a name.
  ///
  /// - Parameter name: as ``ClientHello`` has it, in lower case; empty: the hello names none.
  /// - Returns: nil if no route is for it.
  /// - Complexity: linear in the name; allocates nothing.
  public func route(of name: RawSpan) -> Int? {
    var hash = NameHash()
    var route = other
    var offset = name.byteCount
    while offset > 0 {
      offset &-= 1
      let octet = name.byte(at: offset)
      if octet == UInt8(ascii: ".") {
        // A longer one is found later.
        let below = slots[slot(hash.value, name, from: offset &+ 1, to: name.byteCount)].below
        if below >= 0 { route = Int(below) }
      }
      hash.add(octet)
    }
    let exact = slots[slot(hash.value, name, from: 0, to: name.byteCount)].exact
    return exact >= 0 ? Int(exact) : route
  }

  /// Where the name that is `text` from `start` to `end` has its slot: its own, or an empty one.
  private func slot(_ hash: UInt64, _ text: RawSpan, from start: Int, to end: Int) -> Int {
    let mask = slots.count &- 1
    var index = Int(truncatingIfNeeded: hash) & mask
    // Half of the slots are empty.
    while slots[index].byteCount > 0 {
      if slots[index].hash == hash, isEqual(slots[index], text, from: start, to: end) { break }
      index = (index &+ 1) & mask
    }
    return index
  }

  private func isEqual(_ slot: Slot, _ text: RawSpan, from start: Int, to end: Int) -> Bool {
    guard Int(slot.byteCount) == end &- start else { return false }
    for offset in 0..<Int(slot.byteCount)
    where octets[Int(slot.start) &+ offset] != text.byte(at: start &+ offset) {
      return false
    }
    return true
  }
}

/// FNV-1a, whose bits are mixed once more, since a table takes the lowest.
private struct NameHash {
  private var state: UInt64 = 0xCBF2_9CE4_8422_2325

  mutating func add(_ octet: UInt8) { state = (state ^ UInt64(octet)) &* 0x0000_0100_0000_01B3 }

  var value: UInt64 { state ^ state >> 29 }
}
