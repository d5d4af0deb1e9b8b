import DNSWire

// What nearly all records of a large zone are made of, straight from the file's bytes. Whatever is
// not quite plain gets nil here and is read by ``RecordData``, which knows all forms and says what
// is wrong.

/// Appends a name in wire form.
///
/// - Parameter origin: in wire form, what the name stands under if it has no final dot.
/// - Returns: false, and nothing appended, unless the name is plain and right.
func appendName(
  _ bytes: RawSpan, _ field: EntryScanner.Field, origin: [UInt8], to name: inout [UInt8]
) -> Bool {
  let start = name.count
  guard field.isPlain else { return false }
  if field.end - field.start == 1, bytes.byte(at: field.start) == UInt8(ascii: "@") {
    name += origin
    return true
  }
  var label = start
  name.append(0)
  for offset in field.start..<field.end {
    let byte = bytes.byte(at: offset)
    if byte != UInt8(ascii: ".") {
      name.append(byte)
      continue
    }
    guard endLabel(label, of: &name) else {
      name.removeLast(name.count - start)
      return false
    }
    label = name.count
    name.append(0)
  }
  let isAbsolute = label == name.count - 1
  if isAbsolute ? label > start : endLabel(label, of: &name) {
    if !isAbsolute { name += origin }
    if name.count - start <= Query.maximumNameByteCount { return true }
  }
  name.removeLast(name.count - start)
  return false
}

/// Sets the length of a label that begins here and ends where the name does.
private func endLabel(_ label: Int, of name: inout [UInt8]) -> Bool {
  let byteCount = name.count - label - 1
  guard 1...63 ~= byteCount else { return false }
  name[label] = UInt8(truncatingIfNeeded: byteCount)
  return true
}

/// A decimal number up to a limit; nil otherwise.
func number(_ bytes: RawSpan, _ field: EntryScanner.Field, atMost limit: Int) -> Int? {
  guard 1...10 ~= field.end - field.start else { return nil }
  var value = 0
  for offset in field.start..<field.end {
    let digit = bytes.byte(at: offset) &- UInt8(ascii: "0")
    guard digit < 10 else { return nil }
    value = value * 10 + Int(digit)
  }
  return value <= limit ? value : nil
}

/// Seconds, or numbers with units as in `1h30m`; at most 2³¹ − 1 (RFC 2181 §8).
func ttlSeconds(_ bytes: RawSpan, _ field: EntryScanner.Field) -> UInt32? {
  let limit = Int(Int32.max)
  var total = 0
  var value: Int?
  for offset in field.start..<field.end {
    let byte = bytes.byte(at: offset)
    let digit = byte &- UInt8(ascii: "0")
    if digit < 10 {
      value = (value ?? 0) * 10 + Int(digit)
    } else {
      guard let count = value, let unit = unitSeconds(byte) else { return nil }
      total += count * unit
      value = nil
    }
    guard total <= limit, value ?? 0 <= limit else { return nil }
  }
  // Behind units a number without one would say nothing.
  guard let rest = value else { return UInt32(truncatingIfNeeded: total) }
  return total == 0 ? UInt32(truncatingIfNeeded: rest) : nil
}

private func unitSeconds(_ byte: UInt8) -> Int? {
  switch byte | 0x20 {
  case UInt8(ascii: "s"): 1
  case UInt8(ascii: "m"): 60
  case UInt8(ascii: "h"): 3_600
  case UInt8(ascii: "d"): 86_400
  case UInt8(ascii: "w"): 604_800
  default: nil
  }
}

/// Appends an address; false, and nothing appended, unless it is four plain numbers.
func appendIPv4(_ bytes: RawSpan, _ field: EntryScanner.Field, to data: inout [UInt8]) -> Bool {
  var value: UInt32 = 0
  var part: UInt32 = 0
  var digitCount = 0
  var partCount = 0
  for offset in field.start..<field.end {
    let byte = bytes.byte(at: offset)
    if byte == UInt8(ascii: ".") {
      guard digitCount > 0 else { return false }
      value = value << 8 | part
      partCount += 1
      part = 0
      digitCount = 0
      continue
    }
    let digit = byte &- UInt8(ascii: "0")
    // No leading zeros: whether such numbers are octal nobody knows.
    guard digit < 10, digitCount == 0 || part > 0 else { return false }
    part = part * 10 + UInt32(digit)
    digitCount += 1
    guard part < 256 else { return false }
  }
  guard partCount == 3, digitCount > 0 else { return false }
  appendBigEndian(value << 8 | part, to: &data)
  return true
}

/// Appends an address; false, and nothing appended, unless it is plain groups of digits.
func appendIPv6(_ bytes: RawSpan, _ field: EntryScanner.Field, to data: inout [UInt8]) -> Bool {
  var groups = InlineArray<8, UInt16>(repeating: 0)
  var count = 0
  var gap = -1
  var offset = field.start
  while offset < field.end {
    if bytes.byte(at: offset) == UInt8(ascii: ":") {
      // A colon where a group would begin: the second of two.
      guard gap < 0, offset + 1 < field.end, bytes.byte(at: offset + 1) == UInt8(ascii: ":")
      else { return false }
      gap = count
      offset += 2
      continue
    }
    var value: UInt16 = 0
    let start = offset
    while offset < field.end, let digit = hexadecimalValue(bytes.byte(at: offset)) {
      value = value << 4 | UInt16(digit)
      offset += 1
    }
    guard 1...4 ~= offset - start, count < 8 else { return false }
    groups[count] = value
    count += 1
    guard offset < field.end else { break }
    guard bytes.byte(at: offset) == UInt8(ascii: ":"), offset + 1 < field.end else { return false }
    // Of two colons both are left for the gap.
    if bytes.byte(at: offset + 1) != UInt8(ascii: ":") { offset += 1 }
  }
  guard gap < 0 ? count == 8 : count < 8 else { return false }
  for index in 0..<8 {
    let fromGap = gap < 0 ? index : index < gap ? index : index - (8 - count)
    let group = gap >= 0 && index >= gap && fromGap < gap ? 0 : groups[max(0, fromGap)]
    appendBigEndian(group, to: &data)
  }
  return true
}

private func hexadecimalValue(_ byte: UInt8) -> UInt8? {
  let digit = byte &- UInt8(ascii: "0")
  if digit < 10 { return digit }
  let letter = (byte | 0x20) &- UInt8(ascii: "a")
  return letter < 6 ? letter + 10 : nil
}

/// Appends a string with its length; false, and nothing appended, unless it is plain and short.
func appendString(_ bytes: RawSpan, _ field: EntryScanner.Field, to data: inout [UInt8]) -> Bool {
  guard !field.hasEscapes, field.isPlain || field.isQuoted else { return false }
  let inset = field.isQuoted ? 1 : 0
  let byteCount = field.end - field.start - 2 * inset
  guard 0...255 ~= byteCount else { return false }
  data.append(UInt8(truncatingIfNeeded: byteCount))
  for offset in (field.start + inset)..<(field.end - inset) { data.append(bytes.byte(at: offset)) }
  return true
}

func appendBigEndian<Number: FixedWidthInteger>(_ number: Number, to data: inout [UInt8]) {
  for shift in stride(from: Number.bitWidth - 8, through: 0, by: -8) {
    data.append(UInt8(truncatingIfNeeded: number >> Number(shift)))
  }
}
