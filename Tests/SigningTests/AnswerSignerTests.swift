import Cookies
import DNSWire
import Signing
import Synchronization
import TestSupport
import Testing

/// What is signed, when, and how often.
@Suite struct `Signing sets of records` {
  @Test func `RFC 4034 §6.2: names are signed in lower case, of owners and of old types' data`()
    throws
  {
    let signed = try ["host", "HOST"].map { host in
      let text = "10 \(host).example."
      return try Workshop.once("\(host).example.", [(.mx, text)]).signedRecords
    }
    #expect(signed[0] == signed[1] && !signed[0].isEmpty)
    // RFC 6840 §5.1, RFC 9460 §2.2: newer types are signed as they are.
    let bound = try ["host", "HOST"].map {
      try Workshop.once("a.example.", [(.svcb, "1 \($0).example.")]).signedRecords
    }
    #expect(bound[0] != bound[1])
  }

  @Test(arguments: [
    ("1 2 3 HOST.example.", RecordType.srv), ("1 2 \"S\" \"E2U\" \"!X!Y!\" HOST.example.", .naptr),
    ("NS.Example. Mail.EXAMPLE. 1 2 3 4 5", .soa), ("A.example. B.EXAMPLE.", .rp),
    ("Target.Example.", .ns), ("Target.Example.", .dname), ("1 Target.Example.", .kx),
  ])
  func `RFC 4034 §6.2: … wherever in the data they are`(text: String, type: RecordType) throws {
    let data = try RecordData.encode(type, text: text, origin: .root)
    let lowered = try RecordData.encode(
      type, text: type == .naptr ? "1 2 \"S\" \"E2U\" \"!X!Y!\" host.example." : text.lowercased(),
      origin: .root)
    let message = try Workshop.once("a.example.", [(type, text)]).message
    #expect(Array(message.suffix(data.count)) == lowered)
  }

  @Test
  func `RFC 4034 §6.3: in the order of their data, each once, whatever the order in the answer`()
    throws
  {
    let texts = ["192.0.2.9", "192.0.2.10", "10.0.0.1"]
    let messages = try [texts, texts.reversed(), texts + [texts[0]]].map { texts in
      try Workshop.once("a.example.", texts.map { (.a, $0) }).signedRecords
    }
    #expect(Set(messages).count == 1)
    let last = Array(messages[0].suffix(4))
    #expect(last == [192, 0, 2, 10])
  }

  @Test(arguments: [
    ("example.", 1), ("a.b.example.", 3), ("*.example.", 1), (".", 0), ("*x.example.", 2),
    ("a.*.example.", 3),
  ])
  func `RFC 4034 §3.1.3: labels are counted without the root and a wildcard in front`(
    owner: String, count: Int
  ) throws {
    let made = try Workshop.once(owner, [(.txt, "x")])
    // Type, algorithm, labels.
    #expect(made.message[3] == UInt8(count) && made.records[15] == UInt8(count))
  }

  @Test func `a set is signed once, and another one for each of its differences`() throws {
    var workshop = Workshop()
    var made: [UInt64] = []
    for (owner, text) in [
      ("a.example.", "x"), ("A.EXAMPLE.", "x"), ("b.example.", "x"), ("a.example.", "y"),
      ("a.example.", "x"), ("b.example.", "x"),
    ] {
      made.append(try workshop.sign(owner, [(.txt, text)]).madeCount)
    }
    #expect(made == [1, 1, 2, 3, 3, 3])
    workshop.ttlSeconds += 1
    #expect(try workshop.sign("a.example.", [(.txt, "x")]).madeCount == 4)
  }

  @Test func `keys sign what is theirs, each once: zone keys all sets, key-signing keys the keys`()
    throws
  {
    var workshop = Workshop()
    workshop.zoneKeyTags = [1, 2]
    workshop.keySigningTags = [3]
    #expect(try workshop.sign("example.", [(.txt, "x")]).tags == [1, 2])
    #expect(try workshop.sign("example.", [(.dnskey, "257 3 13 AAAA")]).tags == [3])
  }

  @Test
  func
    `RFC 6781 §4.4.2: signatures hold long enough, and are not all renewed at once`()
    throws
  {
    var workshop = Workshop()
    let day: UInt64 = 86_400
    var renewals: Set<UInt64> = []
    var random = SeededGenerator(seed: 4)
    for _ in 0..<40 {
      let owner = "h\(random.next() % 1_000_000).example."
      var last: UInt32?
      for hour in 0..<(14 * 24) {
        workshop.nowSeconds = 1_790_000_000 + UInt64(hour) * 3_600
        let made = try workshop.sign(owner, [(.txt, "x")])
        #expect(UInt64(made.inception) + 3_600 <= workshop.nowSeconds)
        let rest = UInt64(made.expiration) - workshop.nowSeconds
        #expect(rest > 14 * day * 3 / 4 - 1 && rest <= 14 * day)
        if let last, last != made.expiration { renewals.insert(UInt64(hour)) }
        last = made.expiration
      }
    }
    #expect(renewals.count > 40)
  }

  @Test func `what does not fit in any more is signed again, and nothing else comes in its place`()
    throws
  {
    var workshop = Workshop(signatureCount: 64)
    for round in 0..<4 {
      for number in 0..<500 {
        let made = try workshop.sign("h\(number).example.", [(.txt, "\(number)")])
        #expect(made.signature == Workshop.signature(made.message), "round \(round)")
      }
    }
    #expect(workshop.signer.madeCount > 500)
  }

  @Test func `a key that fails leaves no signature`() throws {
    var workshop = Workshop()
    workshop.fails = true
    #expect(throws: Workshop.Failed.self) { try workshop.sign("a.example.", [(.txt, "x")]) }
  }

  @Test(arguments: [
    // RFC 4034 §4.3.
    ([1, 15, 1234], "0006400100000003 041b" + String(repeating: "00", count: 26) + "20"),
    ([], "0006000000000003"), ([128], "0011 0000000000030000000000000000000080"),
    ([65_535], "0006000000000003 ff20" + String(repeating: "00", count: 31) + "01"),
  ])
  func `RFC 4034 §4.1.2: a denial lists the types that there are`(types: [Int], bitmap: String)
    throws
  {
    let name: [UInt8] = [1, 97, 0]
    let records = Workshop().deny(name, types: types)
    let next: [UInt8] = [1, 0] + name
    #expect(Array(records[12..<(12 + next.count)]) == next)
    #expect(Array(records[(12 + next.count)...]) == bytes(bitmap))
    #expect(Int(records[10]) << 8 | Int(records[11]) == records.count - 12)
  }

  @Test(arguments: 240...255)
  func `RFC 9824 §3.1: the next name is right behind, and no longer than a name may be`(
    count: Int
  ) throws {
    let labels = (0..<3).flatMap { _ in [63] + [UInt8](repeating: 98, count: 63) }
    let first = count - labels.count - 2
    let name = [UInt8(first)] + [UInt8](repeating: 97, count: first) + labels + [0]
    #expect(name.count == count)
    let records = Workshop().deny(name, types: [1])
    let next = try #require(DomainName(wire: Array(records[12...].dropLast(2 + 6))))
    // In canonical order (RFC 4034 §6.1) it comes later: it is below, or its first label is more.
    let isBelow = next.wire.dropFirst(2).elementsEqual(name)
    let label = Array(next.wire[1...Int(next.wire[0])])
    #expect(isBelow || Array(name[1...first]).lexicographicallyPrecedes(label))
  }

  private func bytes(_ text: String) -> [UInt8] {
    let digits = text.filter { $0 != " " }.compactMap(\.hexDigitValue)
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] * 16 + digits[$0 + 1]) }
  }
}

/// Signs with keys whose signature is a checksum, so that what was signed can be told.
private struct Workshop {
  struct Failed: Error {}
  struct Made {
    /// What the last key was asked to sign.
    var message: [UInt8]
    /// Behind the head of the signature and the signer's name.
    var signedRecords: [UInt8] { Array(message.dropFirst(18 + 9)) }
    var records: [UInt8]
    var tags: [UInt16]
    var madeCount: UInt64
    var expiration: UInt32 { number(at: 20) }
    var inception: UInt32 { number(at: 24) }
    var signature: [UInt8] { Array(records.suffix(64)) }
    private func number(at offset: Int) -> UInt32 {
      records[offset..<(offset + 4)].reduce(0) { $0 << 8 | UInt32($1) }
    }
  }

  var signer: AnswerSigner
  var zoneKeyTags: [UInt16] = [7]
  var keySigningTags: [UInt16] = [7]
  var ttlSeconds: UInt32 = 300
  var nowSeconds: UInt64 = 1_790_000_000
  var fails = false

  init(signatureCount: Int = 4_096) {
    signer = AnswerSigner(
      signatureCount: signatureCount, secret: CookieSecret(low: 1, high: 2))
  }

  static func signature(_ message: [UInt8]) -> [UInt8] {
    var state: UInt64 = 1
    for byte in message { state = (state ^ UInt64(byte)) &* 0x100_0000_01B3 &+ 1 }
    return (0..<64).map { UInt8(truncatingIfNeeded: state >> (UInt64($0) % 57)) }
  }

  static func once(_ owner: String, _ texts: [(RecordType, String)]) throws -> Made {
    var workshop = Workshop()
    return try workshop.sign(owner, texts)
  }

  mutating func sign(_ owner: String, _ texts: [(RecordType, String)]) throws -> Made {
    let name = try DomainName(owner).wire
    var message = [UInt8](repeating: 0, count: 12) + name
    let offset = message.count
    for (type, text) in texts {
      let data = try RecordData.encode(type, text: text, origin: .root)
      message += [0xC0, 12] + bigEndianBytes(type.rawValue) + [0, 1] + bigEndianBytes(ttlSeconds)
      message += bigEndianBytes(UInt16(data.count)) + data
    }
    message += [UInt8](repeating: 0xAA, count: 8)
    let box = Box()
    let fails = fails
    func key(_ tag: UInt16) -> SigningKey {
      SigningKey(algorithm: 13, tag: tag) { message in
        box.message.withLock { $0 = message }
        return fails ? nil : Self.signature(message)
      }
    }
    let zone = ZoneSigner(
      zone: try DomainName("example."), keys: [[1, 1, 3, 13]], keyTTLSeconds: 3_600,
      zoneKeys: zoneKeyTags.map(key), keySigningKeys: keySigningTags.map(key),
      validitySeconds: 14 * 86_400)
    let set = MessageSet(
      owner: MessageName(offset: 12, byteCount: name.count), offset: offset,
      recordCount: texts.count)
    let isSigned = signer.sign(
      set, in: message.span.bytes, by: zone, nowSeconds: nowSeconds)
    guard isSigned else { throw Failed() }
    let recordByteCount = signer.byteCount / max(signer.recordCount, 1)
    let tags = (0..<signer.recordCount).map { index in
      let start = index * recordByteCount + 28
      return UInt16(signer.records[start]) << 8 | UInt16(signer.records[start + 1])
    }
    return Made(
      message: box.message.withLock { $0 }, records: Array(signer.records[..<signer.byteCount]),
      tags: tags,
      madeCount: signer.madeCount)
  }

  func deny(_ name: [UInt8], types: [Int]) -> [UInt8] {
    var signer = signer
    let message = [UInt8](repeating: 0, count: 12) + name + [UInt8](repeating: 0, count: 8)
    signer.deny(
      MessageName(offset: 12, byteCount: name.count), in: message.span.bytes, ttlSeconds: 60
    ) { last in
      types.map { RecordType(rawValue: UInt16($0)) }.first { last == nil || $0 > last! }
    }
    return Array(signer.records[..<signer.byteCount])
  }
}

private final class Box: Sendable {
  let message = Mutex<[UInt8]>([])
}
