import Answering
import Cookies
import Crypto
import DNSWire
import Editions
import RateLimiting
import Signing
import Synchronization
import Testing
import Zones

/// DNSSEC: what signed zones add to answers; every signature is checked with the public key, over
/// sets that are put together anew from the answer.
@Suite struct `Signed answers` {
  private let world = SignedWorld()

  @Test(
    arguments: [
      ("www", RecordType.a, [1]), ("www", .aaaa, [28]), ("ns1", .a, [1]), ("@", .soa, [6]),
      ("alias", .a, [5, 1]), ("x.cdn", .a, [1]), ("x.wild", .txt, [16]), ("@", .dnskey, [48]),
      ("a.moved", .txt, [39, 5, 16]), ("odd", RecordType(rawValue: 65_280), [65_280]),
      ("chain", .aaaa, [5, 5, 28]), ("ns1", .any, [1]), ("www", .any, [13]),
    ])
  func `RFC 4035 §3.1.1: each set of an answer has its signature, steered or not`(
    name: String, type: RecordType, types: [UInt16]
  ) throws {
    let reply = try world.reply(name, type)
    let sets = try world.verified(reply.sections[0])
    #expect(sets.map(\.type) == types && reply.code == 0 && reply.isAuthoritative)
    // RFC 6672 §5.3.1: the CNAME that a DNAME means has none.
    let unsigned = sets.filter { !$0.isSigned }.map(\.type)
    #expect(unsigned == (types.contains(39) ? [5] : []))
  }

  @Test func `RFC 3225 §3: without DO there is none of it`() throws {
    for (name, type) in [("www", RecordType.a), ("no", .a), ("child", .a), ("ns1", .mx)] {
      let reply = try world.reply(name, type, wantsDNSSEC: false)
      #expect(reply.sections.joined().allSatisfy { ![46, 47].contains($0.type) })
    }
    #expect(try world.reply("no", .a, wantsDNSSEC: false).code == 3)
    // The keys are records like others.
    #expect(try world.reply("@", .dnskey, wantsDNSSEC: false).sections[0].map(\.type) == [48])
  }

  @Test func `RFC 4035 §3.1: of a zone without keys nothing is signed`() throws {
    for (name, type) in [("ns1.inner", RecordType.a), ("no.inner", .a), ("inner", .dnskey)] {
      let reply = try world.reply(name, type)
      #expect(reply.sections.joined().allSatisfy { ![46, 47, 48].contains($0.type) })
    }
    #expect(try world.reply("no.inner", .a).code == 3)
  }

  @Test func `each answer of a steered name is signed once, whoever gets it`() throws {
    var session = try world.session()
    for round in 0..<3 {
      for place: [UInt8] in [[10, 1, 0], [10, 2, 0], [192, 0, 3]] {
        let subnet = ecs(place[0], place[1], place[2], bits: 24)
        let reply = try session.reply("www.example.org.", .a, options: subnet)
        #expect(try world.verified(reply.sections[0]).allSatisfy(\.isSigned))
      }
      #expect(world.signatureCount == 3, "round \(round)")
    }
  }

  @Test(
    arguments: [
      ("ns1", RecordType.mx, "1 46 47"), ("www", .mx, "1 28 46 47"),
      ("www", .txt, "1 28 46 47"), ("_tcp", .a, "46 47"), ("x.wild", .a, "16 46 47"),
      ("@", .mx, "1 2 6 28 46 47 48"), ("odd", .a, "46 47 65280"), ("x.cdn", .mx, "1 28 46 47"),
    ])
  func `RFC 9824 §3.2, §3.3: of a type that is not there NSEC lists those that are`(
    name: String, type: RecordType, types: String
  ) throws {
    let reply = try world.reply(name, type)
    #expect(reply.code == 0 && reply.sections[0].isEmpty)
    let sets = try world.verified(reply.sections[1])
    #expect(sets.map(\.type) == [6, 47] && sets.allSatisfy(\.isSigned))
    #expect(sets.map(\.owner) == ["example.org.", world.name(name)])
    #expect(try world.types(sets[1]) == types.split(separator: " ").compactMap { UInt16($0) })
    // RFC 9077 §3.
    #expect(sets.map(\.ttlSeconds) == [60, 60])
  }

  @Test(arguments: [("ns1", "1 46 47"), ("www", "1 28 46 47"), ("@", "1 2 6 28 46 47 48")])
  func `RFC 4035 §3.1.1: who asks for NSEC itself gets it, signed`(name: String, types: String)
    throws
  {
    let reply = try world.reply(name, .nsec)
    let sets = try world.verified(reply.sections[0])
    #expect(sets.map(\.type) == [47] && sets.map(\.isSigned) == [true])
    #expect(try world.types(sets[0]) == types.split(separator: " ").compactMap { UInt16($0) })
    #expect(reply.sections[1].isEmpty)
    #expect(try world.reply(name, .nsec, wantsDNSSEC: false).sections[0].isEmpty)
  }

  @Test(arguments: ["no", "a.b.c.no", "x.host.wild", "x.ns1", "NO"])
  func `RFC 9824 §3.1: a name that is not there has the type NXNAME, and the code is NOERROR`(
    name: String
  ) throws {
    let reply = try world.reply(name, .a)
    let sets = try world.verified(reply.sections[1])
    #expect(reply.code == 0 && sets.map(\.type) == [6, 47] && sets.allSatisfy(\.isSigned))
    #expect(try world.types(sets[1]) == [46, 47, 128])
    #expect(sets[1].next == [1, 0] + (try DomainName(world.name(name)).loweredWire))
  }

  @Test func `a denial is signed once, however the name is written`() throws {
    var session = try world.session()
    for name in ["ns1", "NS1", "nS1"] {
      let reply = try session.reply("\(name).example.org.", .mx)
      #expect(try world.verified(reply.sections[1]).allSatisfy(\.isSigned))
    }
    // The SOA's and the denial's.
    #expect(world.signatureCount == 2)
  }

  @Test func `RFC 9824 §5.1: who says so gets NXDOMAIN, with the same proof`() throws {
    let plain = try world.reply("no", .a)
    let compact = try world.reply("no", .a, flags: 0xC0)
    #expect(plain.code == 0 && compact.code == 3)
    let types = try [plain, compact].map { try world.verified($0.sections[1]).map(\.type) }
    #expect(types == [[6, 47], [6, 47]])
    #expect(try world.reply("ns1", .mx, flags: 0xC0).code == 0)
    // Without DO the flag means nothing.
    #expect(try world.reply("no", .a, flags: 0x40).sections[1].map(\.type) == [6])
  }

  @Test func `RFC 9824 §3.5: NXNAME is no type to ask for`() throws {
    let reply = try world.reply("no", RecordType(rawValue: 128))
    #expect(reply.code == 1 && reply.options?[15]?.prefix(2) == [0, 30])
  }

  @Test func `of an alias that leads nowhere both are signed: the alias and the denial`() throws {
    let reply = try world.reply("gone", .a)
    #expect(try world.verified(reply.sections[0]).map(\.isSigned) == [true])
    let sets = try world.verified(reply.sections[1])
    #expect(sets.map(\.owner) == ["example.org.", "nothing.example.org."])
    #expect(sets.allSatisfy(\.isSigned) && reply.code == 0)
  }

  @Test func `RFC 4035 §3.1.4.1: a referral has the signed proof that the zone has no keys`() throws
  {
    let reply = try world.reply("x.child", .a)
    let sets = try world.verified(reply.sections[1])
    #expect(sets.map(\.type) == [2, 47] && sets.map(\.isSigned) == [false, true])
    #expect(try world.types(sets[1]) == [2, 46, 47] && !reply.isAuthoritative)
    #expect(sets[1].owner == "child.example.org.")
    #expect(!reply.sections[2].isEmpty)
  }

  @Test func `RFC 4035 §3.1.4.1: … or the signed DS records of its keys`() throws {
    let reply = try world.reply("x.safe", .a)
    let sets = try world.verified(reply.sections[1])
    #expect(sets.map(\.type) == [2, 43] && sets.map(\.isSigned) == [false, true])
    let own = try world.reply("safe", .ds)
    #expect(try world.verified(own.sections[0]).map(\.isSigned) == [true])
  }

  @Test func `what does not fit with its signatures is truncated, and whole over TCP`() throws {
    let cut = try world.reply("huge", .txt)
    #expect(cut.isTruncated && cut.sections.allSatisfy(\.isEmpty))
    var world = world
    world.transport = .tcp
    let whole = try world.reply("huge", .txt)
    #expect(try world.verified(whole.sections[0]).map(\.isSigned) == [true])
  }

  @Test func `an answer that cannot be signed is SERVFAIL`() throws {
    var world = world
    world.fails = true
    for (name, type) in [("www", RecordType.a), ("no", .a), ("ns1", .a)] {
      let reply = try world.reply(name, type)
      #expect(reply.code == 2 && reply.sections.allSatisfy(\.isEmpty) && !reply.isAuthoritative)
    }
  }

  @Test func `beyond the rate, names that are not there count as such, signed or not`() throws {
    var session = try world.session(rules: { signers in
      AnswerRules(
        rateLimits: .init(
          rates: .init(answers: 0, nameErrors: 1, errors: 0), slip: 1, isDryRun: false),
        signers: signers)
    })
    var cut: [Bool] = []
    for number in 0..<5 {
      cut.append(try session.reply("no\(number).example.org.", .a).isTruncated)
    }
    #expect(cut.first == false && cut.last == true)
    #expect(try !session.reply("www.example.org.", .a).isTruncated)
  }
}

/// The small world with a key for `example.org`.
private struct SignedWorld {
  struct Unsigned: Error {}

  struct SignedSet {
    var owner: String
    var type: UInt16
    var ttlSeconds: UInt32
    var data: [[UInt8]]
    var isSigned = false

    /// Of NSEC: the next name.
    var next: [UInt8] {
      var end = 0
      while data[0][end] != 0 { end += 1 + Int(data[0][end]) }
      return Array(data[0][...end])
    }
  }

  private let key = P256.Signing.PrivateKey()
  private let made = Tally()
  var transport = Responder.Transport.udp
  var fails = false
  static let nowSeconds: UInt64 = 1_790_000_000

  var signatureCount: Int { made.count.withLock { $0 } }

  func name(_ text: String) -> String {
    text == "@" ? "example.org." : "\(text).example.org."
  }

  private func signers() throws -> [DomainName: ZoneSigner] {
    let (key, made, fails) = (key, made, fails)
    let signing = SigningKey(algorithm: 13, tag: 4_711) { message in
      made.count.withLock { $0 += 1 }
      return fails ? nil : (try? key.signature(for: message)).map { Array($0.rawRepresentation) }
    }
    let zone = try DomainName("example.org.")
    return [
      zone: ZoneSigner(
        zone: zone, keys: [[1, 1, 3, 13] + key.publicKey.rawRepresentation],
        keyTTLSeconds: 3_600, zoneKeys: [signing], keySigningKeys: [signing],
        validitySeconds: 14 * 86_400)
    ]
  }

  func session(
    rules: ([DomainName: ZoneSigner]) -> AnswerRules = { AnswerRules(signers: $0) }
  ) throws -> Session {
    var asker = Asker(edition: try World.edition(rules: rules(try signers())))
    asker.transport = transport
    asker.nowMicroseconds = Self.nowSeconds * 1_000_000
    return Session(asker: asker)
  }

  func reply(
    _ name: String, _ type: RecordType, wantsDNSSEC: Bool = true, flags: UInt8? = nil
  ) throws -> Reply {
    var session = try session()
    return try session.reply(
      self.name(name), type, flags: flags ?? (wantsDNSSEC ? 0x80 : 0))
  }

  /// The sets of a section, each checked against its signature if it has one.
  func verified(_ records: [Reply.Record]) throws -> [SignedSet] {
    var sets: [SignedSet] = []
    for record in records where record.type != 46 {
      if let last = sets.indices.last, sets[last].owner == record.owner,
        sets[last].type == record.type
      {
        sets[last].data.append(record.data)
      } else {
        sets.append(
          SignedSet(
            owner: record.owner, type: record.type, ttlSeconds: record.ttlSeconds,
            data: [record.data]))
      }
    }
    for signature in records where signature.type == 46 {
      let type = UInt16(signature.data[0]) << 8 | UInt16(signature.data[1])
      let index = try #require(
        sets.firstIndex { $0.owner == signature.owner && $0.type == type && !$0.isSigned })
      try check(signature, of: sets[index])
      sets[index].isSigned = true
    }
    return sets
  }

  private func check(_ signature: Reply.Record, of set: SignedSet) throws {
    let data = signature.data
    let zone = try DomainName("example.org.").wire
    #expect(Array(data[18..<(18 + zone.count)]) == zone && data[2] == 13)
    let times = [8, 12].map { data[$0..<($0 + 4)].reduce(UInt64(0)) { $0 << 8 | UInt64($1) } }
    #expect(times[1] <= Self.nowSeconds && times[0] > Self.nowSeconds)
    #expect(signature.ttlSeconds == set.ttlSeconds)
    let owner = try DomainName(set.owner).loweredWire
    var message = Array(data[..<18]) + zone
    for one in set.data.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
      message += owner + bigEndianBytes(set.type) + [0, 1] + data[4..<8]
      message += bigEndianBytes(UInt16(one.count)) + one
    }
    let raw = try P256.Signing.ECDSASignature(rawRepresentation: data[(18 + zone.count)...])
    #expect(key.publicKey.isValidSignature(raw, for: message), "\(set.owner) \(set.type)")
  }

  /// Of an NSEC record.
  func types(_ set: SignedSet) throws -> [UInt16] {
    var rest = set.data[0].dropFirst(set.next.count)
    var types: [UInt16] = []
    while let window = rest.popFirst(), let count = rest.popFirst() {
      for (index, byte) in rest.prefix(Int(count)).enumerated() {
        for bit in 0..<8 where byte & 0x80 >> bit != 0 {
          types.append(UInt16(window) << 8 | UInt16(index * 8 + bit))
        }
      }
      rest = rest.dropFirst(Int(count))
    }
    return types
  }
}

/// Keeps one responder, and with it the signatures that were made.
private struct Session: ~Copyable {
  let asker: Asker
  private var responder: Responder

  init(asker: Asker) {
    self.asker = asker
    responder = asker.responder()
  }

  mutating func reply(
    _ name: String, _ type: RecordType, options: [UInt8] = [], flags: UInt8 = 0x80
  ) throws -> Reply {
    var packet = try query(name, type, edns: options)
    // The first byte of OPT's flags, before its last and the length.
    packet[packet.count - options.count - 4] = flags
    var buffer = packet + Array(repeating: 0xAA, count: 70_000)
    let count = asker.answer(&buffer, packet.count, &responder)
    return try Reply(Array(buffer[..<count]))
  }
}

private final class Tally: Sendable {
  let count = Mutex(0)
}
