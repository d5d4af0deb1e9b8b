/// Milliseconds in each unit that a duration may be written in.
private let durationUnits: KeyValuePairs = [
  "ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000,
]

private let sizeUnits: KeyValuePairs = ["KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "B": 1]

/// Parses `500ms`, `2s`, `1m`, `1h`, `14d`; nil otherwise, also for numbers without a unit.
package func parsedDuration(_ text: String) -> Duration? {
  quantity(text, in: durationUnits).map { .milliseconds($0) }
}

/// Parses `64KiB`, `4MiB`, `1GiB`, `512B` into bytes; nil otherwise.
func parsedByteCount(_ text: String) -> Int? { quantity(text, in: sizeUnits) }

/// Parses `10%` or `0.1` into a share of 1; nil otherwise.
package func parsedShare(_ text: String) -> Double? {
  let isPercent = text.hasSuffix("%")
  let number = isPercent ? text.dropLast() : text[...]
  guard number.utf8.allSatisfy({ isDigit($0) || $0 == UInt8(ascii: ".") }),
    let value = Double(number)
  else { return nil }
  return isPercent ? value / 100 : value
}

/// The duration as an operator writes it, in the largest unit that keeps it whole.
func rendered(_ duration: Duration) -> String {
  let milliseconds = wholeMilliseconds(duration)
  guard milliseconds != 0 else { return "0s" }
  let unit = durationUnits.last { milliseconds % $0.value == 0 && milliseconds >= $0.value }
  return unit.map { "\(milliseconds / $0.value)\($0.key)" } ?? "\(milliseconds)ms"
}

func rendered(bytes: Int) -> String {
  let unit = sizeUnits.prefix(3).last { bytes % $0.value == 0 && bytes >= $0.value }
  return unit.map { "\(bytes / $0.value)\($0.key)" } ?? "\(bytes)B"
}

/// Exact for everything that ``parsedDuration(_:)`` gives.
func wholeMilliseconds(_ duration: Duration) -> Int {
  Int(duration.components.seconds) * 1000
    + Int(duration.components.attoseconds / 1_000_000_000_000_000)
}

func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

private func quantity(_ text: String, in units: KeyValuePairs<String, Int>) -> Int? {
  let digits = text.utf8.prefix(while: isDigit)
  let unitName = text[digits.endIndex...]
  guard let number = Int(text[..<digits.endIndex]),
    let unit = units.first(where: { $0.key == unitName })
  else { return nil }
  let (product, overflows) = number.multipliedReportingOverflow(by: unit.value)
  return overflows || product > largestQuantity ? nil : product
}

/// Far above every limit of the settings, and far from overflow in what is computed from it.
private let largestQuantity = 1 << 52
