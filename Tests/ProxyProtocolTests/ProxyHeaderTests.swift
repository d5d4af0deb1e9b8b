import Places
import ProxyProtocol
import TestSupport
import Testing

private let signature: [UInt8] = [13, 10, 13, 10, 0, 13, 10] + Array("QUIT\n".utf8)

/// A header of version 2.
private func header(_ command: UInt8, _ family: UInt8, _ block: [UInt8]) -> [UInt8] {
  signature + [command, family, UInt8(block.count >> 8), UInt8(block.count & 255)] + block
}

private let ipv4: [UInt8] = [192, 0, 2, 1, 198, 51, 100, 7, 0x9C, 0x40, 0, 53]
private let ipv6: [UInt8] =
  [0x20, 1, 0xD, 0xB8] + Array(repeating: 0, count: 11) + [1]
  + [0x20, 1, 0xD, 0xB8] + Array(repeating: 0, count: 11) + [2] + [0x9C, 0x40, 0, 53]

private func field(_ type: UInt8, _ value: [UInt8]) -> [UInt8] {
  [type, UInt8(value.count >> 8), UInt8(value.count & 255)] + value
}

/// CRC-32C, bit by bit.
private func checksum(_ bytes: [UInt8]) -> [UInt8] {
  var sum: UInt32 = .max
  for byte in bytes {
    sum ^= UInt32(byte)
    for _ in 0..<8 { sum = sum & 1 == 0 ? sum >> 1 : sum >> 1 ^ 0x82F6_3B78 }
  }
  sum = ~sum
  return (0..<4).map { UInt8(truncatingIfNeeded: sum >> UInt32(24 - 8 * $0)) }
}

private func checked(_ block: [UInt8]) -> [UInt8] {
  let zeros = header(0x21, 0x11, block + field(3, [0, 0, 0, 0]))
  return zeros.dropLast(4) + checksum(zeros)
}

@Suite struct `The header of a proxy` {
  struct Good: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let bytes: [UInt8]
    let source: String?
    var destination: String?
  }

  static let binary = [
    Good(
      testDescription: "IPv4 over TCP", bytes: header(0x21, 0x11, ipv4),
      source: "192.0.2.1:40000", destination: "198.51.100.7:53"),
    Good(
      testDescription: "IPv4 over UDP", bytes: header(0x21, 0x12, ipv4),
      source: "192.0.2.1:40000", destination: "198.51.100.7:53"),
    Good(
      testDescription: "IPv6 over TCP", bytes: header(0x21, 0x21, ipv6),
      source: "[2001:db8::1]:40000", destination: "[2001:db8::2]:53"),
    Good(
      testDescription: "IPv6 over UDP", bytes: header(0x21, 0x22, ipv6),
      source: "[2001:db8::1]:40000", destination: "[2001:db8::2]:53"),
    Good(
      testDescription: "fields are skipped",
      bytes: header(0x21, 0x11, ipv4 + field(1, [1, 2]) + field(4, []) + field(0xEE, [9])),
      source: "192.0.2.1:40000", destination: "198.51.100.7:53"),
    Good(
      testDescription: "a right checksum", bytes: checked(ipv4 + field(2, [65])),
      source: "192.0.2.1:40000", destination: "198.51.100.7:53"),
    Good(testDescription: "LOCAL", bytes: header(0x20, 0, []), source: nil),
    Good(
      testDescription: "LOCAL with addresses, skipped", bytes: header(0x20, 0x11, ipv4),
      source: nil),
    Good(
      testDescription: "LOCAL with whatever", bytes: header(0x20, 0x11, [1, 2, 3]), source: nil),
    Good(testDescription: "AF_UNSPEC", bytes: header(0x21, 0, [7, 7]), source: nil),
    Good(
      testDescription: "AF_UNIX",
      bytes: header(0x21, 0x31, Array(repeating: 0, count: 216)), source: nil),
    Good(
      testDescription: "the longest",
      bytes: header(0x21, 0x11, ipv4 + field(4, Array(repeating: 0, count: 505))),
      source: "192.0.2.1:40000", destination: "198.51.100.7:53"),
  ]

  static let text = [
    Good(
      testDescription: "TCP4",
      bytes: Array("PROXY TCP4 192.0.2.1 198.51.100.7 40000 53\r\n".utf8),
      source: "192.0.2.1:40000", destination: "198.51.100.7:53"),
    Good(
      testDescription: "TCP6",
      bytes: Array("PROXY TCP6 2001:db8::1 2001:db8::2 40000 53\r\n".utf8),
      source: "[2001:db8::1]:40000", destination: "[2001:db8::2]:53"),
    Good(testDescription: "UNKNOWN", bytes: Array("PROXY UNKNOWN\r\n".utf8), source: nil),
    Good(
      testDescription: "UNKNOWN with a rest",
      bytes: Array("PROXY UNKNOWN ffff::1 a b\r\n".utf8), source: nil),
  ]

  @Test(arguments: binary + text)
  func `is read, and what follows it stays`(good: Good) throws {
    let bytes = good.bytes + [0, 29, 1, 2, 3]
    let header = try #require(try ProxyHeader.decode(stream: bytes.span.bytes))
    #expect(header.byteCount == good.bytes.count)
    #expect(header.ends?.source.description == good.source)
    #expect(header.ends?.destination.description == good.destination)
  }

  @Test(arguments: binary + text)
  func `asks for more at every place where it may be cut`(good: Good) throws {
    for count in good.bytes.indices {
      let part = Array(good.bytes[..<count])
      #expect(try ProxyHeader.decode(stream: part.span.bytes) == nil, "\(count) octets")
    }
  }

  @Test(arguments: binary)
  func `is read from a datagram, whole or not at all`(good: Good) throws {
    let header = try ProxyHeader.decode(datagram: good.bytes.span.bytes)
    #expect(header.ends?.source.description == good.source)
    for count in good.bytes.indices {
      let part = Array(good.bytes[..<count])
      #expect(throws: ProxyHeaderFault.incomplete) {
        try ProxyHeader.decode(datagram: part.span.bytes)
      }
    }
  }

  struct Bad: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let bytes: [UInt8]
    let fault: ProxyHeaderFault
  }

  static let bad = [
    Bad(testDescription: "a query", bytes: [0, 29, 0, 1, 1, 0], fault: .signature),
    Bad(
      testDescription: "a signature with one octet changed",
      bytes: signature.dropLast() + [0x0B], fault: .signature),
    Bad(testDescription: "version 1 in binary", bytes: header(0x11, 0x11, ipv4), fault: .version),
    Bad(testDescription: "version 3", bytes: header(0x31, 0x11, ipv4), fault: .version),
    Bad(testDescription: "an unknown command", bytes: header(0x22, 0x11, ipv4), fault: .command),
    Bad(testDescription: "an unknown family", bytes: header(0x21, 0x41, ipv4), fault: .family),
    Bad(testDescription: "an unknown protocol", bytes: header(0x21, 0x13, ipv4), fault: .family),
    Bad(
      testDescription: "addresses too short", bytes: header(0x21, 0x21, ipv4), fault: .addresses),
    Bad(
      testDescription: "longer than is read", bytes: signature + [0x21, 0x11, 0xFF, 0xFF],
      fault: .tooLong),
    Bad(
      testDescription: "one octet longer than is read", bytes: signature + [0x21, 0x11, 2, 9],
      fault: .tooLong),
    Bad(
      testDescription: "a field beyond the end",
      bytes: header(0x21, 0x11, ipv4 + [1, 0, 2, 5]), fault: .field),
    Bad(
      testDescription: "a field without its length",
      bytes: header(0x21, 0x11, ipv4 + [1, 0]), fault: .field),
    Bad(
      testDescription: "a checksum of three octets",
      bytes: header(0x21, 0x11, ipv4 + field(3, [1, 2, 3])), fault: .field),
    Bad(
      testDescription: "a wrong checksum",
      bytes: header(0x21, 0x11, ipv4 + field(3, [1, 2, 3, 4])), fault: .checksum),
    Bad(testDescription: "a word like PROXY", bytes: Array("PROXI TCP4".utf8), fault: .signature),
    Bad(
      testDescription: "a line without an end",
      bytes: Array("PROXY UNKNOWN ".utf8) + Array(repeating: 65, count: 93), fault: .tooLong),
    Bad(
      testDescription: "a line that ends too late",
      bytes: Array("PROXY UNKNOWN ".utf8) + Array(repeating: 65, count: 92) + [13, 10],
      fault: .tooLong),
    Bad(testDescription: "UDP4", bytes: Array("PROXY UDP4 1 2 3 4\r\n".utf8), fault: .family),
    Bad(
      testDescription: "no address",
      bytes: Array("PROXY TCP4 192.0.2.256 192.0.2.1 1 2\r\n".utf8), fault: .addresses),
    Bad(
      testDescription: "an address of the other family",
      bytes: Array("PROXY TCP4 ::1 ::2 1 2\r\n".utf8), fault: .addresses),
    Bad(
      testDescription: "a port too large",
      bytes: Array("PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n".utf8), fault: .addresses),
    Bad(
      testDescription: "a port with a sign",
      bytes: Array("PROXY TCP4 192.0.2.1 192.0.2.2 +1 53\r\n".utf8), fault: .addresses),
    Bad(
      testDescription: "two blanks",
      bytes: Array("PROXY TCP4  192.0.2.1 192.0.2.2 1 53\r\n".utf8), fault: .addresses),
  ]

  @Test(arguments: bad)
  func `is refused with its reason`(bad: Bad) {
    #expect(throws: bad.fault) { try ProxyHeader.decode(stream: bad.bytes.span.bytes) }
  }

  @Test func `version 1 is for streams only`() {
    let line = Array("PROXY TCP4 192.0.2.1 198.51.100.7 40000 53\r\n".utf8)
    #expect(throws: ProxyHeaderFault.signature) {
      try ProxyHeader.decode(datagram: line.span.bytes)
    }
  }

  /// With as many octets as the longest header has, there is always a verdict.
  @Test func `never waits for more than its bound and never reads beyond what is there`() {
    let seed = UInt64.random(in: 0...UInt64.max)
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<20_000 {
      var bytes = (Self.binary + Self.text).randomElement(using: &generator)?.bytes ?? []
      for _ in 0..<Int.random(in: 0...3, using: &generator) {
        let place = Int.random(in: 0..<bytes.count, using: &generator)
        bytes[place] = .random(in: 0...255, using: &generator)
      }
      let part = Array(bytes.prefix(.random(in: 0...bytes.count, using: &generator)))
      if let header = try? ProxyHeader.decode(stream: part.span.bytes) {
        #expect(header.byteCount <= part.count, "seed \(seed)")
      }
      let long = bytes + Array(repeating: 0, count: ProxyHeader.maximumByteCount)
      let verdict = Result { () throws(ProxyHeaderFault) in
        try ProxyHeader.decode(stream: long.span.bytes)
      }
      if case .success(nil) = verdict { Issue.record("seed \(seed): waits for more: \(bytes)") }
    }
  }
}

@Suite struct `Trusted proxies` {
  @Test(arguments: [
    ("192.0.2.255", true), ("192.0.3.0", false), ("10.1.2.3", true), ("10.1.2.4", false),
    ("2001:db8:0:1::5", true), ("2001:db8:0:2::", false), ("::ffff:10.1.2.3", false),
  ])
  func `are those in the prefixes`(address: String, isTrusted: Bool) throws {
    let prefixes = ["192.0.2.0/24", "10.1.2.3", "2001:db8:0:1::/64"].compactMap {
      AddressPrefix($0)
    }
    #expect(
      TrustedProxies(prefixes).contains(try #require(IPAddress(address))) == isTrusted)
  }

  @Test func `may be all, or none`() throws {
    let all = TrustedProxies([try #require(AddressPrefix("0.0.0.0/0"))])
    #expect(all.contains(.ipv4(.max)))
    #expect(!all.contains(.ipv6(.max)))
    #expect(TrustedProxies().isEmpty)
    #expect(!TrustedProxies().contains(.ipv4(0)))
  }
}
