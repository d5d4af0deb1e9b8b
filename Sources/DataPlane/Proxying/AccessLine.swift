package import Places
import Routing

/// Builds one line of JSON in a buffer that is used again and again: allocates nothing once it has
/// grown.
package struct AccessLine {
  package private(set) var bytes: [UInt8] = []

  package init() {}

  /// Starts a line with its time: RFC 3339 §5.6, UTC, milliseconds.
  package mutating func begin(wallClockNanoseconds: UInt64) {
    clear()
    append("{\"time\":\"")
    appendTime(wallClockNanoseconds)
    append("\"")
  }

  /// Ends the line.
  package mutating func end() { append("}\n") }

  package mutating func add(_ name: StaticString, _ value: UInt64) {
    addName(name)
    appendNumber(value)
  }

  package mutating func add(_ name: StaticString, _ value: String?) {
    addName(name)
    guard let value else { return append("null") }
    append("\"")
    appendEscaped(value)
    append("\"")
  }

  /// Milliseconds with three decimals.
  package mutating func add(_ name: StaticString, milliseconds nanoseconds: UInt64?) {
    addName(name)
    guard let nanoseconds else { return append("null") }
    appendNumber(nanoseconds / 1_000_000)
    append(".")
    appendPadded(nanoseconds / 1000 % 1000, digits: 3)
  }

  /// `192.0.2.1:443` or `[2001:db8::1]:443`.
  package mutating func add(_ name: StaticString, _ address: SocketAddress) {
    guard case .ipv4(let bits) = address.address else { return add(name, address.description) }
    addName(name)
    append("\"")
    for shift: UInt32 in [24, 16, 8, 0] {
      appendNumber(UInt64(bits >> shift & 255))
      append(shift == 0 ? ":" : ".")
    }
    appendNumber(UInt64(address.port))
    append("\"")
  }

  package mutating func addConnection(startSeconds: UInt64, worker: Int, sequence: UInt64) {
    addName("connection")
    append("\"")
    appendConnection(startSeconds: startSeconds, worker: worker, sequence: sequence)
    append("\"")
  }

  /// A name: letters, digits, dots, `-` and `_` alone. Empty: null.
  package mutating func add(_ name: StaticString, hostName: [UInt8]) {
    addName(name)
    guard !hostName.isEmpty else { return append("null") }
    append("\"")
    bytes += hostName
    append("\"")
  }

  /// Forgets what stands there.
  package mutating func clear() { bytes.removeAll(keepingCapacity: true) }

  /// `start-worker-sequence` in hexadecimal: unique on this node as long as its clock is.
  package mutating func appendConnection(startSeconds: UInt64, worker: Int, sequence: UInt64) {
    appendHexadecimal(startSeconds)
    append("-")
    appendHexadecimal(UInt64(worker))
    append("-")
    appendHexadecimal(sequence)
  }

  /// `edition-cohort`: the two that name a decision.
  package mutating func appendDecision(edition: UInt64, cohort: UInt64) {
    appendNumber(edition)
    append("-")
    appendNumber(cohort)
  }

  private mutating func addName(_ name: StaticString) {
    append(",\"")
    append(name)
    append("\":")
  }

  private mutating func append(_ text: StaticString) {
    // A static string lives for ever and knows its length.
    let buffer = unsafe UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    unsafe bytes.append(contentsOf: buffer)
  }

  /// RFC 8259 §7: quotation mark, reverse solidus and control characters are escaped.
  private mutating func appendEscaped(_ text: String) {
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        bytes.append(UInt8(ascii: "\\"))
        bytes.append(byte)
      case 0..<0x20:
        append("\\u00")
        appendHexadecimalDigit(byte >> 4)
        appendHexadecimalDigit(byte & 15)
      default: bytes.append(byte)
      }
    }
  }

  private mutating func appendNumber(_ value: UInt64) {
    var divisor: UInt64 = 1
    while value / divisor >= 10 { divisor *= 10 }
    while divisor > 0 {
      bytes.append(UInt8(ascii: "0") + UInt8(value / divisor % 10))
      divisor /= 10
    }
  }

  private mutating func appendPadded(_ value: UInt64, digits: Int) {
    var divisor: UInt64 = 1
    for _ in 1..<digits { divisor *= 10 }
    while divisor > 0 {
      bytes.append(UInt8(ascii: "0") + UInt8(value / divisor % 10))
      divisor /= 10
    }
  }

  private mutating func appendHexadecimal(_ value: UInt64) {
    var shift = max(0, (63 - value.leadingZeroBitCount) / 4 * 4)
    while shift >= 0 {
      appendHexadecimalDigit(UInt8(value >> UInt64(shift) & 15))
      shift -= 4
    }
  }

  private mutating func appendHexadecimalDigit(_ digit: UInt8) {
    bytes.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
  }

  /// Days to a date by the shifted calendar whose year begins in March (Hinnant, "chrono-compatible
  /// low-level date algorithms").
  private mutating func appendTime(_ nanoseconds: UInt64) {
    let seconds = nanoseconds / 1_000_000_000
    let shifted = seconds / 86_400 + 719_468
    let era = shifted / 146_097
    let dayOfEra = shifted % 146_097
    let yearOfEra =
      (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    appendPadded(era * 400 + yearOfEra + (month <= 2 ? 1 : 0), digits: 4)
    append("-")
    appendPadded(month, digits: 2)
    append("-")
    appendPadded(day, digits: 2)
    append("T")
    appendPadded(seconds / 3600 % 24, digits: 2)
    append(":")
    appendPadded(seconds / 60 % 60, digits: 2)
    append(":")
    appendPadded(seconds % 60, digits: 2)
    append(".")
    appendPadded(nanoseconds / 1_000_000 % 1000, digits: 3)
    append("Z")
  }
}
