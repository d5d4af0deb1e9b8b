import DNSWire
import Places
import Testing

@testable import Transferring

@Suite struct `Transfers out` {
  typealias World = DeskWorld

  private func answers(_ replies: [WireMessage]) -> [WireMessage.Record] {
    replies.flatMap { $0[.answer] }
  }

  @Test func `RFC 5936 §2.2: a zone goes out between its SOA and its SOA`() throws {
    let world = try World([
      .record(address("example.org.")), .steered(name("www.example.org."), [.a, .aaaa]),
      .record(address("zz.example.org.", 9)),
    ])
    let replies = try world.replies(to: request(.axfr))
    #expect(replies.count == 1)
    #expect(replies[0].id == 99 && replies[0].isResponse && replies[0].isAuthoritative)
    #expect(replies[0].questions == [WireMessage.Question(name: zone, type: .axfr)])
    let records = answers(replies)
    #expect(records.map(\.type) == [.soa, .a, .a, .a, .soa])
    #expect(
      records.map { "\($0.owner)" } == [
        "example.org.", "example.org.", "www.example.org.", "zz.example.org.", "example.org.",
      ])
    // The steered name as it is for a client of whom nothing is known.
    #expect(records[2].data == [203, 0, 113, 1] && records[2].ttlSeconds == 20)
  }

  @Test func `RFC 5936 §2.2: a large zone goes out in many messages, which a secondary reads`()
    throws
  {
    var records = (0..<5_000).map { address("n\($0).example.org.", UInt8($0 & 255)) }
    records.append(
      ZoneRecord(
        owner: name("big.example.org."), ttlSeconds: 1, type: .txt,
        data: Array(repeating: [255] + Array(repeating: UInt8(98), count: 255), count: 250)
          .flatMap(\.self)))
    records.append(address("zz.example.org."))
    let world = try World(records.map { .record($0) })
    var session = TransferSession(
      zone: zone, current: nil, key: key, limits: .init(records: 10_000, bytes: 1 << 24), id: 1)
    let now = UInt64(World.now)
    let request = try signedTransfer(of: &session, now: now)
    let answers = world.answers(to: request, from: World.stranger)
    var count = 0
    while let message = answers?.next() {
      count += 1
      #expect(message.count <= 65_535)
      let step = try session.receive(message, now: now)
      guard case .finished(.zone(let contents, _)) = step else { continue }
      #expect(Array(contents.records) == records)
    }
    #expect(count > 5)
  }

  /// Answers the session's question for the SOA, signed, and gives back what it asks then.
  private func signedTransfer(
    of session: inout TransferSession, now: UInt64
  ) throws -> [UInt8] {
    let asked = session.start(now: now)
    let message = try WireMessage(asked)
    guard case .signed(_, var signer) = RequestVerdict(asked, message, keys: [key], now: now) else {
      throw TransferFault.notAnswer
    }
    let reply = Reply(id: message.id, type: .soa, records: [try authority(5).record])
    let step = try session.receive(signer.signed(reply.bytes, now: now), now: now)
    guard case .send(let bytes) = step else { throw TransferFault.notAnswer }
    return bytes
  }

  @Test func `who is not allowed is refused`() throws {
    let world = try World()
    let replies = try world.replies(to: request(.axfr), from: World.stranger)
    #expect(replies.map(\.responseCode) == [5] && answers(replies).isEmpty)
    #expect(world.desk.counts.refused == 1)
    let closed = try World(rules: TransferRules(keys: [key]))
    #expect(try closed.replies(to: request(.axfr)).map(\.responseCode) == [5])
  }

  @Test func `a key opens from anywhere, and another key does not`() throws {
    let world = try World()
    let now = UInt64(World.now)
    let (_, signed) = ResponseVerifier.signing(try request(.axfr), with: key, now: now)
    #expect(try world.replies(to: signed, from: World.stranger).map(\.responseCode) == [0])
    var other = key
    other.secret = Array(repeating: 8, count: 32)
    let (_, forged) = ResponseVerifier.signing(try request(.axfr), with: other, now: now)
    #expect(try world.replies(to: forged).map(\.responseCode) == [9])
    #expect(world.desk.counts.badSignatures == 1)
  }

  @Test func `RFC 5936 §4.2: no AXFR over UDP`() throws {
    let replies = try World().replies(to: request(.axfr), over: .udp)
    #expect(replies.map(\.responseCode) == [1])
  }

  @Test func `a zone that is not ours is NOTAUTH, one that is not loaded SERVFAIL`() throws {
    let other = try World().replies(to: request(.axfr, of: name("example.net.")))
    #expect(other.map(\.responseCode) == [9])
    let absent = try World(isLoaded: false).replies(to: request(.axfr))
    #expect(absent.map(\.responseCode) == [2])
  }

  @Test(arguments: [5, 6, 0x7FFF_FFFF] as [UInt32])
  func `RFC 1995 §2: who has the version, or a newer one, gets one SOA`(serial: UInt32) throws {
    let world = try World([.record(address("a.example.org."))])
    let replies = try world.replies(to: request(.ixfr, serial: serial))
    #expect(answers(replies).map(\.type) == [.soa])
    #expect(world.desk.counts.sentCurrent == 1)
  }

  @Test func `RFC 1995 §4: without differences the whole zone goes out`() throws {
    let world = try World([.record(address("a.example.org."))])
    let replies = try world.replies(to: request(.ixfr, serial: 4))
    #expect(answers(replies).map(\.type) == [.soa, .a, .soa])
    #expect(replies[0].questions[0].type == .ixfr)
    let overUDP = try world.replies(to: request(.ixfr, serial: 4), over: .udp)
    #expect(answers(overUDP).map(\.type) == [.soa])
  }

  @Test func `RFC 1995 §4: with differences they go out, from where the secondary is`() throws {
    let world = try World([.record(address("c.example.org."))])
    let (a, b, c) = (
      address("a.example.org."), address("b.example.org."), address("c.example.org.")
    )
    world.desk.replace(
      journal: [
        ZoneDifference(
          old: try authority(3), new: try authority(4), deletions: [a], additions: [b]),
        ZoneDifference(
          old: try authority(4), new: try authority(5), deletions: [b], additions: [c]),
      ], of: zone)
    #expect(
      answers(try world.replies(to: request(.ixfr, serial: 4))).map { "\($0.owner)" } == [
        "example.org.", "example.org.", "b.example.org.", "example.org.", "c.example.org.",
        "example.org.",
      ])
    #expect(answers(try world.replies(to: request(.ixfr, serial: 3))).count == 10)
    // From before the journal: whole.
    #expect(answers(try world.replies(to: request(.ixfr, serial: 2))).count == 3)
    #expect(world.desk.counts.sentDifferences == 2)
  }

  @Test func `differences do not go out of a zone with names of ours over it`() throws {
    var rules = World.rules
    rules.zones[zone]?.servesDifferences = false
    let world = try World([.record(address("c.example.org."))], rules: rules)
    world.desk.replace(
      journal: [
        ZoneDifference(
          old: try authority(4), new: try authority(5), additions: [address("c.example.org.")])
      ], of: zone)
    let replies = try world.replies(to: request(.ixfr, serial: 4))
    #expect(answers(replies).map(\.type) == [.soa, .a, .soa])
  }

  @Test func `over UDP only so many in a second are told no`() throws {
    let world = try World()
    let refused = try (0..<300).count { _ in
      try !world.replies(to: request(.soa, flags: Self.notify), from: World.stranger, over: .udp)
        .isEmpty
    }
    #expect(refused == TransferDesk.refusalsPerSecond)
    // Who may ask is answered all the same.
    #expect(try world.replies(to: request(.soa, flags: Self.notify), over: .udp).count == 1)
  }

  @Test func `a request with a great many records is FORMERR, unread`() throws {
    var builder = MessageBuilder(
      id: 1, flags: 0, question: WireMessage.Question(name: zone, type: .axfr))
    for _ in 0..<20 { builder.append(zone, .a, ttlSeconds: 0, data: [1, 2, 3, 4]) }
    #expect(try World().replies(to: builder.bytes).map(\.responseCode) == [1])
  }

  @Test func `RFC 1995 §3: IXFR without the SOA that one has is FORMERR`() throws {
    #expect(try World().replies(to: request(.ixfr)).map(\.responseCode) == [1])
  }

  @Test func `at one time there are so many transfers, and so many to one client`() throws {
    var rules = World.rules
    rules.maximumTransfers = 3
    rules.maximumTransfersToClient = 2
    rules.zones[zone]?.allow = [.prefix(AddressPrefix(ipv4: 0, length: 0))]
    let world = try World([.record(address("a.example.org."))], rules: rules)
    var running = [world.answers(to: try request(.axfr)), world.answers(to: try request(.axfr))]
    #expect(try world.replies(to: request(.axfr)).map(\.responseCode) == [5])
    running.append(world.answers(to: try request(.axfr), from: World.stranger))
    #expect(
      try world.replies(to: request(.axfr), from: World.stranger).map(\.responseCode) == [5])
    // One ends, one is left by its client.
    while running[0]?.next() != nil {}
    running[1] = nil
    #expect(try world.replies(to: request(.axfr)).map(\.responseCode) == [0])
    #expect(running.count == 3)
  }

  // MARK: signed queries

  @Test func `RFC 8945 §5.3: the answer to a signed query is the ordinary one, signed`() throws {
    let world = try World()
    let now = UInt64(World.now)
    var (verifier, signed) = ResponseVerifier.signing(
      try request(.a, of: name("www.example.org.")), with: key, now: now)
    let answer = try #require(
      world.answers(to: signed, from: World.stranger, over: .udp)?.next())
    let message = try WireMessage(answer)
    try verifier.check(answer, message, now: now)
    #expect(message[.answer].map(\.data) == [[203, 0, 113, 1]])
  }

  @Test func `RFC 8945 §5.3: where the signature does not fit, the answer is truncated`() throws {
    let now = UInt64(World.now)
    var (verifier, signed) = ResponseVerifier.signing(
      try request(.txt, of: name("www.example.org.")), with: key, now: now)
    let answer = try #require(try World().answers(to: signed, over: .udp)?.next())
    #expect(answer.count <= 512)
    let message = try WireMessage(answer)
    try verifier.check(answer, message, now: now)
    #expect(message.isTruncated && message[.answer].isEmpty)
  }

  // MARK: NOTIFY

  private static let notify: UInt16 = 0x2400

  @Test func `RFC 1996 §3.7: a NOTIFY of the primary is heeded and answered`() throws {
    let world = try World()
    let replies = try world.replies(to: request(.soa, flags: Self.notify), over: .udp)
    #expect(replies.count == 1 && replies[0].responseCode == 0 && replies[0].id == 99)
    #expect(replies[0].opcode == .notify && replies[0].isResponse)
    #expect(world.notified == [zone])
  }

  @Test func `RFC 1996 §3.10: of others it is refused, unless signed with the primary's key`()
    throws
  {
    let world = try World()
    let notify = try request(.soa, flags: Self.notify)
    #expect(try world.replies(to: notify, from: World.stranger).map(\.responseCode) == [5])
    let elsewhere = try request(.soa, of: name("example.net."), flags: Self.notify)
    #expect(try world.replies(to: elsewhere).map(\.responseCode) == [9])
    #expect(world.notified.isEmpty && world.desk.counts.notifiesRefused == 2)
    let (_, signed) = ResponseVerifier.signing(notify, with: key, now: UInt64(World.now))
    #expect(try world.replies(to: signed, from: World.stranger).map(\.responseCode) == [0])
    #expect(world.notified == [zone])
  }

  @Test func `responses and what is too short get silence; what cannot be read FORMERR`() throws {
    let world = try World()
    #expect(world.answers(to: []) == nil)
    #expect(world.answers(to: try request(.soa, flags: 0xA000)) == nil)
    let cut = Array(try request(.axfr).dropLast(3))
    #expect(try world.replies(to: cut).map(\.responseCode) == [1])
  }
}
