import DNSWire
import TestSupport
import Testing
import ZoneFiles
import Zones

/// What a reading comes to.
struct Reading {
  /// `owner ttl type hexadecimal-data`, in canonical order.
  var records: [String] = []
  /// `file:line: message`.
  var faults: [String] = []
}

/// Reads `text` as the file `zone` of the zone z., with other files beside it.
func reading(_ text: String, files: [String: String] = [:]) throws -> Reading {
  let name = try DomainName("z.")
  var reader = ZoneFileReader(ZoneBlockBuilder(name: name, rules: .file)) {
    (path, _) throws(InclusionRefusal) in
    guard let text = files[path] else { throw InclusionRefusal("there is no \(path)") }
    return ZoneFileText(name: path, bytes: Array(text.utf8))
  }
  reader.read(ZoneFileText(name: "zone", bytes: Array(text.utf8)))
  var result = Reading()
  let places = reader.places
  result.faults = reader.faults.map { "\($0.file):\($0.line): \($0.message)" }
  do throws(ZoneBlockFaults) {
    let block = try reader.finish().build()
    result.records = block.walk().map { entry in
      let owner = DomainName(wire: entry.owner)?.description ?? "?"
      guard case .record(let type, let ttl, let data) = entry.content else { return "?" }
      return "\(owner) \(ttl) \(type) " + data.map { hexadecimal($0) }.joined()
    }
  } catch {
    result.faults += error.faults.map { fault in
      let place = fault.mark.map { places.place(of: $0) }
      return "\(place?.file ?? "zone"):\(place?.line ?? 0): \(fault.message)"
    }
  }
  return result
}

private func hexadecimal(_ byte: UInt8) -> String {
  (byte < 16 ? "0" : "") + String(byte, radix: 16)
}

/// The SOA and NS that a zone must have, on three lines.
let head = "$TTL 300\n@ SOA ns mail 1 2 3 4 5\n@ NS ns\n"

@Suite struct `Master files` {
  static let headRecords = 2

  @Test(
    arguments: [
      ("RFC 1035 §5.1: owner, TTL, class, type", "a 60 IN A 192.0.2.1", ["a.z. 60 A c0000201"]),
      ("class before TTL", "a IN 60 A 192.0.2.1", ["a.z. 60 A c0000201"]),
      ("neither", "a A 192.0.2.1", ["a.z. 300 A c0000201"]),
      ("in any case", "A in a 192.0.2.1", ["a.z. 300 A c0000201"]),
      ("RFC 3597 §5: class by number", "a CLASS1 A 192.0.2.1", ["a.z. 300 A c0000201"]),
      ("absolute owner", "a.z. A 192.0.2.1", ["a.z. 300 A c0000201"]),
      (
        "blank owner is the last one", "a A 192.0.2.1\n  A 192.0.2.2",
        ["a.z. 300 A c0000201", "a.z. 300 A c0000202"]
      ),
      ("@ in data", "a CNAME @", ["a.z. 300 CNAME 017a00"]),
      ("comments", "; one\na A 192.0.2.1 ; two\n;three", ["a.z. 300 A c0000201"]),
      ("parentheses", "a MX ( 10\n ; comment\n  b )", ["a.z. 300 MX 000a0162017a00"]),
      (
        "CR LF", "a A 192.0.2.1\r\n\r\nb A 192.0.2.2\r\n",
        ["a.z. 300 A c0000201", "b.z. 300 A c0000202"]
      ),
      ("no final newline", "a A 192.0.2.1", ["a.z. 300 A c0000201"]),
      ("\\DDD", "a\\046b A 192.0.2.1", ["a\\.b.z. 300 A c0000201"]),
      ("\\X", "a\\;b TXT x", ["a\\;b.z. 300 TXT 0178"]),
      ("quoted strings", "a TXT \"b; (c)\" d", ["a.z. 300 TXT 06623b2028632901" + "64"]),
      ("strings side by side", "a TXT \"b\"\"c\"", ["a.z. 300 TXT 01620163"]),
      ("escapes in strings", "a TXT \"\\\"\\065\"", ["a.z. 300 TXT 022241"]),
      ("an empty string", "a TXT \"\"", ["a.z. 300 TXT 00"]),
      ("units of TTLs", "a 1h30m A 192.0.2.1", ["a.z. 5400 A c0000201"]),
      ("RFC 3597 §5: unknown types", "a TYPE65280 \\# 2 ab cd", ["a.z. 300 TYPE65280 abcd"]),
      ("RFC 3597 §5: known ones", "a A \\# 4 c0000201", ["a.z. 300 A c0000201"]),
      ("IPv6", "a AAAA 2001:db8::1", ["a.z. 300 AAAA 20010db8000000000000000000000001"]),
      ("$ORIGIN", "$ORIGIN b\na A 192.0.2.1", ["a.b.z. 300 A c0000201"]),
      ("$ORIGIN, absolute", "$ORIGIN c.z.\n@ A 192.0.2.1", ["c.z. 300 A c0000201"]),
      ("$TTL again", "$TTL 2m\na A 192.0.2.1", ["a.z. 120 A c0000201"]),
      (
        "a stated TTL is not the next record's", "a 60 A 192.0.2.1\nb A 192.0.2.2",
        ["a.z. 60 A c0000201", "b.z. 300 A c0000202"]
      ),
      (
        "parameters with quotes", "a HTTPS 1 . alpn=\"h2,h3\"",
        ["a.z. 300 HTTPS 000100000100060268320268" + "33"]
      ),
      (
        "$GENERATE", "$GENERATE 1-2 h$ A 192.0.2.$",
        ["h1.z. 300 A c0000201", "h2.z. 300 A c0000202"]
      ),
      (
        "$GENERATE with step, offset, width and base",
        "$GENERATE 0-30/20 h${1,3,X} 60 IN CNAME t\\$$",
        ["h001.z. 60 CNAME 037424" + "30017a00", "h015.z. 60 CNAME 04742432" + "30017a00"]
      ),
      (
        "$GENERATE of nibbles", "$GENERATE 18-18 ${0,3,n} PTR a", ["2.1.z. 300 PTR 0161017a00"]
      ),
    ])
  func `a record is read`(what: String, lines: String, records: [String]) throws {
    let reading = try reading(head + lines)
    #expect(reading.faults == [], "\(what)")
    let others = reading.records.filter {
      !$0.hasPrefix("z. 300 SOA ") && !$0.hasPrefix("z. 300 NS ")
    }
    #expect(others == records, "\(what)")
  }

  @Test(
    arguments: [
      ("a A 192.0.2.256", "zone:4: “192.0.2.256” is not an IPv4 address"),
      ("a A 192.0.02.1", "zone:4: “192.0.02.1” is not an IPv4 address"),
      ("a AAAA 1:2", "zone:4: “1:2” is not an IPv6 address"),
      ("a B 1", "zone:4: “B” is no type, class or TTL"),
      ("a 60 IN", "zone:4: the record has no type"),
      ("a 60 60 A 192.0.2.1", "zone:4: “60” is no type, class or TTL"),
      ("a 1x A 192.0.2.1", "zone:4: “1x” is no TTL: seconds, or numbers with units such as 1h30m"),
      (
        "a 2147483648 A 192.0.2.1",
        "zone:4: “2147483648” is no TTL: seconds, or numbers with units such as 1h30m"
      ),
      ("a CH A 192.0.2.1", "zone:4: only records of class IN are served"),
      ("a..b A 192.0.2.1", "zone:4: the name “a..b” has an empty label"),
      ("a A 192.0.2.1)", "zone:4: a parenthesis is closed that is not open"),
      ("a A (\n192.0.2.1", "zone:4: a parenthesis is not closed"),
      ("a TXT \"b\nc A 192.0.2.1", "zone:4: a quote is not closed"),
      ("a TXT b\\", "zone:4: a line ends with a backslash"),
      ("$FOO", "zone:4: $FOO is no directive"),
      ("$TTL", "zone:4: $TTL wants one TTL"),
      ("$INCLUDE none", "zone:4: there is no none"),
      ("$GENERATE 5-1 a$ A 192.0.2.$", "zone:4: “5-1” is no range such as 1-100 or 0-30/2"),
      (
        "$GENERATE 1-2 a${1 A 192.0.2.$",
        "zone:4: “${1 A 192.0.2.$}” is not ${offset,width,base} of $GENERATE"
      ),
      (
        "$GENERATE 1-2 a${-9223372036854775808} A 192.0.2.$",
        "zone:4: “${-9223372036854775808}” is not ${offset,width,base} of $GENERATE"
      ),
      (
        "$GENERATE 1-99999999 a$ A 192.0.2.1",
        "zone:4: $GENERATE makes more than 16777216 records"
      ),
      ("\n\na.y. A 192.0.2.1", "zone:6: a.y. is not within the zone z."),
      ("a CNAME b\na A 192.0.2.1", "zone:4: a.z. has a CNAME record and A beside it"),
      ("@ SOA ns mail 2 2 3 4 5", "zone:4: the zone z. has several SOA records"),
      (
        "a SOA ns mail 2 2 3 4 5",
        "zone:4: a.z. is not the zone's own name and cannot have a SOA record"
      ),
      (
        "a A 192.0.2.1\na 5 A 192.0.2.2",
        "zone:5: a.z. A has the TTLs 300 and 5: the records of one type at one name have one TTL (RFC 2181 §5.2)"
      ),
    ])
  func `what is wrong is said with its line`(lines: String, fault: String) throws {
    #expect(try reading(head + lines).faults == [fault])
  }

  @Test func `without any TTL there is none: SOA's minimum is not one (RFC 2308 §4)`() throws {
    let without = try reading("@ SOA ns mail 1 2 3 4 5\n@ 5 NS ns\n@ NS ns2")
    #expect(
      without.faults.first
        == "zone:1: the record has no TTL, and no $TTL stands above it (RFC 2308 §4)")
    #expect(without.faults.count == 2)
    // RFC 1035 §5.1: the last stated one.
    let stated = try reading("@ 7 SOA ns mail 1 2 3 4 5\n@ NS ns")
    #expect(stated.faults == [])
    #expect(stated.records.last == "z. 7 NS 026e73017a00")
  }

  @Test func `a zone without SOA or NS is none`() throws {
    #expect(try reading("").faults == ["zone:0: the zone z. has no SOA record"])
    #expect(
      try reading("@ 5 SOA ns mail 1 2 3 4 5").faults
        == ["zone:0: the zone z. has no NS records of its own"])
  }

  @Test func `all faults are told, and no more than can be read`() throws {
    let lines = (0..<300).map { "a\($0) A x" }.joined(separator: "\n")
    let faults = try reading(head + lines).faults
    #expect(faults.count == 100)
    #expect(faults.last == "zone:103: “x” is not an IPv4 address")
    // An owner that is wrong is said once, not for each of its records.
    #expect(try reading(head + "a..b A 192.0.2.1\n A 192.0.2.2").faults.count == 1)
  }

  @Test func `files within files keep to their origin (RFC 1035 §5_1)`() throws {
    let files = [
      "one": "a A 192.0.2.1\n$ORIGIN deep\nb A 192.0.2.2\n$INCLUDE two",
      "two": "c A 192.0.2.3\n",
    ]
    let reading = try reading(
      head + "x A 192.0.2.9\n$INCLUDE \"one\" sub\n  A 192.0.2.10\ny A 192.0.2.11", files: files)
    #expect(reading.faults == [])
    #expect(
      Set(reading.records.dropFirst(2)) == [
        "a.sub.z. 300 A c0000201", "b.deep.sub.z. 300 A c0000202", "c.deep.sub.z. 300 A c0000203",
        "x.z. 300 A c0000209", "x.z. 300 A c000020a", "y.z. 300 A c000020b",
      ])
  }

  @Test func `faults in files within files name those`() throws {
    let files = ["one": "\na CNAME b\nb A x\n", "circle": "$INCLUDE circle"]
    #expect(
      try reading(head + "$INCLUDE one\nc A x\n", files: files).faults == [
        "one:3: “x” is not an IPv4 address", "zone:5: “x” is not an IPv4 address",
      ])
    #expect(
      try reading(head + "$INCLUDE one\n\na A 192.0.2.1\n", files: ["one": "\na CNAME b"]).faults
        == ["one:2: a.z. has a CNAME record and A beside it"])
    #expect(
      try reading(head + "$INCLUDE circle", files: files).faults
        == ["circle:1: circle is included by itself"])
    let deep = Dictionary(
      uniqueKeysWithValues: (0..<20).map { ("\($0)", "$INCLUDE \($0 + 1)") })
    #expect(
      try reading(head + "$INCLUDE 0", files: deep).faults
        == ["8:1: files are included 10 deep: more are not followed"])
  }

  @Test(arguments: UInt64(1)...20)
  func `broken files are refused and nothing worse`(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let text = Array(
      (head + """
        a 60 IN A 192.0.2.1
         AAAA 2001:db8::1:2
        b MX ( 10
          c ) ; comment
        $ORIGIN d
        $GENERATE 1-3/2 h${0,3,x} TXT "a\\$;" b
        e\\046f HTTPS 1 . alpn="h2" port=53
        g LOC 52 14 05 N 0 9 0 E 10m
        """).utf8)
    for _ in 0..<300 {
      var broken = text
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        let index = Int.random(in: 0..<broken.count, using: &generator)
        switch Int.random(in: 0...2, using: &generator) {
        case 0: broken[index] = UInt8.random(in: 0...255, using: &generator)
        case 1: broken.remove(at: index)
        default:
          broken.insert("()\";\\\n$. 9".utf8.randomElement(using: &generator) ?? 0, at: index)
        }
      }
      _ = try reading(String(decoding: broken, as: UTF8.self))
    }
  }
}
