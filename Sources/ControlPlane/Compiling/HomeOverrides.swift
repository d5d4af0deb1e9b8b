import Homes
import Settings
import StateFiles

/// Reads a file of overrides, one key a line: `key,region`, or `key,from,to` of one that moves.
/// Empty lines and those of `#` are passed over, and so is a header.
struct HomeOverrides {
  /// So many faults of a file are told.
  static let mostFaults = 20
  private static let mostKeys = 8_000_000
  /// Each home has verdicts of its own.
  private static let mostHomes = 1_000

  let file: Settings.Policy.Homes.File
  let service: String
  let regions: [String: Int]
  /// Those in which the service has something that serves.
  let served: [String: Int]
  private(set) var faults: [Fault] = []
  private var keyCount = 0

  init(
    file: Settings.Policy.Homes.File, service: String, regions: [String: Int],
    served: [String: Int]
  ) {
    self.file = file
    self.service = service
    self.regions = regions
    self.served = served
  }

  mutating func read(into builder: inout HomeMapsBuilder, numbering: inout HomeNumbering) {
    let bytes: [UInt8]
    do throws(PlainFile.Fault) {
      bytes = try PlainFile(file.path).bytes()
    } catch {
      faults.append(Fault(origin: file.origin, message: "\(file.path) cannot be read: \(error)"))
      return
    }
    builder.reserve(
      keyCount: bytes.count { $0 == UInt8(ascii: "\n") } + 1, keyByteCount: bytes.count)
    var number = 0
    var start = 0
    while start < bytes.count && faults.count < Self.mostFaults {
      number += 1
      let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
      let fields = Self.fields(bytes, start..<end)
      start = end + 1
      guard let key = fields.first, !key.isEmpty || fields.count > 1,
        key.isEmpty || bytes[key.lowerBound] != UInt8(ascii: "#")
      else { continue }
      take(fields, of: bytes, line: number, into: &builder, numbering: &numbering)
    }
  }

  /// What stands between commas, without spaces around it.
  private static func fields(_ bytes: [UInt8], _ line: Range<Int>) -> [Range<Int>] {
    var fields: [Range<Int>] = []
    var start = line.lowerBound
    for position in line where bytes[position] == UInt8(ascii: ",") {
      fields.append(trimmed(bytes, start..<position))
      start = position + 1
    }
    return fields + [trimmed(bytes, start..<line.upperBound)]
  }

  private static func trimmed(_ bytes: [UInt8], _ field: Range<Int>) -> Range<Int> {
    func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D }
    var (start, end) = (field.lowerBound, field.upperBound)
    while start < end && isSpace(bytes[start]) { start += 1 }
    while start < end && isSpace(bytes[end - 1]) { end -= 1 }
    return start..<end
  }

  private mutating func take(
    _ fields: [Range<Int>], of bytes: [UInt8], line: Int, into builder: inout HomeMapsBuilder,
    numbering: inout HomeNumbering
  ) {
    func text(_ field: Range<Int>) -> String { String(decoding: bytes[field], as: UTF8.self) }
    let names = fields.dropFirst().map(text)
    if line == 1 && text(fields[0]) == "key" && [["region"], ["from", "to"]].contains(names) {
      return
    }
    guard names.count == 1 || names.count == 2 else {
      return report("wants key,region or key,from,to", line)
    }
    let key = fields[0]
    guard (1...HomeMaps.maximumKeyByteCount).contains(key.count),
      !bytes[key].contains(UInt8(ascii: "."))
    else {
      return report(
        "\"\(text(key).prefix(80))\" is no label: wants 1 to \(HomeMaps.maximumKeyByteCount) bytes "
          + "without a dot", line)
    }
    let places = names.compactMap { region($0, line) }
    guard places.count == names.count else { return }
    let home =
      places.count == 1 ? Home(region: places[0]) : Home(region: places[1], former: places[0])
    guard home.former != home.region else {
      return report("\"\(text(key))\" moves to where it is, \(names[0])", line)
    }
    keyCount += 1
    guard keyCount <= Self.mostKeys else { return report("more than \(Self.mostKeys) keys", line) }
    let index = numbering.index(of: home)
    guard index < Self.mostHomes else {
      return report("more than \(Self.mostHomes) different homes and moves", line)
    }
    builder.add(
      bytes.span.bytes, at: key.lowerBound, byteCount: key.count, rule: .override, home: index,
      mark: UInt32(line))
  }

  private mutating func region(_ name: String, _ line: Int) -> Int? {
    if let region = served[name] { return region }
    if regions[name] == nil {
      let known = regions.keys.sorted()
      report(
        "there is no region \"\(name)\"", line,
        suggestion: known.count <= 12 ? "known: \(known.joined(separator: ", "))" : nil)
    } else {
      report("service \"\(service)\" has nothing that serves in \(name)", line)
    }
    return nil
  }

  private mutating func report(_ message: String, _ line: Int, suggestion: String? = nil) {
    guard faults.count < Self.mostFaults else { return }
    faults.append(
      Fault(
        origin: Origin(file: file.path, line: line, path: ""), message: message,
        suggestion: suggestion))
  }
}
