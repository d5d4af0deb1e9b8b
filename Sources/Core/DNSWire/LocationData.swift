extension RecordData {
  /// LOC (RFC 1876 §3): `d [m [s]] N|S d [m [s]] E|W altitude[m] [size [horizontal [vertical]]]`.
  static func locationData(_ fields: inout FieldReader) throws(RecordDataFault) -> [UInt8] {
    let latitude = try angle(&fields, what: "latitude", degrees: 90, letters: ("N", "S"))
    let longitude = try angle(&fields, what: "longitude", degrees: 180, letters: ("E", "W"))
    let altitude = try centimetres(&fields, what: "altitude")
    // RFC 1876 §2: 100,000 m below the reference spheroid is 0.
    guard (-10_000_000...4_284_967_295).contains(altitude) else {
      throw RecordDataFault("the altitude of LOC is not −100000 to 42849672.95 metres")
    }
    var precisions: [UInt8] = []
    for (what, fallback) in [("size", 100), ("horizontal", 1_000_000), ("vertical", 1_000)] {
      let value = fields.isAtEnd ? fallback : try centimetres(&fields, what: what)
      precisions.append(try precision(value, what: what))
    }
    return [0] + precisions + bigEndianBytes(latitude) + bigEndianBytes(longitude)
      + bigEndianBytes(UInt32(altitude + 10_000_000))
  }

  static func locationText(_ data: [UInt8]) -> String? {
    // RFC 1876 §2: of other versions nothing is known.
    guard data.count == 16, data[0] == 0 else { return nil }
    func number(_ offset: Int) -> Int {
      data[offset..<(offset + 4)].reduce(0) { $0 << 8 | Int($1) }
    }
    let angles = [(4, "N", "S"), (8, "E", "W")].map { offset, positive, negative in
      let thousandths = number(offset) - (1 << 31)
      let (seconds, rest) = abs(thousandths).quotientAndRemainder(dividingBy: 1_000)
      return "\(seconds / 3_600) \(seconds / 60 % 60) "
        + "\(decimalText(seconds % 60 * 1_000 + rest, places: 3)) "
        + (thousandths < 0 ? negative : positive)
    }
    let altitude = number(12) - 10_000_000
    let precisions = data[1...3].map { byte in
      decimalText((0..<(byte & 0xF)).reduce(Int(byte >> 4)) { value, _ in value * 10 }, places: 2)
    }
    return
      (angles + ["\(altitude < 0 ? "-" : "")\(decimalText(abs(altitude), places: 2))m"]
      + precisions.map { $0 + "m" }).joined(separator: " ")
  }

  /// A number of tenths, hundredths or thousandths.
  private static func decimalText(_ value: Int, places: Int) -> String {
    let unit = (0..<places).reduce(1) { unit, _ in unit * 10 }
    let fraction = String(value % unit)
    return "\(value / unit)." + String(repeating: "0", count: places - fraction.count) + fraction
  }

  /// Thousandths of a second of arc, 2³¹ at the equator and the prime meridian.
  private static func angle(
    _ fields: inout FieldReader, what: String, degrees maximum: Int, letters: (String, String)
  ) throws(RecordDataFault) -> UInt32 {
    let units = [(3_600_000, maximum), (60_000, 59), (1_000, 59)]
    var total = 0
    for index in 0...units.count {
      let text = try fields.text(what)
      if index > 0, text == letters.0 || text == letters.1 {
        guard total <= maximum * 3_600_000 else { break }
        return UInt32(Int(1 << 31) + (text == letters.0 ? total : -total))
      }
      guard index < units.count,
        let value = thousandths(text), index == 2 || value % 1_000 == 0, value >= 0,
        value < (units[index].1 + 1) * 1_000
      else { throw RecordDataFault("the \(what) of LOC is not right at “\(text)”") }
      total += value * units[index].0 / 1_000
    }
    throw RecordDataFault("the \(what) of LOC is more than \(maximum) degrees")
  }

  private static func centimetres(
    _ fields: inout FieldReader, what: String
  ) throws(RecordDataFault) -> Int {
    let text = try fields.text(what)
    let number = text.hasSuffix("m") ? String(text.dropLast()) : text
    guard let value = thousandths(number), value % 10 == 0 else {
      throw RecordDataFault("the \(what) of LOC is “\(text)”, not metres with two decimals at most")
    }
    return value / 10
  }

  /// A mantissa of one digit and a power of ten (RFC 1876 §2).
  private static func precision(_ value: Int, what: String) throws(RecordDataFault) -> UInt8 {
    var mantissa = value
    var exponent = 0
    while mantissa > 9 {
      mantissa /= 10
      exponent += 1
    }
    guard value >= 0, exponent <= 9 else {
      throw RecordDataFault("the \(what) of LOC is not 0 to 90000000 metres")
    }
    return UInt8(mantissa << 4 | exponent)
  }

  /// A decimal number with up to three decimals, times 1000; nil otherwise.
  private static func thousandths(_ text: String) -> Int? {
    let isNegative = text.hasPrefix("-")
    let parts = (isNegative ? String(text.dropFirst()) : text)
      .split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    let decimals = parts.count > 1 ? String(parts[1]) : ""
    let isNumber = (String(parts[0]) + decimals).utf8.allSatisfy { hexadecimalDigit($0) ?? 10 < 10 }
    guard isNumber, (1...9).contains(parts[0].count), decimals.count <= 3,
      let whole = Int(parts[0]),
      let fraction = Int(decimals + String(repeating: "0", count: 3 - decimals.count))
    else { return nil }
    return (whole * 1_000 + fraction) * (isNegative ? -1 : 1)
  }
}
