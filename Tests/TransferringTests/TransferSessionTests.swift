import DNSWire
import TestSupport
import Testing

@testable import Transferring

@Suite struct `Transfers in` {
  static let now: UInt64 = 1_700_000_000

  /// A session that has asked, and the question that it asked last.
  struct Exchange {
    var session: TransferSession
    var asked: WireMessage

    init(current: ZoneContents? = nil, limits: TransferReader.Limits = limits) throws {
      session = TransferSession(
        zone: zone, current: current, key: nil, limits: limits, id: 100)
      asked = try WireMessage(session.start(now: now))
    }

    /// Answers what was asked last.
    mutating func answer(_ records: [ZoneRecord]) throws -> TransferSession.Step {
      let step = try session.receive(
        Reply(id: asked.id, type: asked.questions[0].type, records: records).bytes, now: now)
      if case .send(let bytes) = step { asked = try WireMessage(bytes) }
      return step
    }
  }

  private func fault(_ body: () throws -> Void) -> TransferFault? {
    do {
      try body()
      return nil
    } catch {
      return error as? TransferFault
    }
  }

  @Test func `RFC 5936 §2.2: a zone comes whole over several messages`() throws {
    var exchange = try Exchange()
    #expect(exchange.asked.questions[0].type == .soa)
    let soa = try authority(5).record
    _ = try exchange.answer([soa])
    #expect(exchange.asked.questions[0].type == .axfr)
    #expect(try exchange.answer([soa]) == .wait)
    #expect(try exchange.answer([address("www.example.org.")]) == .wait)
    let step = try exchange.answer([address("ftp.example.org.", 2), soa])
    let whole = try contents(5, [address("www.example.org."), address("ftp.example.org.", 2)])
    #expect(step == .finished(.zone(whole, differences: [])))
    #expect(
      Array(whole.records).map(\.owner) == [name("www.example.org."), name("ftp.example.org.")])
  }

  @Test func `RFC 1995 §4: differences are applied one after the other`() throws {
    let old = try contents(1, [address("a.example.org."), address("b.example.org.", ttl: 60)])
    var exchange = try Exchange(current: old)
    let soas = try (0...3).map { try authority(UInt32($0)).record }
    _ = try exchange.answer([soas[3]])
    #expect(exchange.asked.questions[0].type == .ixfr)
    #expect(exchange.asked[.authority].map(\.data) == [soas[1].data])
    #expect(
      try exchange.answer([
        soas[3], soas[1], address("a.example.org."), soas[2], address("c.example.org."), soas[2],
      ]) == .wait)
    let step = try exchange.answer([
      address("c.example.org."), soas[3], address("d.example.org."), soas[3],
    ])
    guard case .finished(.zone(let new, let differences)) = step else {
      Issue.record("\(step)")
      return
    }
    #expect(
      new == (try contents(3, [address("b.example.org.", ttl: 60), address("d.example.org.")])))
    #expect(differences.count == 2)
    #expect(
      differences.map(\.deletions) == [[address("a.example.org.")], [address("c.example.org.")]])
  }

  @Test func `RFC 1995 §4: IXFR may be answered with the whole zone`() throws {
    var exchange = try Exchange(current: contents(1, [address("a.example.org.")]))
    let soa = try authority(2).record
    _ = try exchange.answer([soa])
    let step = try exchange.answer([soa, address("b.example.org."), soa])
    #expect(
      step == .finished(.zone(try contents(2, [address("b.example.org.")]), differences: [])))
  }

  @Test func `RFC 1995 §2: one SOA that is not newer means that there is nothing`() throws {
    var exchange = try Exchange(current: contents(1, []))
    _ = try exchange.answer([try authority(2).record])
    #expect(try exchange.answer([try authority(1).record]) == .finished(.upToDate))
  }

  @Test func `the same serial means that there is nothing to do`() throws {
    var exchange = try Exchange(current: contents(7, []))
    #expect(try exchange.answer([try authority(7).record]) == .finished(.upToDate))
  }

  @Test(arguments: [1, 4] as [UInt16])
  func `RFC 1995 §4: a primary without IXFR is asked for the whole zone`(code: UInt16) throws {
    var exchange = try Exchange(current: contents(1, []))
    _ = try exchange.answer([try authority(2).record])
    let refusal = Reply(id: exchange.asked.id, type: .ixfr, flags: 0x8000 | code, records: [])
    guard case .send(let next) = try exchange.session.receive(refusal.bytes, now: Self.now) else {
      Issue.record("it is not asked")
      return
    }
    #expect(try WireMessage(next).questions[0].type == .axfr)
  }

  @Test func `RFC 1995 §4: differences that do not fit lead to the whole zone`() throws {
    var exchange = try Exchange(current: contents(1, [address("a.example.org.")]))
    let (old, new) = (try authority(1).record, try authority(2).record)
    _ = try exchange.answer([new])
    let step = try exchange.answer([new, old, address("z.example.org."), new, new])
    guard case .send = step else {
      Issue.record("\(step)")
      return
    }
    #expect(exchange.asked.questions[0].type == .axfr)
  }

  @Test func `RFC 1982 §3.2: a serial that went back is refused`() throws {
    var exchange = try Exchange(current: contents(10, []))
    #expect(
      fault { _ = try exchange.answer([try authority(9).record]) }
        == .older(theirs: Serial(9), ours: Serial(10)))
  }

  struct Hostile: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var records: [ZoneRecord]
    var fault: TransferFault
  }

  static let hostile: [Hostile] = {
    guard let soa = try? authority(2).record, let other = try? authority(3).record else {
      return []
    }
    var child = soa
    child.owner = name("child.example.org.")
    let www = address("www.example.org.")
    return [
      Hostile(testDescription: "no SOA first", records: [www, soa], fault: .noSOA),
      Hostile(testDescription: "no records", records: [], fault: .emptyMessage),
      Hostile(
        testDescription: "a record outside the zone", records: [soa, address("www.example.net.")],
        fault: .record("www.example.net. is outside the zone")),
      Hostile(
        testDescription: "another SOA at the end", records: [soa, www, other], fault: .serials),
      Hostile(
        testDescription: "the SOA of a child", records: [soa, child],
        fault: .record("child.example.org. has a SOA that is not the zone's")),
      Hostile(
        testDescription: "records behind the end", records: [soa, www, soa, www],
        fault: .trailingRecords),
      Hostile(
        testDescription: "a record of a type that is none",
        records: [
          soa, ZoneRecord(owner: zone, ttlSeconds: 0, type: RecordType(rawValue: 250), data: []),
        ], fault: .record("example.org. TSIG has no place in a zone")),
      Hostile(
        testDescription: "more than the limit",
        records: [soa] + (0..<1000).map { address("n\($0).example.org.") }, fault: .tooLarge),
    ]
  }()

  @Test(arguments: hostile)
  func `RFC 5936 §2.2: what a zone cannot be is refused`(hostile: Hostile) throws {
    var exchange = try Exchange()
    _ = try exchange.answer([try authority(2).record])
    #expect(fault { _ = try exchange.answer(hostile.records) } == hostile.fault)
  }

  @Test(
    arguments: [
      (0x8400, 1, TransferFault.notAnswer), (0x0400, 0, .notAnswer), (0x8600, 0, .truncated),
      (0x8000, 0, .notAuthoritative), (0x8405, 0, .code(5)), (0xA400, 0, .notAnswer),
    ] as [(UInt16, UInt16, TransferFault)])
  func `a header that is not of the answer is refused`(
    flags: UInt16, idOffset: UInt16, expected: TransferFault
  ) throws {
    var exchange = try Exchange()
    let reply = Reply(
      id: exchange.asked.id &+ idOffset, type: .soa, flags: flags,
      records: [try authority(1).record])
    #expect(
      fault { _ = try exchange.session.receive(reply.bytes, now: Self.now) } == expected)
  }

  @Test func `RFC 8945 §5.3.1: whoever does not sign is not believed`() throws {
    var session = TransferSession(
      zone: zone, current: nil, key: key, limits: limits, id: 1)
    let asked = try WireMessage(session.start(now: Self.now))
    let reply = Reply(id: asked.id, type: .soa, records: [try authority(1).record])
    #expect(
      fault { _ = try session.receive(reply.bytes, now: Self.now) } == .signature(.missing))
  }

  @Test func `differences give what the new version is, whatever they are`() throws {
    let seed: UInt64 = 1995
    var generator = SeededGenerator(seed: seed)
    func someRecords() -> Set<ZoneRecord> {
      Set(
        (0..<40).map { _ in
          address(
            "n\(Int.random(in: 0..<20, using: &generator)).example.org.",
            UInt8.random(in: 0..<4, using: &generator))
        })
    }
    for round in 0..<200 {
      let (before, after) = (someRecords(), someRecords())
      let difference = ZoneDifference(
        old: try authority(1), new: try authority(2),
        deletions: Array(before.subtracting(after)), additions: Array(after.subtracting(before)))
      let applied = try contents(1, Array(before)).applying(difference)
      #expect(Set(applied.records) == after, "round \(round), seed \(seed)")
      #expect(applied.recordCount == after.count)
    }
  }

  @Test func `any bytes from a primary end in a step or in a fault`() throws {
    let seed: UInt64 = 0xF00D
    var generator = SeededGenerator(seed: seed)
    let soa = try authority(2).record
    for _ in 0..<5_000 {
      var exchange = try Exchange(current: contents(1, [address("a.example.org.")]))
      _ = try exchange.answer([soa])
      var bytes = Reply(
        id: exchange.asked.id, type: .ixfr,
        records: [soa, try authority(1).record, address("a.example.org."), soa, soa]
      ).bytes
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        bytes[Int.random(in: 4..<bytes.count, using: &generator)] = UInt8(
          truncatingIfNeeded: generator.next())
      }
      _ = try? exchange.session.receive(bytes, now: Self.now)
    }
  }
}
