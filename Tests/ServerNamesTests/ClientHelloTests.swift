import ServerNames
import TestSupport
import Testing

@Suite struct `A ClientHello` {
  struct Real: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let stream: [UInt8]
    let name: String?
    var protocols: [String]?
    var seen: Seen {
      .hello(name: name, protocols: protocols, isEncrypted: false, end: stream.count)
    }
  }

  static let real = [
    Real(
      testDescription: "TLS 1.3", stream: Hellos.tls13, name: "www.example.com",
      protocols: ["h2", "http/1.1"]),
    Real(testDescription: "TLS 1.3 without a name", stream: Hellos.tls13Nameless, name: nil),
    Real(testDescription: "TLS 1.2", stream: Hellos.tls12, name: "www.example.com"),
    Real(testDescription: "TLS 1.2 without a name", stream: Hellos.tls12Nameless, name: nil),
    Real(
      testDescription: "as large as with a post-quantum key",
      stream: HelloParts.records(
        HelloParts(
          extensions: HelloParts.field(0x0A0A, [])
            + HelloParts.field(51, HelloParts.vector(2, HelloParts.field(0x11EC, .random(1_216))))
            + HelloParts.field(21, .random(600))
            + HelloParts.serverName([(0, Array("a.example".utf8))])
        ).message), name: "a.example"),
  ]

  @Test(arguments: real)
  func `is read with what follows it`(real: Real) {
    #expect(Seen.reading(real.stream) == real.seen)
    // RFC 8446 §D.4: a client may send ChangeCipherSpec behind its hello, and early data.
    #expect(Seen.reading(real.stream + [20, 3, 3, 0, 1, 1, 23, 3, 3]) == real.seen)
    // Whatever it is: it is not ours to judge.
    #expect(Seen.reading(real.stream + Array("GET /".utf8)) == real.seen)
  }

  @Test(arguments: real)
  func `is read however its segments are cut`(real: Real) {
    for place in 0..<real.stream.count {
      #expect(Seen.reading(Array(real.stream[..<place])) == .needsMore, "\(place) octets")
      #expect(Seen.reading(real.stream, cutAt: [place]) == real.seen, "cut at \(place)")
    }
    #expect(Seen.reading(real.stream, cutAt: Array(0..<real.stream.count)) == real.seen)
  }

  @Test(arguments: real)
  func `is read however its records are cut`(real: Real) {
    let message = Array(real.stream[5...])
    for byteCount in [1, 2, 3, 4, 5, 7, 16, 100, message.count - 1] {
      let stream = HelloParts.records(message, of: byteCount)
      let wanted = Seen.hello(
        name: real.name, protocols: real.protocols, isEncrypted: false, end: stream.count)
      #expect(Seen.reading(stream) == wanted, "records of \(byteCount)")
      #expect(Seen.reading(stream, cutAt: Array(0..<stream.count)) == wanted)
    }
    for place in 1..<message.count {
      let stream =
        HelloParts.records(Array(message[..<place])) + HelloParts.records(Array(message[place...]))
      #expect(
        Seen.reading(stream)
          == .hello(
            name: real.name, protocols: real.protocols, isEncrypted: false, end: stream.count),
        "cut at \(place)")
    }
  }

  @Test(arguments: [
    ("no extensions", HelloParts(), nil, nil, false),
    ("an empty list of extensions", HelloParts(extensions: []), nil, nil, false),
    ("no session id", HelloParts(sessionID: [], extensions: []), nil, nil, false),
    ("SSL 3", HelloParts(version: [3, 0]), nil, nil, false),
    (
      "GREASE of RFC 8701 §2",
      HelloParts(
        ciphers: [0xFA, 0xFA, 0x13, 1],
        extensions: HelloParts.field(0xDADA, []) + HelloParts.serverName([(0, [97])])
          + HelloParts.protocols(["\u{1A}", "h2"])
          + HelloParts.field(0x1A1A, [0])), "a", ["\u{1A}", "h2"], false
    ),
    (
      "the public name of an encrypted hello",
      HelloParts(
        extensions: HelloParts.field(0xFE0D, [0, 0, 1, 0, 1, 7, 0, 0, 0, 0])
          + HelloParts.serverName([(0, Array("Public.Example".utf8))])), "public.example", nil, true
    ),
    (
      "a name of a type that is not known, beside a host name",
      HelloParts(extensions: HelloParts.serverName([(9, [1, 2]), (0, [97, 46, 98])])), "a.b", nil,
      false
    ),
    (
      "a name of a type that is not known alone",
      HelloParts(extensions: HelloParts.serverName([(9, [1, 2])])), nil, nil, false
    ),
    (
      "more protocols than there is room for",
      HelloParts(
        extensions: HelloParts.protocols(["h2", String(repeating: "x", count: 255), "http/1.1"])),
      nil,
      ["h2", "http/1.1"], false
    ),
  ])
  func `may have`(
    what: String, parts: HelloParts, name: String?, protocols: [String]?, isEncrypted: Bool
  ) {
    let stream = HelloParts.records(parts.message)
    #expect(
      Seen.reading(stream)
        == .hello(name: name, protocols: protocols, isEncrypted: isEncrypted, end: stream.count))
  }

  static let longest = [63, 63, 63, 61].map { String(repeating: "b", count: $0) }
    .joined(separator: ".")

  @Test(arguments: [
    ("WWW.EXAMPLE.COM", "www.example.com"), ("www.example.com.", "www.example.com"),
    ("a_b.c-d.e", "a_b.c-d.e"), ("localhost", "localhost"), ("9.example", "9.example"),
    ("xn--bcher-kva.example", "xn--bcher-kva.example"), (longest, longest),
    (longest + ".", longest), ("192.0.2.1", nil), ("192.0.2.1.", nil), ("2001:db8::1", nil),
    ("[2001:db8::1]", nil), ("fe80::1%eth0", nil), ("example.com:443", nil), ("1", nil),
  ])
  func `has a host name as in RFC 6066 §3, or an address in its place`(
    sent: String, wanted: String?
  ) {
    let stream = HelloParts.records(HelloParts.named(sent).message)
    #expect(
      Seen.reading(stream)
        == .hello(name: wanted, protocols: nil, isEncrypted: false, end: stream.count))
  }

  /// The name begins behind 5 + 4 + 2 + 32 + 33 + 6 + 2 + 2 octets of the rest, and 4 + 2 + 1 + 2
  /// of its extension.
  private static let nameOffset = 95

  @Test(arguments: [
    ".", "..", ".a", "a..b", "a b", "a/b", "a\n", "a\0b", "bücher.example", "*.example",
    "a" + longest, String(repeating: "a", count: 64), String(repeating: "a.", count: 200),
  ])
  func `is refused with a name that no host has`(name: String) {
    #expect(
      Seen.reading(HelloParts.records(HelloParts.named(name).message))
        == .malformed(Self.nameOffset))
  }
}

extension [UInt8] {
  /// The same whenever tests run.
  static func random(_ count: Int) -> [UInt8] {
    var generator = SeededGenerator(seed: UInt64(count))
    return (0..<count).map { _ in .random(in: 0...255, using: &generator) }
  }
}
