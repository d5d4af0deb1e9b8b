import Places

/// A value of a database's data section (MaxMind DB File Format Specification v2.0, "Output Data
/// Section").
indirect enum DataValue: Hashable {
  struct Entry: Hashable {
    var key: String
    var value: DataValue
  }
  case map([Entry])
  case array([DataValue])
  case text(String)
  case double(Double)
  case uint16(UInt16)
  case uint32(UInt32)
  case uint64(UInt64)
  case boolean(Bool)

  /// Longer than a pointer is likely to be, so that a second copy is worth one.
  fileprivate var isWorthPointer: Bool {
    switch self {
    case .map, .array, .double: true
    case .text(let text): text.utf8.count > 3
    default: false
    }
  }
}

/// Writes values one behind the other; what is the same as before becomes a pointer.
struct DataSectionWriter {
  private(set) var bytes: [UInt8] = []
  private var offsets: [DataValue: Int] = [:]
  /// Metadata are read before anybody can follow pointers.
  private let usesPointers: Bool

  init(usesPointers: Bool = true) { self.usesPointers = usesPointers }

  /// - Returns: where the value is: not at a pointer, which must not point to another one.
  mutating func write(_ value: DataValue) -> Int {
    if let known = offsets[value] { return known }
    let offset = bytes.count
    append(value)
    return offset
  }

  private mutating func append(_ value: DataValue) {
    if let known = offsets[value] { return appendPointer(to: known) }
    if usesPointers && value.isWorthPointer { offsets[value] = bytes.count }
    switch value {
    case .map(let entries):
      appendControl(7, entries.count)
      for entry in entries {
        append(.text(entry.key))
        append(entry.value)
      }
    case .array(let values):
      appendControl(11, values.count)
      for value in values { append(value) }
    case .text(let text):
      appendControl(2, text.utf8.count)
      bytes += text.utf8
    case .double(let number):
      appendControl(3, 8)
      appendBigEndian(number.bitPattern, 8)
    case .uint16(let number): appendUnsigned(5, UInt64(number))
    case .uint32(let number): appendUnsigned(6, UInt64(number))
    case .uint64(let number): appendUnsigned(9, number)
    case .boolean(let isTrue): appendControl(14, isTrue ? 1 : 0)
    }
  }

  /// Types above 7 have a second byte; so have sizes above 28.
  private mutating func appendControl(_ type: Int, _ size: Int) {
    let (length, rest, restBytes) =
      switch size {
      case ..<29: (size, 0, 0)
      case ..<285: (29, size - 29, 1)
      case ..<65_821: (30, size - 285, 2)
      default: (31, size - 65_821, 3)
      }
    bytes.append(UInt8((type <= 7 ? type : 0) << 5 | length))
    if type > 7 { bytes.append(UInt8(type - 7)) }
    appendBigEndian(UInt64(rest), restBytes)
  }

  /// In as few bytes as the number takes.
  private mutating func appendUnsigned(_ type: Int, _ number: UInt64) {
    let count = (64 - number.leadingZeroBitCount + 7) / 8
    appendControl(type, count)
    appendBigEndian(number, count)
  }

  private mutating func appendPointer(to offset: Int) {
    let (size, rest) =
      switch offset {
      case ..<2_048: (0, offset)
      case ..<526_336: (1, offset - 2_048)
      case ..<134_744_064: (2, offset - 526_336)
      default: (3, offset)
      }
    let high = size == 3 ? 0 : rest >> (8 * (size + 1))
    bytes.append(UInt8(1 << 5 | size << 3 | high))
    appendBigEndian(UInt64(rest), size + 1)
  }

  private mutating func appendBigEndian(_ number: UInt64, _ count: Int) {
    for position in (0..<count).reversed() {
      bytes.append(UInt8(truncatingIfNeeded: number >> UInt64(8 * position)))
    }
  }
}

extension NetworkRecord {
  /// In the shape of GeoLite2-City and, for the autonomous system, of GeoLite2-ASN; nil: it says
  /// nothing.
  var dataValue: DataValue? {
    func map(_ entries: [(String, DataValue?)]) -> DataValue? {
      let present = entries.compactMap { key, value in
        value.map { DataValue.Entry(key: key, value: $0) }
      }
      return present.isEmpty ? nil : .map(present)
    }
    let radius = accuracyRadiusKilometres
    return map([
      ("autonomous_system_number", asn == 0 ? nil : .uint32(asn)),
      ("city", city.isEmpty ? nil : map([("names", map([("en", .text(city))]))])),
      ("continent", continent.flatMap { map([("code", .text($0.description))]) }),
      (
        "country",
        country.flatMap {
          map([
            ("is_in_european_union", isInEuropeanUnion ? .boolean(true) : nil),
            ("iso_code", .text($0.description)),
          ])
        }
      ),
      (
        "location",
        point.flatMap {
          map([
            ("accuracy_radius", radius == 0 ? nil : .uint16(radius)),
            ("latitude", .double($0.latitude)), ("longitude", .double($0.longitude)),
          ])
        }
      ),
      (
        "subdivisions",
        subdivision.flatMap { subdivision in
          let code = subdivision.description.drop { $0 != "-" }.dropFirst()
          return map([("iso_code", .text(String(code)))]).map { .array([$0]) }
        }
      ),
    ])
  }
}
