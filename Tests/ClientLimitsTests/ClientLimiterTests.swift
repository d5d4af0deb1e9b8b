import ClientLimits
import Places
import TestSupport
import Testing

private let start: UInt64 = 1 << 41

@Suite struct `A limiter of clients` {
  private typealias Client = ClientLimiter.Client
  private var overflow = ClientLimiter.Overflow()

  private func client(_ text: String, asn: UInt32 = 0, country: String = "") throws -> Client {
    Client(
      address: try #require(IPAddress(text)).client, asn: asn, country: CountryCode(country))
  }

  private func limits(_ edit: (inout ClientLimits) -> Void) -> ClientLimits {
    var limits = ClientLimits()
    edit(&limits)
    return limits
  }

  @Test mutating func `lets ten connections of an address in, and the eleventh when one ends`()
    throws
  {
    let limiter = ClientLimiter(byteCount: 1 << 16, seed: 1)
    let limits = limits { $0.address.connections = 10 }
    let one = try client("192.0.2.1")
    var tickets: [ClientLimiter.Ticket] = []
    for _ in 0..<10 {
      tickets.append(
        try limiter.enter(
          one, listener: 0, limits: limits, nowMicroseconds: start, overflow: &overflow))
    }
    #expect(throws: ClientLimiter.Refusal(.address, .connections)) {
      _ = try limiter.enter(
        one, listener: 0, limits: limits, nowMicroseconds: start, overflow: &overflow)
    }
    // Another address, and another listener, have their own.
    let other = try client("192.0.2.2")
    for (client, listener) in [(other, 0), (one, 1)] {
      _ = try limiter.enter(
        client, listener: listener, limits: limits, nowMicroseconds: start, overflow: &overflow)
    }
    limiter.leave(tickets[0])
    _ = try limiter.enter(
      one, listener: 0, limits: limits, nowMicroseconds: start, overflow: &overflow)
    #expect(overflow == ClientLimiter.Overflow())
  }

  @Test(
    arguments: [
      (.address, "192.0.2.1", "192.0.2.2", false), (.prefix, "192.0.2.1", "192.0.2.2", true),
      (.prefix, "192.0.2.1", "192.0.3.1", false), (.address, "2001:db8::1", "2001:db8::2", true),
      (.address, "2001:db8::1", "2001:db8:0:1::1", false),
      (.prefix, "2001:db8::1", "2001:db8:0:ff::1", true),
      (.prefix, "2001:db8::1", "2001:db8:0:100::1", false),
      (.asn, "192.0.2.1", "2001:db8::1", true), (.country, "192.0.2.1", "2001:db8::1", true),
    ] as [(ClientLimits.Group, String, String, Bool)])
  mutating func `counts those of one group together`(
    group: ClientLimits.Group, one: String, other: String, isTogether: Bool
  ) throws {
    let limiter = ClientLimiter(byteCount: 1 << 16, seed: 1)
    let limit = ClientLimits.Limit(connections: 1)
    let limits = limits {
      switch group {
      case .address: $0.address = limit
      case .prefix: $0.prefix = limit
      case .asn: $0.asn = limit
      case .country: $0.country = limit
      }
    }
    let first = try client(one, asn: 64_500, country: "JP")
    let second = try client(other, asn: 64_500, country: "JP")
    let ticket = try limiter.enter(
      first, listener: 0, limits: limits, nowMicroseconds: start, overflow: &overflow)
    var wasRefused = false
    do {
      _ = try limiter.enter(
        second, listener: 0, limits: limits, nowMicroseconds: start, overflow: &overflow)
    } catch {
      wasRefused = true
      #expect(error == ClientLimiter.Refusal(group, .connections))
    }
    #expect(wasRefused == isTogether)
    limiter.leave(ticket)
    #expect(limiter.groupCount == (isTogether ? 0 : 1))
  }

  @Test mutating func `does not limit groups of whom nothing is known`() throws {
    let limiter = ClientLimiter(byteCount: 1 << 16, seed: 1)
    let limits = limits {
      $0.asn = .init(connections: 1, perSecond: 1)
      $0.country = .init(connections: 1, perSecond: 1)
    }
    for _ in 0..<20 {
      _ = try limiter.enter(
        try client("192.0.2.1"), listener: 0, limits: limits, nowMicroseconds: start,
        overflow: &overflow)
    }
    #expect(limiter.groupCount == 0)
  }

  @Test mutating func `keeps to a rate, a second's worth at once`() throws {
    let limiter = ClientLimiter(byteCount: 1 << 16, seed: 1)
    let limits = limits { $0.prefix.perSecond = 20 }
    var admitted = 0
    for step in 0..<1000 {
      let address = try client("192.0.2.\(step % 250)")
      do {
        _ = try limiter.enter(
          address, listener: 0, limits: limits, nowMicroseconds: start + UInt64(step) * 10_000,
          overflow: &overflow)
        admitted += 1
      } catch { #expect(error == ClientLimiter.Refusal(.prefix, .rate)) }
    }
    // 10 seconds.
    #expect((200...222).contains(admitted), "\(admitted)")
  }

  @Test mutating func `gives back what a refused connection had taken`() throws {
    let limiter = ClientLimiter(byteCount: 1 << 16, seed: 1)
    let limits = limits {
      $0.address.connections = 5
      $0.country.connections = 1
    }
    _ = try limiter.enter(
      try client("192.0.2.1", country: "JP"), listener: 0, limits: limits,
      nowMicroseconds: start, overflow: &overflow)
    #expect(throws: ClientLimiter.Refusal(.country, .connections)) {
      _ = try limiter.enter(
        try client("192.0.2.2", country: "JP"), listener: 0, limits: limits,
        nowMicroseconds: start, overflow: &overflow)
    }
    #expect(limiter.groupCount == 2)
  }

  @Test mutating func `stays as large as it is under a million sources, and limits on`() throws {
    let limiter = ClientLimiter(byteCount: 1 << 20, seed: 7)
    #expect(limiter.byteCount == 1 << 20)
    let limits = limits { $0.address = .init(connections: 10, perSecond: 10) }
    var generator = SeededGenerator(seed: 7)
    let victim = try client("192.0.2.1")
    let held = try (0..<10).map { _ in
      try limiter.enter(
        victim, listener: 0, limits: limits, nowMicroseconds: start, overflow: &overflow)
    }
    // 10,000 are open at a time.
    var open: [ClientLimiter.Ticket] = []
    for index in 0..<1_000_000 {
      let source = Client(
        address: ClientAddress(ipv4: UInt32(truncatingIfNeeded: generator.next())))
      let ticket = try limiter.enter(
        source, listener: 0, limits: limits, nowMicroseconds: start + UInt64(index),
        overflow: &overflow)
      if open.count < 10_000 {
        open.append(ticket)
      } else {
        limiter.leave(open[index % 10_000])
        open[index % 10_000] = ticket
      }
    }
    // One in 100,000 meets a set that is full by chance.
    #expect(overflow.uncountedConnections < 100 && overflow.forgottenRates > 0, "\(overflow)")
    #expect(throws: ClientLimiter.Refusal(.address, .connections)) {
      _ = try limiter.enter(
        victim, listener: 0, limits: limits, nowMicroseconds: start + 1_000_000,
        overflow: &overflow)
    }
    for ticket in open + held { limiter.leave(ticket) }
    #expect(limiter.groupCount == 0)
  }

  @Test mutating func `tells of those for whom there is no room`() throws {
    let limiter = ClientLimiter(byteCount: 128, seed: 1)
    let limits = limits { $0.address.connections = 1 }
    var tickets: [ClientLimiter.Ticket] = []
    for host in 1...20 {
      tickets.append(
        try limiter.enter(
          try client("192.0.2.\(host)"), listener: 0, limits: limits, nowMicroseconds: start,
          overflow: &overflow))
    }
    #expect(overflow.uncountedConnections == 12 && limiter.groupCount == 8)
    for ticket in tickets { limiter.leave(ticket) }
    #expect(limiter.groupCount == 0)
  }
}

@Suite struct `A table of connections` {
  @Test(arguments: [UInt64](1...20))
  func `knows what is open, whatever comes and goes`(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let table = ConnectionTable(byteCount: 1 << 14, seed: seed)
    var open: [UInt64: Int] = [:]
    for _ in 0..<5000 {
      let key = UInt64.random(in: 1...200, using: &generator)
      if Bool.random(using: &generator) {
        let outcome = table.enter(key, limit: 3)
        #expect(outcome == (open[key, default: 0] < 3 ? .counted : .refused), "seed \(seed)")
        if outcome == .counted { open[key, default: 0] += 1 }
      } else if let count = open[key] {
        table.leave(key)
        open[key] = count > 1 ? count - 1 : nil
      }
    }
    #expect(table.keyCount == open.count, "seed \(seed)")
  }

  /// In one set alone a key often gets two entries at a time.
  @Test(arguments: [1 << 12, 64]) func `loses nothing between threads`(byteCount: Int) async {
    let table = ConnectionTable(byteCount: byteCount, seed: 1)
    await withTaskGroup(of: Void.self) { group in
      for thread in 0..<4 {
        group.addTask {
          var generator = SeededGenerator(seed: UInt64(thread))
          for _ in 0..<50_000 {
            let key = UInt64.random(in: 1...20, using: &generator)
            if table.enter(key, limit: 1000) == .counted { table.leave(key) }
          }
        }
      }
    }
    #expect(table.keyCount == 0)
  }
}
