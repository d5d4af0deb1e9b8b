import ServerNames
import TestSupport
import Testing

@Suite struct `What is no ClientHello` {
  @Test(arguments: [
    ("HTTP", Array("GET / HTTP/1.1\r\n".utf8)), ("SSH", Array("SSH-2.0-OpenSSH\r\n".utf8)),
    ("SSL 2", [0x80, 0x2E, 1, 3, 1, 0, 0x15, 0, 0, 0, 0x10]), ("an alert", [21, 3, 1, 0, 2, 1, 0]),
    ("PROXY", Array("PROXY TCP4".utf8)), ("another version", [22, 2]), ("nothing like it", [0]),
  ])
  func `is not TLS by its first octets`(what: String, stream: [UInt8]) {
    #expect(Seen.reading(stream) == .notTLS)
    #expect(Seen.reading(stream, cutAt: Array(0..<stream.count)) == .notTLS)
  }

  static let good = HelloParts.named("a.example").message

  @Test(arguments: [
    ("an empty record", [22, 3, 1, 0, 0], 3),
    ("an empty record behind another (RFC 8446 §5.1)", [22, 3, 1, 0, 1, 1, 22, 3, 1, 0, 0], 9),
    ("a record above 2¹⁴ octets", [22, 3, 1, 0x40, 1], 3),
    ("a server's hello", [22, 3, 3, 0, 4, 2], 5),
    ("an alert within the hello", [22, 3, 1, 0, 2, 1, 0, 21], 7),
    ("another version within it", [22, 3, 1, 0, 2, 1, 0, 22, 4], 8),
    ("no room for a version", HelloParts.records([1, 0, 0, 0]), 9),
    ("another version of the message", HelloParts.records(HelloParts(version: [2, 0]).message), 9),
    (
      "a session id above 32 octets",
      HelloParts.records(HelloParts(sessionID: .random(33)).message), 43
    ),
    ("no ciphers", HelloParts.records(HelloParts(ciphers: []).message), 76),
    ("half a cipher", HelloParts.records(HelloParts(ciphers: [1, 2, 3]).message), 76),
    ("no compression", HelloParts.records(HelloParts(compressions: []).message), 82),
    (
      "half a length of extensions",
      HelloParts.records([1] + HelloParts.vector(3, good[4..<79] + [0])), 85
    ),
    (
      "an octet behind the extensions",
      HelloParts.records([1] + HelloParts.vector(3, good[4...] + [0])), 104
    ),
    (
      "extensions beyond the end",
      HelloParts.records([1] + HelloParts.vector(3, good[4..<79] + [0, 1])), 84
    ),
  ])
  func `is malformed where a rule of TLS is broken`(
    what: String, stream: [UInt8], offset: Int
  ) {
    #expect(Seen.reading(stream) == .malformed(offset))
    #expect(Seen.reading(stream, cutAt: Array(0..<stream.count)) == .malformed(offset))
  }

  @Test(arguments: [
    ("half an extension", [0, 0, 0], 89),
    ("an extension beyond the end", [0, 5, 0, 1], 88),
    (
      "a list of names twice (RFC 8446 §4.2)",
      HelloParts.serverName([(0, [97])]) + HelloParts.serverName([]), 96
    ),
    (
      "an address, and another list of names",
      HelloParts.serverName([(0, [49])]) + HelloParts.serverName([]), 96
    ),
    ("a list of protocols twice", HelloParts.protocols(["a"]) + HelloParts.protocols(["b"]), 94),
    ("two encrypted hellos", HelloParts.field(0xFE0D, []) + HelloParts.field(0xFE0D, []), 90),
    ("an empty list of names", HelloParts.serverName([]), 90),
    ("a list of names without its length", HelloParts.field(0, [0]), 91),
    ("a list of names beyond its extension", HelloParts.field(0, [0, 5, 0, 0, 1, 97]), 90),
    ("an octet behind the list of names", HelloParts.field(0, [0, 4, 0, 0, 1, 97, 0]), 96),
    ("an empty name", HelloParts.serverName([(0, [])]), 93),
    ("two host names (RFC 6066 §3)", HelloParts.serverName([(0, [97]), (0, [98])]), 96),
    ("an empty list of protocols", HelloParts.protocols([]), 90),
    ("an empty protocol (RFC 7301 §3.1)", HelloParts.protocols(["a", ""]), 94),
    ("a protocol beyond the list", HelloParts.field(16, [0, 2, 2, 97]), 92),
  ])
  func `is malformed where an extension is`(what: String, extensions: [UInt8], offset: Int) {
    let stream = HelloParts.records(HelloParts(extensions: extensions).message)
    #expect(Seen.reading(stream) == .malformed(offset))
  }

  @Test func `is too long by what it says of itself, before it comes`() {
    let limit = ClientHelloReader.maximumMessageByteCount
    #expect(
      Seen.reading([22, 3, 1, 0x40, 0, 1] + HelloParts.vector(3, .random(limit - 3)).prefix(3))
        == .tooLong)
    #expect(Seen.reading([22, 3, 1, 0, 5, 1, 1, 0, 0, 3]) == .tooLong)
    let rest = HelloParts(extensions: HelloParts.field(21, [])).message.count
    let longest = HelloParts(extensions: HelloParts.field(21, .random(limit - rest))).message
    #expect(longest.count == limit)
    let stream = HelloParts.records(longest, of: 81)
    #expect(
      Seen.reading(stream)
        == .hello(name: nil, protocols: nil, isEncrypted: false, end: stream.count))
    #expect(stream.count <= ClientHelloReader.maximumByteCount)
  }

  @Test func `is too long in records that are too small`() {
    let message = HelloParts(extensions: HelloParts.field(21, .random(8_000))).message
    let stream = HelloParts.records(message, of: 1)
    let bound = ClientHelloReader.maximumByteCount
    #expect(Seen.reading(Array(stream[..<(bound - 1)])) == .needsMore)
    #expect(Seen.reading(Array(stream[..<bound])) == .tooLong)
  }

  /// Damage does no harm, and what a part decides, more octets do not change.
  @Test func `is the same verdict however it is cut`() {
    let seed = UInt64.random(in: 0...UInt64.max)
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<4_000 {
      var message = Array(
        (`A ClientHello`.real.randomElement(using: &generator)?.stream ?? [])[5...])
      if Bool.random(using: &generator) { message = Self.good }
      for _ in 0..<Int.random(in: 0...4, using: &generator) {
        let place = Int.random(in: 0..<message.count, using: &generator)
        message[place] = .random(in: 0...255, using: &generator)
      }
      let stream = HelloParts.records(message, of: .random(in: 1...300, using: &generator))
      let whole = Seen.reading(stream)
      let places = (0..<5).map { _ in Int.random(in: 0...stream.count, using: &generator) }
      let cut = Seen.reading(stream, cutAt: places.sorted())
      #expect(cut == whole, "seed \(seed)")
    }
  }
}
