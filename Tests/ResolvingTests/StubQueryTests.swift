import DNSWire
import Editions
import Places
import Resolving
import Testing
import Transferring

/// An answer to a query of ours, from `owner ttl type data` lines, `SOA` going to authority.
func reply(
  to query: [UInt8], _ lines: [String], flags: UInt16 = 0x8180, id: UInt16? = nil,
  question: WireMessage.Question? = nil
) throws -> [UInt8] {
  let message = try WireMessage(query)
  var builder = MessageBuilder(
    id: id ?? message.id, flags: flags, question: question ?? message.questions[0])
  for line in lines {
    let parts = line.split(separator: " ", maxSplits: 3).map(String.init)
    guard let type = RecordType(parts[2]) else { continue }
    builder.append(
      try DomainName(parts[0]), type, ttlSeconds: UInt32(parts[1]) ?? 0,
      data: try RecordData.encode(type, text: parts[3], origin: .root),
      to: type == .soa ? .authority : .answer)
  }
  return builder.bytes
}

private let authority = "example.net 900 SOA ns. mail. 1 2 3 4 60"

@Suite struct `What a resolver's answer says` {
  let query = StubQuery(id: 0x1234, question: question)

  @Test func `a query wants recursion, for one name, with OPT (RFC 6891 §6.1.1)`() throws {
    let message = try WireMessage(query.bytes)
    #expect(message.flags == 0x0100)
    #expect(
      message.questions == [.init(name: try DomainName("a.example.net."), type: .a)])
    #expect(message[.additional].map(\.type) == [.opt])
    #expect(message[.additional].map(\.recordClass.rawValue) == [1_232])
  }

  struct Answer: Sendable {
    var lines: [String]
    var addresses: [String]
    var ttl: UInt32

    init(_ lines: [String], _ addresses: [String], ttl: UInt32) {
      self.lines = lines
      self.addresses = addresses
      self.ttl = ttl
    }
  }

  @Test(arguments: [
    Answer(
      ["a.example.net 300 A 192.0.2.2", "A.example.net 200 A 192.0.2.1"],
      ["192.0.2.1", "192.0.2.2"], ttl: 200),
    Answer(
      ["a.example.net 30 CNAME b.example.org.", "b.example.org 300 A 192.0.2.1"], ["192.0.2.1"],
      ttl: 30),
    Answer(
      ["b.example.org 300 A 192.0.2.1", "a.example.net 900 CNAME b.example.org."], ["192.0.2.1"],
      ttl: 300),
    Answer([authority], [], ttl: 60),
    Answer(["a.example.net 30 CNAME b.net.", authority], [], ttl: 30),
    Answer(["a.example.net 4294967295 A 192.0.2.1"], ["192.0.2.1"], ttl: 0),
  ])
  func `addresses, through aliases, the shortest TTL, and that there are none (RFC 2308 §2.2)`(
    answer: Answer
  ) throws {
    let expected = answer.addresses.compactMap { IPAddress($0) }
    #expect(
      query.reading(of: try reply(to: query.bytes, answer.lines))
        == .addresses(expected, ttlSeconds: answer.ttl))
  }

  @Test func `IPv6 addresses`() throws {
    var query = query
    query.question.isIPv6 = true
    let bytes = try reply(to: query.bytes, ["a.example.net 300 AAAA 2001:db8::1"])
    #expect(
      query.reading(of: bytes)
        == .addresses([.ipv6(0x2001_0DB8 << 96 + 1)], ttlSeconds: 300))
  }

  @Test(
    arguments: [
      (0x8180, ["b.example.net 300 A 192.0.2.1"], "the resolver did not answer the question"),
      (0x8180, ["a.example.net 300 CNAME b.net."], "the resolver did not answer the question"),
      (0x8180, ["a.example.net 300 CNAME a.example.net."], "the chain of aliases is longer than 8"),
      (0x8182, [], "the resolver failed (SERVFAIL)"),
      (0x8183, [authority], "the name does not exist (NXDOMAIN)"),
      (0x8185, [], "the resolver refused"), (0x8184, [], "the resolver answered with code 4"),
    ] as [(UInt16, [String], String)])
  func `or that it failed`(flags: UInt16, lines: [String], says: String) throws {
    let bytes = try reply(to: query.bytes, lines, flags: flags)
    #expect(query.reading(of: bytes) == .failure(says))
  }

  @Test func `or that it is too long (RFC 1035 §4.1.1)`() throws {
    #expect(
      query.reading(of: try reply(to: query.bytes, [], flags: 0x8380)) == .truncated)
  }

  @Test func `of other questions, ids or kinds it says nothing (RFC 5452 §9.1)`() throws {
    let good = try reply(to: query.bytes, ["a.example.net 300 A 192.0.2.1"])
    #expect(query.reading(of: good) != nil)
    let forged = [
      try reply(to: query.bytes, ["a.example.net 300 A 192.0.2.1"], id: 0x1235),
      try reply(to: query.bytes, ["a.example.net 300 A 192.0.2.1"], flags: 0x0100),
      try reply(to: query.bytes, ["a.example.net 300 A 192.0.2.1"], flags: 0x9180),
      try reply(
        to: query.bytes, ["a.example.net 300 A 192.0.2.1"],
        question: .init(name: try DomainName("b.example.net."), type: .a)),
      try reply(
        to: query.bytes, ["a.example.net 300 A 192.0.2.1"],
        question: .init(name: try DomainName("a.example.net."), type: .aaaa)),
      good + [0], Array(good.dropLast()), [],
    ]
    for bytes in forged { #expect(query.reading(of: bytes) == nil) }
  }
}

@Suite struct `The system's resolvers` {
  @Test(
    arguments: [
      ("nameserver 192.0.2.1\nnameserver\t2001:db8::1\n", ["192.0.2.1:53", "[2001:db8::1]:53"]),
      ("# nameserver 192.0.2.9\nsearch x\n nameserver 192.0.2.1 # ours", ["192.0.2.1:53"]),
      ("nameserver fe80::1%eth0\nnameserver 192.0.2.1", ["192.0.2.1:53"]),
      (
        "nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\nnameserver 192.0.2.4",
        ["192.0.2.1:53", "192.0.2.2:53", "192.0.2.3:53"]
      ),
      ("", ["127.0.0.1:53"]),
    ] as [(String, [String])])
  func `are those of resolv.conf`(text: String, expected: [String]) {
    #expect(systemResolvers(text).map(\.description) == expected)
  }
}
