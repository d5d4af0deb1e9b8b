import DNSWire

/// The records of `$GENERATE start-stop[/step] owner [ttl] [class] type data`, as BIND has it: the
/// entry behind the range once for each number, `$` or `${offset,width,base}` replaced by it.
struct GenerateTemplate {
  /// More than any one directive has.
  static let maximumCount = 1 << 24

  private enum Part {
    case text([UInt8])
    case number(offset: Int, width: Int, base: Base)
  }

  private enum Base { case decimal, octal, lowerHexadecimal, upperHexadecimal, nibbles(Bool) }

  let numbers: StrideThrough<Int>
  private var parts: [Part] = []

  /// - Parameters:
  ///   - range: `start-stop` or `start-stop/step`.
  ///   - template: the fields behind it, each with a space between.
  init(range: String, template: [UInt8]) throws(ZoneFileProblem) {
    let halves = range.split(separator: "/", omittingEmptySubsequences: false)
    let ends = halves[0].split(separator: "-", omittingEmptySubsequences: false)
    let step = halves.count == 2 ? Int(halves[1]) : 1
    guard halves.count <= 2, ends.count == 2, let start = Int(ends[0]), let stop = Int(ends[1]),
      let step, step > 0, start >= 0, stop >= start, stop <= Int(Int32.max)
    else { throw ZoneFileProblem("“\(range)” is no range such as 1-100 or 0-30/2") }
    guard (stop - start) / step < Self.maximumCount else {
      throw ZoneFileProblem("$GENERATE makes more than \(Self.maximumCount) records")
    }
    numbers = stride(from: start, through: stop, by: step)
    try read(template)
  }

  private mutating func read(_ template: [UInt8]) throws(ZoneFileProblem) {
    var text: [UInt8] = []
    var index = 0
    while index < template.count {
      let byte = template[index]
      let next = index + 1 < template.count ? template[index + 1] : 0
      if byte == UInt8(ascii: "\\"), next == UInt8(ascii: "$") {
        text.append(next)
        index += 2
      } else if byte == UInt8(ascii: "\\") {
        text += [byte, next]
        index += 2
      } else if byte == UInt8(ascii: "$"), next == UInt8(ascii: "$") {
        text.append(byte)
        index += 2
      } else if byte == UInt8(ascii: "$") {
        parts.append(.text(text))
        text = []
        index += 1
        if next == UInt8(ascii: "{") {
          let end = template[index...].firstIndex(of: UInt8(ascii: "}")) ?? template.count
          parts.append(try Self.number(template[(index + 1)..<end], isClosed: end < template.count))
          index = end + 1
        } else {
          parts.append(.number(offset: 0, width: 0, base: .decimal))
        }
      } else {
        text.append(byte)
        index += 1
      }
    }
    parts.append(.text(text))
  }

  private static func number(
    _ bytes: ArraySlice<UInt8>, isClosed: Bool
  ) throws(ZoneFileProblem) -> Part {
    let text = String(decoding: bytes, as: UTF8.self)
    let fields = text.split(separator: ",", omittingEmptySubsequences: false)
    let bases: [Substring: Base] = [
      "d": .decimal, "o": .octal, "x": .lowerHexadecimal, "X": .upperHexadecimal,
      "n": .nibbles(false), "N": .nibbles(true),
    ]
    let width = fields.count > 1 ? Int(fields[1]) : 0
    let base = fields.count > 2 ? bases[fields[2]] : .decimal
    guard isClosed, fields.count <= 3, let offset = Int(fields[0]), let width, let base,
      0...255 ~= width, offset.magnitude <= UInt(Int32.max)
    else { throw ZoneFileProblem("“${\(text)}” is not ${offset,width,base} of $GENERATE") }
    return .number(offset: offset, width: width, base: base)
  }

  /// The entry for a number, with a line's end.
  func entry(_ number: Int) throws(ZoneFileProblem) -> [UInt8] {
    var entry: [UInt8] = []
    for part in parts {
      switch part {
      case .text(let text): entry += text
      case .number(let offset, let width, let base):
        guard number + offset >= 0 else {
          throw ZoneFileProblem("$GENERATE makes the number \(number + offset)")
        }
        entry += Self.digits(number + offset, width: width, base: base).utf8
      }
    }
    return entry + [0x0A]
  }

  private static func digits(_ number: Int, width: Int, base: Base) -> String {
    var text =
      switch base {
      case .decimal: String(number)
      case .octal: String(number, radix: 8)
      case .lowerHexadecimal: String(number, radix: 16)
      case .upperHexadecimal: String(number, radix: 16, uppercase: true)
      case .nibbles(let isUpper):
        // The lowest digit first, a dot between: for names under ip6.arpa.
        String(
          String(number, radix: 16, uppercase: isUpper).reversed()
            .flatMap { [Character("."), $0] }.dropFirst())
      }
    if case .nibbles = base {
      while text.count < width { text += text.count % 2 == 1 ? "." : "0" }
      return text
    }
    if text.count < width { text = String(repeating: "0", count: width - text.count) + text }
    return text
  }
}
