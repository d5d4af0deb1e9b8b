/// An IPv4 or IPv6 address as written; unlike ``ClientAddress`` nothing is folded.
public enum IPAddress: Sendable, Equatable, Hashable, CustomStringConvertible {
  case ipv4(UInt32)
  case ipv6(UInt128)

  /// Dotted quad (four decimal parts, no leading zeros) or RFC 4291 §2.2 text; nil otherwise.
  public init?(_ text: some StringProtocol) {
    if let bits = parsedIPv4(text.utf8) {
      self = .ipv4(bits)
    } else if let bits = parsedIPv6(text.utf8) {
      self = .ipv6(bits)
    } else {
      return nil
    }
  }

  public var isIPv6: Bool {
    switch self {
    case .ipv4: false
    case .ipv6: true
    }
  }

  public var client: ClientAddress {
    switch self {
    case .ipv4(let bits): ClientAddress(ipv4: bits)
    case .ipv6(let bits): ClientAddress(ipv6: bits)
    }
  }

  /// Dotted quad, or IPv6 by RFC 5952.
  public var description: String {
    switch self {
    case .ipv4(let bits):
      "\(bits >> 24).\(bits >> 16 & 255).\(bits >> 8 & 255).\(bits & 255)"
    case .ipv6(let bits): renderedIPv6(bits)
    }
  }
}

/// An address and a port.
public struct SocketAddress: Sendable, Equatable, Hashable, CustomStringConvertible {
  public var address: IPAddress
  public var port: UInt16

  public init(address: IPAddress, port: UInt16) {
    self.address = address
    self.port = port
  }

  /// `192.0.2.1:53` or `[2001:db8::1]:53`; nil otherwise.
  public init?(_ text: some StringProtocol) {
    guard let colon = text.lastIndex(of: ":"),
      let port = parsedDecimal(text[text.index(after: colon)...].utf8, atMost: 65_535)
    else { return nil }
    var host = text[..<colon]
    let isBracketed = host.first == "[" && host.last == "]"
    if isBracketed { host = host.dropFirst().dropLast() }
    guard let address = IPAddress(host) else { return nil }
    if case .ipv6 = address, !isBracketed { return nil }
    if case .ipv4 = address, isBracketed { return nil }
    self.init(address: address, port: UInt16(port))
  }

  public var description: String {
    switch address {
    case .ipv4: "\(address):\(port)"
    case .ipv6: "[\(address)]:\(port)"
    }
  }
}

/// A CIDR prefix. The bits behind the length are zero.
public struct AddressPrefix: Sendable, Equatable, Hashable, CustomStringConvertible {
  public let address: IPAddress
  /// 0...32 or 0...128.
  public let length: Int

  /// The bits behind the length are cleared. Traps if `length` is out of range.
  public init(ipv4 bits: UInt32, length: Int) {
    precondition((0...32).contains(length), "an IPv4 prefix has 0 to 32 bits")
    address = .ipv4(length == 0 ? 0 : bits & (~0 << UInt32(32 - length)))
    self.length = length
  }

  /// The bits behind the length are cleared. Traps if `length` is out of range.
  public init(ipv6 bits: UInt128, length: Int) {
    precondition((0...128).contains(length), "an IPv6 prefix has 0 to 128 bits")
    address = .ipv6(length == 0 ? 0 : bits & (~0 << UInt128(128 - length)))
    self.length = length
  }

  /// `192.0.2.0/24`; an address alone is a prefix of full length. nil if it is neither, or if bits
  /// behind the length are set.
  public init?(_ text: some StringProtocol) {
    guard let prefix = try? AddressPrefix(utf8: text.utf8) else { return nil }
    self = prefix
  }

  /// The same from bytes, telling what is wrong.
  init(utf8 text: some Collection<UInt8>) throws(AddressPrefixFault) {
    let written = text.prefix { $0 != UInt8(ascii: "/") }
    let lengthText = text[written.endIndex...].dropFirst()
    let hasLength = written.endIndex != text.endIndex
    if let bits = parsedIPv4(written) {
      self.init(
        ipv4: bits, length: try Self.length(lengthText, isGiven: hasLength, atMost: 32))
      guard address == .ipv4(bits) else { throw .bitsBehindLength(self) }
    } else if let bits = parsedIPv6(written) {
      self.init(
        ipv6: bits, length: try Self.length(lengthText, isGiven: hasLength, atMost: 128))
      guard address == .ipv6(bits) else { throw .bitsBehindLength(self) }
    } else {
      throw .noAddress
    }
  }

  /// One to three digits without a leading zero.
  private static func length(
    _ text: some Collection<UInt8>, isGiven: Bool, atMost limit: Int
  ) throws(AddressPrefixFault) -> Int {
    guard isGiven else { return limit }
    guard let length = parsedDecimal(text, atMost: limit) else { throw .length(limit: limit) }
    return length
  }

  /// Whether all of it is inside one of ``ClientAddress/foldedPrefixes``: then its clients are
  /// answered as the IPv4 addresses that they carry, and a rule or override for it has no effect.
  public var isFolded: Bool {
    ClientAddress.foldedPrefixes.contains { $0.length <= length && $0.contains(address) }
  }

  public var description: String { "\(address)/\(length)" }

  public func contains(_ other: IPAddress) -> Bool {
    switch (address, other) {
    case (.ipv4(let own), .ipv4(let bits)):
      AddressPrefix(ipv4: bits, length: length).address == .ipv4(own)
    case (.ipv6(let own), .ipv6(let bits)):
      AddressPrefix(ipv6: bits, length: length).address == .ipv6(own)
    default: false
    }
  }
}

/// What is wrong with a text that should be a prefix.
enum AddressPrefixFault: Error, Equatable {
  case noAddress
  /// The length is missing, no number, or above the limit.
  case length(limit: Int)
  /// Bits behind the length are set; the prefix without them.
  case bitsBehindLength(AddressPrefix)
}

/// A decimal number of digits alone, without leading zeros; nil if it is none or above the limit.
func parsedDecimal(_ text: some Collection<UInt8>, atMost limit: Int) -> Int? {
  guard !text.isEmpty, text.count == 1 || text.first != UInt8(ascii: "0") else { return nil }
  var value = 0
  for byte in text {
    guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
    value = value * 10 + Int(byte - UInt8(ascii: "0"))
    guard value <= limit else { return nil }
  }
  return value
}

private func parsedIPv4(_ text: some Collection<UInt8>) -> UInt32? {
  var bits: UInt32 = 0
  var octet: UInt32 = 0
  var digitCount = 0
  var octetCount = 1
  for byte in text {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"):
      if digitCount > 0 && octet == 0 { return nil }
      octet = octet * 10 + UInt32(byte - UInt8(ascii: "0"))
      digitCount += 1
      guard octet <= 255 else { return nil }
    case UInt8(ascii: "."):
      guard digitCount > 0, octetCount < 4 else { return nil }
      bits = bits << 8 | octet
      octet = 0
      digitCount = 0
      octetCount += 1
    default: return nil
    }
  }
  guard digitCount > 0, octetCount == 4 else { return nil }
  return bits << 8 | octet
}

/// One group of one to four hexadecimal digits.
private func parsedGroup(_ text: some Collection<UInt8>) -> UInt16? {
  guard (1...4).contains(text.count) else { return nil }
  var value: UInt16 = 0
  for byte in text {
    let digit: UInt8
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
    default: return nil
    }
    value = value << 4 | UInt16(digit)
  }
  return value
}

/// RFC 4291 §2.2: eight groups, one run of zero groups as `::`, the last two as a dotted quad.
private func parsedIPv6(_ text: some Collection<UInt8>) -> UInt128? {
  var rest = text[...]
  var bits: UInt128 = 0
  var groupCount = 0
  var gap: Int?
  if rest.starts(with: [UInt8(ascii: ":"), UInt8(ascii: ":")]) {
    gap = 0
    rest = rest.dropFirst(2)
  }
  while !rest.isEmpty {
    let group = rest.prefix { $0 != UInt8(ascii: ":") }
    rest = rest[group.endIndex...]
    if rest.isEmpty, let quad = parsedIPv4(group) {
      bits = bits << 32 | UInt128(quad)
      groupCount += 2
      break
    }
    guard groupCount < 8, let value = parsedGroup(group) else { return nil }
    bits = bits << 16 | UInt128(value)
    groupCount += 1
    guard !rest.isEmpty else { break }
    rest = rest.dropFirst()
    if rest.first == UInt8(ascii: ":") {
      guard gap == nil else { return nil }
      gap = groupCount
      rest = rest.dropFirst()
    } else if rest.isEmpty {
      return nil
    }
  }
  guard let gap else { return groupCount == 8 ? bits : nil }
  guard groupCount < 8 else { return nil }
  let tailBits = UInt128(16 * (groupCount - gap))
  let head = (bits >> tailBits) << UInt128(128 - 16 * gap)
  return head | (bits & ~(UInt128.max << tailBits))
}

/// RFC 5952 §4: lower case, no leading zeros, the longest run of two or more zero groups shortened.
private func renderedIPv6(_ bits: UInt128) -> String {
  let groups = (0..<8).map { UInt16(truncatingIfNeeded: bits >> UInt128(112 - 16 * $0)) }
  if groups[..<5].allSatisfy({ $0 == 0 }) && groups[5] == 0xFFFF {
    return "::ffff:\(IPAddress.ipv4(UInt32(truncatingIfNeeded: bits)))"
  }
  var longest = 0..<0
  var start = 0
  while start < 8 {
    var end = start
    while end < 8 && groups[end] == 0 { end += 1 }
    if end - start > max(longest.count, 1) { longest = start..<end }
    start = max(end, start + 1)
  }
  let hexadecimal = { (slice: ArraySlice<UInt16>) in
    slice.map { String($0, radix: 16) }.joined(separator: ":")
  }
  if longest.isEmpty { return hexadecimal(groups[...]) }
  return
    "\(hexadecimal(groups[..<longest.lowerBound]))::\(hexadecimal(groups[longest.upperBound...]))"
}
