import DNSWire
import Testing

@Suite struct QueryTests {
  private static let header: [UInt8] = [0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]
  private static let question: [UInt8] = [1, 97, 0, 0, 1, 0, 1]

  private func decode(_ packet: [UInt8]) throws(QueryFault) -> Query {
    let padded = packet + Array(repeating: 0xAA, count: Query.slackByteCount)
    return try Query.decode(padded.span.bytes, byteCount: packet.count)
  }

  private func decode(records: [UInt8], additionalCount: UInt8 = 1) throws -> Query {
    var packet = Self.header + Self.question + records
    packet[11] = additionalCount
    return try decode(packet)
  }

  private func opt(_ options: [UInt8], size: UInt16 = 1_232) -> [UInt8] {
    [0, 0, 41, UInt8(size >> 8), UInt8(size & 255), 0, 0, 0, 0, 0, UInt8(options.count)] + options
  }

  private func subnet(_ data: [UInt8]) -> [UInt8] { [0, 8, 0, UInt8(data.count)] + data }

  @Test(
    arguments: [
      ("nothing", [], .tooShort),
      ("eleven bytes", Array(header.dropLast()), .tooShort),
      ("QR is set", [0, 0, 0x81, 0] + header[4...] + question, .isResponse),
      ("opcode NOTIFY", [0, 0, 0x21, 0] + header[4...] + question, .notify),
      ("opcode 15", [0, 0, 0x79, 0] + header[4...] + question, .unknownOpcode),
      ("no question", [0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0], .questionCount),
      (
        "two questions", [0, 0, 1, 0, 0, 2, 0, 0, 0, 0, 0, 0] + question + question, .questionCount
      ),
      ("header only", header, .question),
      ("no class", header + question.dropLast(), .question),
      ("a label beyond the end", header + [9, 97, 0, 0, 1, 0, 1], .question),
      ("a pointer", header + [0xC0, 12, 0, 1, 0, 1], .question),
      ("an unknown label type", header + [0x41, 97, 0, 0, 1, 0, 1], .question),
      (
        "a name of 256 bytes",
        header + Array(repeating: Array([UInt8]([4, 97, 97, 97, 97])), count: 51).flatMap(\.self)
          + [0, 0, 1, 0, 1], .question
      ),
    ] as [(String, [UInt8], QueryFault)])
  func `packets without a question to answer`(
    description: String, packet: [UInt8], fault: QueryFault
  ) {
    #expect(throws: fault) { try decode(packet) }
  }

  @Test func `a question alone`() throws {
    let query = try decode(Self.header + Self.question)
    #expect(query.nameByteCount == 3)
    #expect(query.questionEnd == 19)
    #expect(query.type == .a)
    #expect(query.recordClass == .internet)
    #expect(!query.hasEDNS)
    #expect(!query.isMalformed)
    #expect(query.payloadByteCount == 512)
  }

  @Test func `EDNS without options`() throws {
    let query = try decode(records: [0, 0, 41, 4, 208, 0, 0, 0x80, 0, 0, 0])
    #expect(query.hasEDNS)
    #expect(query.wantsDNSSEC)
    #expect(query.payloadByteCount == 1_232)
    #expect(query.subnetState == .absent)
  }

  @Test func `a payload size below 512 is read as 512`() throws {
    #expect(try decode(records: opt([], size: 100)).payloadByteCount == 512)
    #expect(try decode(records: opt([], size: 0)).payloadByteCount == 512)
  }

  @Test func `unknown options, records and trailing bytes are passed over`() throws {
    let cookie: [UInt8] = [0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8]
    let query = try decode(records: opt(cookie + subnet([0, 1, 8, 0, 10])))
    #expect(query.subnetState == .valid)
    let record: [UInt8] = [0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 1, 9]
    let second = try decode(records: record + opt([]) + [1, 2, 3], additionalCount: 2)
    #expect(second.hasEDNS && !second.isMalformed)
  }

  @Test(
    arguments: [
      ("two OPT records", [0, 0, 41, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 41, 2, 0, 0, 0, 0, 0, 0, 0], 2),
      ("OPT with an owner", [1, 97, 0, 0, 41, 2, 0, 0, 0, 0, 0, 0, 0], 1),
      ("OPT announced but absent", [], 1),
      ("OPT cut off", [0, 0, 41, 2, 0, 0, 0], 1),
      ("option data longer than OPT", [0, 0, 41, 2, 0, 0, 0, 0, 0, 0, 4, 0, 10, 0, 1], 1),
      ("three bytes of an option", [0, 0, 41, 2, 0, 0, 0, 0, 0, 0, 3, 0, 10, 0], 1),
      ("a record's data beyond the end", [0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 9, 1], 1),
    ] as [(String, [UInt8], UInt8)])
  func `records behind the question that are not right`(
    description: String, records: [UInt8], count: UInt8
  ) throws {
    #expect(try decode(records: records, additionalCount: count).isMalformed)
  }

  @Test func `OPT outside the additional section is not right`() throws {
    var packet = Self.header + Self.question + opt([])
    packet[7] = 1
    #expect(try decode(packet).isMalformed)
  }

  @Test(
    arguments: [
      ("IPv4 /24", [0, 1, 24, 0, 192, 0, 2], false, 24, 0xC000_0200_0000_0000, 0),
      ("IPv4 /32", [0, 1, 32, 0, 192, 0, 2, 1], false, 32, 0xC000_0201_0000_0000, 0),
      ("IPv4 /20", [0, 1, 20, 0, 10, 1, 0x10], false, 20, 0x0A01_1000_0000_0000, 0),
      ("IPv4 /0", [0, 1, 0, 0], false, 0, 0, 0),
      ("IPv6 /0", [0, 2, 0, 0], true, 0, 0, 0),
      (
        "IPv6 /56", [0, 2, 56, 0, 0x20, 1, 0x0d, 0xb8, 0, 0, 1], true, 56, 0x2001_0DB8_0000_0100, 0
      ),
      (
        "IPv6 /68", [0, 2, 68, 0, 0x20, 1, 0, 0, 0, 0, 0, 0, 0xF0], true, 68,
        0x2001_0000_0000_0000, 0xF000_0000_0000_0000
      ),
      ("IPv6 /128", [0, 2, 128, 0] + Array(repeating: 0xFF, count: 16), true, 128, .max, .max),
    ] as [(String, [UInt8], Bool, UInt8, UInt64, UInt64)])
  func `client subnets that are right (RFC 7871 §6)`(
    description: String, data: [UInt8], isIPv6: Bool, bits: UInt8, high: UInt64, low: UInt64
  ) throws {
    let query = try decode(records: opt(subnet(data)))
    #expect(query.subnetState == .valid)
    #expect(
      query.subnet == ClientSubnet(isIPv6: isIPv6, sourceBits: bits, high: high, low: low))
  }

  @Test(
    arguments: [
      ("§6: no data", []),
      ("§6: less than the fixed part", [0, 1, 0]),
      ("§6: unknown family 0", [0, 0, 0, 0]),
      ("§6: unknown family 3", [0, 3, 8, 0, 1]),
      ("§6: IPv4 prefix of 33 bits", [0, 1, 33, 0, 1, 2, 3, 4, 5]),
      ("§6: IPv6 prefix of 129 bits", [0, 2, 129, 0] + Array(repeating: 0, count: 17)),
      ("§6: an octet too few", [0, 1, 24, 0, 192, 0]),
      ("§6: an octet too many", [0, 1, 24, 0, 192, 0, 2, 0]),
      ("§6: address without prefix", [0, 1, 0, 0, 192]),
      ("§6: a bit behind a prefix of 20 bits", [0, 1, 20, 0, 10, 1, 0x18]),
      ("§6: a bit behind a prefix of 1 bit", [0, 1, 1, 0, 0xC0]),
      (
        "§6: a bit behind a prefix of 68 bits",
        [0, 2, 68, 0, 0x20, 1, 0, 0, 0, 0, 0, 0, 0xF8]
      ),
      ("§7.1.2: scope is not 0", [0, 1, 24, 24, 192, 0, 2]),
    ] as [(String, [UInt8])])
  func `client subnets that are not right`(description: String, data: [UInt8]) throws {
    let query = try decode(records: opt(subnet(data)))
    #expect(query.subnetState == .malformed)
    #expect(!query.isMalformed)
  }

  @Test func `two client subnets are not right`() throws {
    let one = subnet([0, 1, 8, 0, 10])
    #expect(try decode(records: opt(one + one)).subnetState == .malformed)
  }
}
