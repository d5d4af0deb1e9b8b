extension FieldReader {
  /// One part of a form, in wire form.
  mutating func part(_ part: RecordForm.Part) throws(RecordDataFault) -> [UInt8] {
    let what = part.what
    return switch part.kind {
    case .name: try name(what)
    case .number8: try number8(what)
    case .number16: try number16(what)
    case .number32: try number32(what)
    case .seconds: try seconds(what)
    case .ipv4: try address(what, isIPv6: false)
    case .ipv6: try address(what, isIPv6: true)
    case .string: try characterString(what)
    case .strings: try characterStrings(what)
    case .rawString: try rawString(what)
    case .tag: try tag(what)
    case .hexadecimal: try hexadecimal(what)
    case .base64: try base64(what)
    case .salt: try salt(what)
    case .hash: try hash(what)
    case .type: bigEndianBytes(try recordType(what).rawValue)
    case .types: try typeBitmap(what)
    case .time: try time(what)
    case .octets(let count): try octets(what, count)
    case .groups: try groups(what)
    }
  }

  private mutating func address(
    _ what: String, isIPv6: Bool
  ) throws(RecordDataFault) -> [UInt8] {
    let text = try text(what)
    guard let bytes = isIPv6 ? ipv6Bytes(text) : ipv4Bytes(text) else {
      throw RecordDataFault("“\(text)” is not an \(isIPv6 ? "IPv6" : "IPv4") address")
    }
    return bytes
  }

  /// RFC 1035 §3.3.14: one or more strings.
  private mutating func characterStrings(_ what: String) throws(RecordDataFault) -> [UInt8] {
    var data = try characterString(what)
    while !isAtEnd { data += try characterString(what) }
    return data
  }

  /// RFC 8659 §4.1.1.
  private mutating func tag(_ what: String) throws(RecordDataFault) -> [UInt8] {
    let tag = try text(what)
    guard isTag(Array(tag.utf8)) else {
      throw RecordDataFault("the \(what) “\(tag)” has other than letters and digits")
    }
    return [UInt8(tag.utf8.count)] + Array(tag.utf8)
  }

  private mutating func salt(_ what: String) throws(RecordDataFault) -> [UInt8] {
    if nextIs("-") {
      _ = try text(what)
      return [0]
    }
    let bytes = try oneHexadecimal(what)
    guard 1...255 ~= bytes.count else {
      throw RecordDataFault("the \(what) of \(type) is not 1 to 255 bytes, or -")
    }
    return [UInt8(bytes.count)] + bytes
  }

  private mutating func hash(_ what: String) throws(RecordDataFault) -> [UInt8] {
    guard let bytes = base32Bytes(try field(what)), 1...255 ~= bytes.count else {
      throw RecordDataFault("the \(what) of \(type) is not in base 32")
    }
    return [UInt8(bytes.count)] + bytes
  }

  private mutating func recordType(_ what: String) throws(RecordDataFault) -> RecordType {
    let text = try text(what)
    guard let type = RecordType(text) else {
      throw RecordDataFault("the \(what) of \(self.type) names “\(text)”, which is no type")
    }
    return type
  }

  /// RFC 4034 §4.1.2: by blocks of 256 types, those that have any.
  private mutating func typeBitmap(_ what: String) throws(RecordDataFault) -> [UInt8] {
    var types: Set<RecordType> = []
    while !isAtEnd { types.insert(try recordType(what)) }
    var data: [UInt8] = []
    for (block, types) in Dictionary(grouping: types, by: { $0.rawValue >> 8 })
      .sorted(by: { $0.key < $1.key })
    {
      let numbers = types.map { Int($0.rawValue & 0xFF) }
      var bits = [UInt8](repeating: 0, count: (numbers.max() ?? 0) / 8 + 1)
      for number in numbers { bits[number / 8] |= 0x80 >> UInt8(number % 8) }
      data += [UInt8(block), UInt8(bits.count)] + bits
    }
    return data
  }

  private mutating func time(_ what: String) throws(RecordDataFault) -> [UInt8] {
    let text = try text(what)
    guard let seconds = text.utf8.count == 14 ? secondsSince1970(text) : UInt32(text) else {
      throw RecordDataFault("the \(what) of \(type) is “\(text)”, not YYYYMMDDHHmmSS or seconds")
    }
    return bigEndianBytes(seconds)
  }

  private mutating func octets(_ what: String, _ count: Int) throws(RecordDataFault) -> [UInt8] {
    let text = try text(what)
    let bytes = text.split(separator: "-", omittingEmptySubsequences: false).map {
      $0.utf8.count == 2 ? UInt8($0, radix: 16) : nil
    }
    guard bytes.count == count, !bytes.contains(nil) else {
      throw RecordDataFault(
        "the \(what) of \(type) is “\(text)”, not \(count) pairs of digits with - between")
    }
    return bytes.compactMap { $0 }
  }

  private mutating func groups(_ what: String) throws(RecordDataFault) -> [UInt8] {
    let text = try text(what)
    let groups = text.split(separator: ":", omittingEmptySubsequences: false).map {
      1...4 ~= $0.utf8.count ? UInt16($0, radix: 16) : nil
    }
    guard groups.count == 4, !groups.contains(nil) else {
      throw RecordDataFault("the \(what) of \(type) is “\(text)”, not four groups such as 1:2:3:4")
    }
    return groups.compactMap { $0 }.flatMap { bigEndianBytes($0) }
  }
}

/// Whether this is a property tag (RFC 8659 §4.1).
func isTag(_ bytes: [UInt8]) -> Bool {
  1...255 ~= bytes.count
    && bytes.allSatisfy { byte in
      (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }
}

/// RFC 4648 §7 without padding and without bits behind the end; nil otherwise.
func base32Bytes(_ text: [UInt8]) -> [UInt8]? {
  var bytes: [UInt8] = []
  var bits: UInt32 = 0
  var bitCount: UInt32 = 0
  for character in text {
    let value: UInt8
    switch character {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): value = character - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "v"): value = character - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "V"): value = character - UInt8(ascii: "A") + 10
    default: return nil
    }
    bits = bits << 5 | UInt32(value)
    bitCount += 5
    if bitCount >= 8 {
      bitCount -= 8
      bytes.append(UInt8(truncatingIfNeeded: bits >> bitCount))
      bits &= 1 << bitCount - 1
    }
  }
  return bits == 0 && bitCount < 5 ? bytes : nil
}

/// Of `YYYYMMDDHHmmSS`, UTC; nil unless it is a time from 1970 to 2106.
func secondsSince1970(_ text: String) -> UInt32? {
  let digits = text.utf8.map { Int($0) - 0x30 }
  guard digits.count == 14, digits.allSatisfy({ 0...9 ~= $0 }) else { return nil }
  func number(_ range: Range<Int>) -> Int { digits[range].reduce(0) { $0 * 10 + $1 } }
  let (month, day) = (number(4..<6), number(6..<8))
  let (hour, minute, second) = (number(8..<10), number(10..<12), number(12..<14))
  guard 1...12 ~= month, 1...31 ~= day, hour < 24, minute < 60, second < 60 else { return nil }
  let days = daysSince1970(year: number(0..<4), month: month, day: day)
  return UInt32(exactly: ((days * 24 + hour) * 60 + minute) * 60 + second)
}

/// Of the Gregorian calendar; years begin in March, so that the leap day is the last one.
private func daysSince1970(year: Int, month: Int, day: Int) -> Int {
  let year = month < 3 ? year - 1 : year
  let era = (year >= 0 ? year : year - 399) / 400
  let yearOfEra = year - era * 400
  let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
  let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
  return era * 146_097 + dayOfEra - 719_468
}

/// `YYYYMMDDHHmmSS`, UTC.
func timeText(_ secondsSince1970: UInt32) -> String {
  let seconds = Int(secondsSince1970)
  // Days since the first of March of the year 0.
  let days = seconds / 86_400 + 719_468
  let era = days / 146_097
  let dayOfEra = days - era * 146_097
  let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
  let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
  let month = (5 * dayOfYear + 2) / 153
  let day = dayOfYear - (153 * month + 2) / 5 + 1
  let year = yearOfEra + era * 400 + (month >= 10 ? 1 : 0)
  let parts = [
    month < 10 ? month + 3 : month - 9, day, seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60,
  ]
  return parts.reduce(String(year)) { $0 + ($1 < 10 ? "0" : "") + String($1) }
}
