import Places
import ProxyProtocol
import TestSupport
import Testing

typealias Ends = ProxyHeader.Ends

func ends(_ source: String, _ destination: String) throws -> Ends {
  Ends(
    source: try #require(SocketAddress(source)),
    destination: try #require(SocketAddress(destination)))
}

/// What a header is, field by field as it is asked for.
func written(
  _ ends: Ends?, _ fields: [(ProxyField, [UInt8])] = [], isChecked: Bool = false
) -> [UInt8] {
  var bytes = [UInt8](repeating: 0xAA, count: ProxyHeader.maximumByteCount)
  var span = bytes.mutableSpan
  var buffer = span.mutableBytes
  var header = ProxyHeaderWriter(ends, into: &buffer)
  for (field, value) in fields { header.add(field, value.span.bytes, into: &buffer) }
  if isChecked { header.end(into: &buffer) }
  return Array(bytes[..<header.byteCount])
}

func line(_ ends: Ends?) -> String {
  var bytes = [UInt8](repeating: 0xAA, count: ProxyHeader.maximumTextByteCount)
  var span = bytes.mutableSpan
  var buffer = span.mutableBytes
  let count = ProxyHeaderWriter.writeText(ends, into: &buffer)
  return String(decoding: bytes[..<count], as: UTF8.self)
}

/// Where the value of a field stands.
func value(of field: ProxyField, of header: ProxyHeader, in bytes: [UInt8]) -> Range<Int>? {
  header.value(of: field, in: bytes.span.bytes)
}

private func hexadecimal(_ bytes: [UInt8]) -> String {
  bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}

private let signature = "0d0a0d0a000d0a515549540a"

@Suite struct `The header that goes to an endpoint` {
  @Test(arguments: [
    ("192.0.2.1:40000", "198.51.100.7:443", "2111000cc0000201c63364079c4001bb"),
    (
      "[2001:db8::1]:40000", "[2001:db8::2]:443",
      "2121002420010db800000000000000000000000120010db80000000000000000000000029c4001bb"
    ),
    (
      "192.0.2.1:40000", "[2001:db8::2]:443",
      "2121002400000000000000000000ffffc000020120010db80000000000000000000000029c4001bb"
    ),
  ])
  func `is in version 2 as the specification draws it`(
    source: String, destination: String, wanted: String
  ) throws {
    #expect(hexadecimal(written(try ends(source, destination))) == signature + wanted)
  }

  @Test(arguments: [
    ("192.0.2.1:40000", "198.51.100.7:443", "TCP4 192.0.2.1 198.51.100.7 40000 443"),
    ("0.0.0.0:0", "255.255.255.255:65535", "TCP4 0.0.0.0 255.255.255.255 0 65535"),
    ("[2001:db8::1]:1", "[::]:10", "TCP6 2001:db8::1 :: 1 10"),
    ("[1:0:0:2:0:0:0:3]:1", "[1:2:3:4:5:6:7:0]:2", "TCP6 1:0:0:2::3 1:2:3:4:5:6:7:0 1 2"),
    ("[1:2::]:1", "[::1:2]:2", "TCP6 1:2:: ::1:2 1 2"),
    ("192.0.2.1:1", "[::1]:2", "TCP6 ::ffff:c000:201 ::1 1 2"),
  ])
  func `is in version 1 one line`(source: String, destination: String, wanted: String) throws {
    #expect(line(try ends(source, destination)) == "PROXY \(wanted)\r\n")
  }

  @Test func `says of a health check that it is our own`() throws {
    #expect(hexadecimal(written(nil, isChecked: true)) == signature + "20000000")
    #expect(hexadecimal(written(nil, [(.region, [65])])) == signature + "20000000")
    #expect(line(nil) == "PROXY UNKNOWN\r\n")
  }

  @Test func `has the longest line of version 1 within its bound`() throws {
    let longest = String(repeating: "ffff:", count: 7) + "ffff"
    let text = line(try ends("[\(longest)]:65535", "[\(longest)]:65535"))
    #expect(text.utf8.count == 104)
  }

  @Test func `tells of the client's TLS session`() throws {
    var bytes = [UInt8](repeating: 0, count: ProxyHeader.maximumByteCount)
    var span = bytes.mutableSpan
    var buffer = span.mutableBytes
    var header = ProxyHeaderWriter(
      try ends("192.0.2.1:1", "192.0.2.2:2"), into: &buffer)
    let name = Array("me".utf8)
    header.add(
      ProxySession(version: .tls13, hasCertificate: true, isVerified: true),
      commonName: name.span.bytes, into: &buffer)
    let nobody: [UInt8] = []
    header.add(ProxySession(version: .tls12), commonName: nobody.span.bytes, into: &buffer)
    let fields = hexadecimal(Array(bytes[28..<header.byteCount]))
    let (tls13, tls12) = ("544c5376312e33", "544c5376312e32")
    #expect(
      fields == "200014" + "0700000000" + "210007" + tls13 + "220002" + "6d65"
        + "20000f" + "0100000001" + "210007" + tls12)
    #expect(try ProxyHeader.decode(stream: bytes.span.bytes)?.byteCount == header.byteCount)
  }

  @Test func `has decimal numbers in fields`() throws {
    for number in [0, 9, 10, 4_711, UInt64.max] {
      var bytes = [UInt8](repeating: 0, count: ProxyHeader.maximumByteCount)
      var span = bytes.mutableSpan
      var buffer = span.mutableBytes
      var writer = ProxyHeaderWriter(try ends("192.0.2.1:1", "192.0.2.2:2"), into: &buffer)
      #expect(writer.add(.epoch, decimal: number, into: &buffer))
      let header = try #require(try ProxyHeader.decode(stream: bytes.span.bytes))
      let place = try #require(value(of: .epoch, of: header, in: bytes))
      #expect(String(decoding: bytes[place], as: UTF8.self) == "\(number)")
    }
  }

  @Test func `leaves out a field that does not fit, and stays whole`() throws {
    let client = try ends("192.0.2.1:1", "192.0.2.2:2")
    // 28 octets of addresses, 7 of the checksum, 3 in front of the value.
    let fitting = [UInt8](repeating: 7, count: 536 - 28 - 7 - 3)
    let full = written(client, [(.padding, fitting), (.region, [])], isChecked: true)
    #expect(full.count == 536)
    #expect(try ProxyHeader.decode(stream: full.span.bytes)?.byteCount == 536)
    let less = written(client, [(.padding, fitting + [7]), (.region, [1])], isChecked: true)
    let header = try #require(try ProxyHeader.decode(stream: less.span.bytes))
    #expect(header.byteCount == 28 + 4 + 7)
    #expect(value(of: .padding, of: header, in: less) == nil)
    #expect(value(of: .region, of: header, in: less) == 31..<32)
  }

  @Test func `is read as it was written`() throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    var generator = SeededGenerator(seed: seed)
    let kinds: [ProxyField] = [
      .alpn, .authority, .padding, .uniqueID, .region, .country, .decision, .epoch,
    ]
    for _ in 0..<5_000 {
      let isIPv6 = Bool.random(using: &generator)
      let client = Ends(
        source: .random(isIPv6: isIPv6, using: &generator),
        destination: .random(isIPv6: isIPv6, using: &generator))
      let fields = kinds.shuffled(using: &generator).prefix(.random(in: 0...8, using: &generator))
        .map { kind in
          (
            kind,
            (0..<Int.random(in: 0...40, using: &generator)).map { _ in
              UInt8.random(in: 0...255, using: &generator)
            }
          )
        }
      let isChecked = Bool.random(using: &generator)
      let bytes = written(client, Array(fields), isChecked: isChecked) + [1, 2, 3]
      let header = try #require(try ProxyHeader.decode(stream: bytes.span.bytes))
      #expect(header.byteCount == bytes.count - 3, "seed \(seed)")
      #expect(header.ends == client, "seed \(seed)")
      for (kind, octets) in fields {
        let place = try #require(value(of: kind, of: header, in: bytes), "seed \(seed)")
        #expect(Array(bytes[place]) == octets, "seed \(seed)")
      }
      #expect((value(of: .checksum, of: header, in: bytes) != nil) == isChecked)
      let text = Array(line(client).utf8)
      let fromText = try #require(try ProxyHeader.decode(stream: text.span.bytes))
      #expect(fromText.ends == client, "seed \(seed)")
      #expect(fromText.byteCount == text.count, "seed \(seed)")
    }
  }

  @Test func `shows any octet that was changed under its checksum`() throws {
    let good = written(
      try ends("192.0.2.1:40000", "198.51.100.7:443"), [(.region, Array("tokyo".utf8))],
      isChecked: true)
    for index in 16..<good.count {
      for bit in 0..<8 {
        var bad = good
        bad[index] ^= 1 << bit
        let header = try? ProxyHeader.decode(stream: bad.span.bytes)
        // What was the checksum's type is a field of another kind then.
        let isChecked = header.flatMap { value(of: .checksum, of: $0, in: bad) } != nil
        #expect(!isChecked, "octet \(index), bit \(bit)")
      }
    }
  }
}

extension SocketAddress {
  /// Zeros are frequent, so that there are runs of them.
  fileprivate static func random(
    isIPv6: Bool, using generator: inout SeededGenerator
  ) -> SocketAddress {
    var bits: UInt128 = 0
    for _ in 0..<8 {
      let group = UInt16.random(in: 0...UInt16.max, using: &generator)
      bits = bits << 16 | (Bool.random(using: &generator) ? 0 : UInt128(group))
    }
    return SocketAddress(
      address: isIPv6 ? .ipv6(bits) : .ipv4(UInt32(truncatingIfNeeded: bits)),
      port: .random(in: 0...UInt16.max, using: &generator))
  }
}
