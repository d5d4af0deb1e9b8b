/// A section of encoded values in a .mmdb file, read with every offset checked and every amount of
/// work bounded (MaxMind DB File Format Specification v2.0, "Output Data Section").
///
/// Values are found and skipped without following pointers, so work stays within the section's size
/// for each record; all records together share one limit.
@safe
struct DataSection {
  /// The deepest nesting that is followed; real databases have 4.
  static let maximumDepth = 32

  /// Valid while the file is open.
  private let bytes: UnsafeRawBufferPointer
  private var remainingWork: Int

  /// `bytes` must outlive this value.
  @unsafe
  init(bytes: UnsafeRawBufferPointer) {
    unsafe self.bytes = unsafe bytes
    remainingWork = 1_000_000 + 32 * bytes.count
  }

  var count: Int { unsafe bytes.count }

  enum Value: Equatable {
    /// The number of entries; the first follows at `contents`.
    case map(count: Int, contents: Int)
    case array(count: Int, contents: Int)
    case text(Range<Int>)
    case unsigned(UInt64)
    case number(Double)
    case boolean(Bool)
    case bytes(count: Int)
    case pointer(to: Int)

    /// For messages.
    var kind: String {
      switch self {
      case .map: "a map"
      case .array: "an array"
      case .text: "text"
      case .unsigned: "an unsigned integer"
      case .number: "a number"
      case .boolean: "a boolean"
      case .bytes: "bytes"
      case .pointer: "a pointer"
      }
    }
  }

  /// The value at `offset`, a pointer followed.
  mutating func value(at offset: Int) throws(MalformedDatabase) -> Value {
    let (value, _) = try decode(at: offset)
    guard case .pointer(let target) = value else { return value }
    let (meant, _) = try decode(at: target)
    if case .pointer = meant {
      throw MalformedDatabase("the data at offset \(offset) points to another pointer")
    }
    return meant
  }

  /// The offsets of the values of some keys of a map; nil for keys that it lacks.
  mutating func members(
    _ keys: [StaticString], ofMapWith count: Int, at contents: Int
  ) throws(MalformedDatabase) -> [Int?] {
    var found = [Int?](repeating: nil, count: keys.count)
    var offset = contents
    for _ in 0..<count {
      let key = try self.key(at: &offset)
      if let index = keys.firstIndex(where: { equals(key, $0) }) { found[index] = offset }
      offset = try end(of: offset)
    }
    return found
  }

  /// The keys of a map as text, the first few.
  mutating func keyNames(
    ofMapWith count: Int, at contents: Int
  ) throws(MalformedDatabase) -> [String] {
    var names: [String] = []
    var offset = contents
    for _ in 0..<min(count, 12) {
      names.append(text(try key(at: &offset)))
      offset = try end(of: offset)
    }
    return names
  }

  func text(_ range: Range<Int>) -> String {
    unsafe String(decoding: bytes[range], as: UTF8.self)
  }

  /// Reads a value and all that it points to; throws if anything in it is malformed, too deep, or
  /// more than `limit` values together.
  mutating func validate(at start: Int, limit: inout Int, depth: Int = 0)
    throws(MalformedDatabase)
  {
    guard depth <= Self.maximumDepth else { throw MalformedDatabase("values are nested too deep") }
    limit -= 1
    guard limit > 0 else { throw MalformedDatabase("there are too many values") }
    let count: Int
    var offset: Int
    switch try value(at: start) {
    case .map(let entries, let contents): (count, offset) = (entries * 2, contents)
    case .array(let elements, let contents): (count, offset) = (elements, contents)
    default: return
    }
    for _ in 0..<count {
      try validate(at: offset, limit: &limit, depth: depth + 1)
      offset = try end(of: offset)
    }
  }

  /// The text that is a map's key, a pointer followed, moving `offset` to its value.
  private mutating func key(at offset: inout Int) throws(MalformedDatabase) -> Range<Int> {
    let start = offset
    let (value, next) = try decode(at: start)
    offset = next
    guard case .text(let range) = try self.value(at: start) else {
      throw MalformedDatabase("a map's key at offset \(start) is \(value.kind), not text")
    }
    return range
  }

  private func equals(_ range: Range<Int>, _ key: StaticString) -> Bool {
    guard range.count == key.utf8CodeUnitCount else { return false }
    return key.withUTF8Buffer { unsafe $0.elementsEqual(bytes[range]) }
  }

  /// The offset behind a value and all inside it, pointers not followed.
  private mutating func end(of offset: Int) throws(MalformedDatabase) -> Int {
    var offset = offset
    var pending = 1
    while pending > 0 {
      let (value, next) = try decode(at: offset)
      offset = next
      pending -= 1
      switch value {
      case .map(let count, _): pending += 2 * count
      case .array(let count, _): pending += count
      default: break
      }
      guard pending <= self.count - offset else {
        throw MalformedDatabase("a map or an array is larger than the data")
      }
    }
    return offset
  }

  /// The value at `offset`, and the offset behind it: for maps and arrays, of their contents.
  private mutating func decode(
    at offset: Int
  ) throws(MalformedDatabase) -> (value: Value, next: Int) {
    remainingWork -= 1
    guard remainingWork > 0 else {
      throw MalformedDatabase("its records take too long to read for a file of this size")
    }
    var cursor = offset
    let control = try Int(unsigned(at: &cursor, count: 1))
    var type = control >> 5
    if type == 1 { return try pointer(control, at: cursor) }
    if type == 0 { type = 7 + (try Int(unsigned(at: &cursor, count: 1))) }
    var size = control & 31
    switch size {
    case 29: size = 29 + (try Int(unsigned(at: &cursor, count: 1)))
    case 30: size = 285 + (try Int(unsigned(at: &cursor, count: 2)))
    case 31: size = 65_821 + (try Int(unsigned(at: &cursor, count: 3)))
    default: break
    }
    return try sized(type: type, size: size, at: cursor)
  }

  private func sized(
    type: Int, size: Int, at offset: Int
  ) throws(MalformedDatabase) -> (value: Value, next: Int) {
    var cursor = offset
    switch type {
    case 7: return (.map(count: size, contents: offset), offset)
    case 11: return (.array(count: size, contents: offset), offset)
    case 14:
      guard size <= 1 else { throw MalformedDatabase("a boolean at offset \(offset) is \(size)") }
      return (.boolean(size == 1), offset)
    default: break
    }
    guard size <= count - offset else {
      throw MalformedDatabase("the value at offset \(offset) runs past the end of the data")
    }
    switch (type, size) {
    case (2, _): return (.text(offset..<(offset + size)), offset + size)
    case (4, _), (10, 0...16): return (.bytes(count: size), offset + size)
    case (3, 8):
      return (.number(Double(bitPattern: try unsigned(at: &cursor, count: 8))), cursor)
    case (15, 4):
      let bits = UInt32(truncatingIfNeeded: try unsigned(at: &cursor, count: 4))
      return (.number(Double(Float(bitPattern: bits))), cursor)
    case (5, 0...2), (6, 0...4), (9, 0...8):
      return (.unsigned(try unsigned(at: &cursor, count: size)), cursor)
    case (8, 0...4):
      let bits = UInt32(truncatingIfNeeded: try unsigned(at: &cursor, count: size))
      return (.number(Double(Int32(bitPattern: bits))), cursor)
    default:
      throw MalformedDatabase("the value at offset \(offset) has type \(type) and size \(size)")
    }
  }

  private func pointer(
    _ control: Int, at offset: Int
  ) throws(MalformedDatabase) -> (value: Value, next: Int) {
    var cursor = offset
    let extra = (control >> 3) & 3
    let low = try Int(unsigned(at: &cursor, count: extra + 1))
    let high = (control & 7) << (8 * (extra + 1))
    let target =
      switch extra {
      case 0: high | low
      case 1: (high | low) + 2048
      case 2: (high | low) + 526_336
      default: low
      }
    return (.pointer(to: target), cursor)
  }

  /// Big-endian, moving `offset` behind it. The only place that touches the bytes, after a check.
  private func unsigned(
    at offset: inout Int, count: Int
  ) throws(MalformedDatabase) -> UInt64 {
    guard offset >= 0, offset <= self.count - count else {
      throw MalformedDatabase("the data ends within the value at offset \(offset)")
    }
    var result: UInt64 = 0
    for position in offset..<(offset + count) {
      result = unsafe result << 8 | UInt64(bytes[position])
    }
    offset += count
    return result
  }
}
