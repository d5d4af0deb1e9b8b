/// A query, decoded slowly and plainly from the RFCs: what the real decoder must say, too.
public struct ReferenceQuery {
  public enum Failure: Error {
    case tooShort, isResponse, opcode(Int), questionCount, question
  }
  public struct Subnet: Equatable {
    public var isIPv6: Bool
    public var sourceBits: Int
    /// Filled up with zeros to 16 bytes.
    public var address: [UInt8]

    public init(isIPv6: Bool, sourceBits: Int, address: [UInt8]) {
      self.isIPv6 = isIPv6
      self.sourceBits = sourceBits
      self.address = address
    }
  }
  public struct Cookie: Equatable {
    public var client: [UInt8]
    public var server: [UInt8]
  }

  public let bytes: [UInt8]
  public private(set) var hasQuestion = true
  public private(set) var questionEnd = 12
  /// What is behind the question cannot be read to its end.
  public private(set) var isMalformed = false
  public private(set) var hasOPT = false
  public private(set) var version = 0
  public private(set) var wantsDNSSEC = false
  public private(set) var payloadByteCount = 512
  /// Of each client-subnet option what it says; nil: nothing that RFC 7871 allows.
  public private(set) var subnets: [Subnet?] = []
  /// Of each cookie option; nil: a length that RFC 7873 §5.2.2 does not allow.
  public private(set) var cookies: [Cookie?] = []
  public private(set) var optionCodes: Set<Int> = []
  public private(set) var isSigned = false

  public var type: Int { number(at: questionEnd - 4) }
  public var recordClass: Int { number(at: questionEnd - 2) }
  /// AXFR or IXFR of the Internet.
  public var isTransfer: Bool {
    hasQuestion && recordClass == 1 && (type == 251 || type == 252)
  }
  /// RFC 7871 §7.1.1: one option only.
  public var subnet: Subnet? { subnets.count == 1 ? subnets[0] : nil }
  public var isSubnetMalformed: Bool { !subnets.isEmpty && subnet == nil }

  public init(_ bytes: [UInt8]) throws(Failure) {
    self.bytes = bytes
    guard bytes.count >= 12 else { throw .tooShort }
    guard bytes[2] < 0x80 else { throw .isResponse }
    let opcode = Int(bytes[2] >> 3 & 15)
    guard opcode == 0 else { throw .opcode(opcode) }
    switch number(at: 4) {
    case 0: hasQuestion = false
    case 1:
      guard let end = questionNameEnd(), end + 4 <= bytes.count else { throw .question }
      questionEnd = end + 4
    default: throw .questionCount
    }
    isMalformed = !readRecords()
    if !hasQuestion {
      // RFC 7873 §5.4.
      let isCookieAlone =
        !isMalformed && (cookies.first ?? nil) != nil && number(at: 6) == 0 && number(at: 8) == 0
      guard isCookieAlone else { throw .questionCount }
    }
  }

  private func number(at offset: Int) -> Int { Int(bytes[offset]) << 8 | Int(bytes[offset + 1]) }

  private func questionNameEnd() -> Int? {
    var offset = 12
    while offset < bytes.count, bytes[offset] < 64 {
      let length = Int(bytes[offset])
      offset += 1 + length
      if offset - 12 > 255 { return nil }
      if length == 0 { return offset }
    }
    return nil
  }

  /// The records behind the question, in their order.
  private mutating func readRecords() -> Bool {
    let counts = [number(at: 6), number(at: 8), number(at: 10)]
    var offset = questionEnd
    var left = counts.reduce(0, +)
    for section in 0..<3 {
      for _ in 0..<counts[section] {
        guard let end = ownerEnd(offset), end + 10 <= bytes.count else { return false }
        let type = number(at: end)
        let dataEnd = end + 10 + number(at: end + 8)
        if type == 41 {
          let isAlone = !hasOPT && section == 2 && bytes[offset] == 0
          hasOPT = true
          guard isAlone else { return false }
          payloadByteCount = max(512, number(at: end + 2))
          version = Int(bytes[end + 5])
          wantsDNSSEC = bytes[end + 6] & 0x80 != 0
          guard dataEnd <= bytes.count, readOptions(end + 10, dataEnd) else { return false }
        }
        if type == 250 {
          guard left == 1, section == 2 else { return false }
          isSigned = true
        }
        guard dataEnd <= bytes.count else { return false }
        offset = dataEnd
        left -= 1
      }
    }
    return true
  }

  private func ownerEnd(_ start: Int) -> Int? {
    var offset = start
    while offset < bytes.count, offset - start < 255 {
      switch bytes[offset] {
      case 0: return offset + 1
      case 1..<64: offset += 1 + Int(bytes[offset])
      case 0xC0...: return offset + 2
      default: return nil
      }
    }
    return nil
  }

  private mutating func readOptions(_ start: Int, _ end: Int) -> Bool {
    var offset = start
    while offset < end {
      guard offset + 4 <= end else { return false }
      let code = number(at: offset)
      let dataEnd = offset + 4 + number(at: offset + 2)
      guard dataEnd <= end else { return false }
      let data = Array(bytes[(offset + 4)..<dataEnd])
      optionCodes.insert(code)
      if code == 8 { subnets.append(Self.subnet(data)) }
      if code == 10 { cookies.append(Self.cookie(data)) }
      offset = dataEnd
    }
    return true
  }

  /// RFC 7871 §6, bit by bit.
  private static func subnet(_ data: [UInt8]) -> Subnet? {
    guard data.count >= 4 else { return nil }
    let family = Int(data[0]) << 8 | Int(data[1])
    let source = Int(data[2])
    let address = Array(data[4...])
    guard family == 1 && source <= 32 || family == 2 && source <= 128 else { return nil }
    guard data[3] == 0, address.count == (source + 7) / 8 else { return nil }
    for bit in source..<(address.count * 8) where address[bit / 8] & (0x80 >> (bit % 8)) != 0 {
      return nil
    }
    return Subnet(
      isIPv6: family == 2, sourceBits: source,
      address: address + Array(repeating: 0, count: 16 - address.count))
  }

  private static func cookie(_ data: [UInt8]) -> Cookie? {
    guard data.count == 8 || data.count >= 16 && data.count <= 40 else { return nil }
    return Cookie(client: Array(data[..<8]), server: Array(data[8...]))
  }
}
