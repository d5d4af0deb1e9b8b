// This module imports nothing of ours, so that addresses in records are read here and not by
// Places.

/// A dotted quad without leading zeros, as four bytes; nil otherwise.
func ipv4Bytes(_ text: some StringProtocol) -> [UInt8]? {
  let parts = text.split(separator: ".", omittingEmptySubsequences: false)
  guard parts.count == 4 else { return nil }
  var bytes: [UInt8] = []
  for part in parts {
    guard let byte = UInt8(part), part == String(byte) else { return nil }
    bytes.append(byte)
  }
  return bytes
}

/// RFC 4291 §2.2, as sixteen bytes; nil otherwise.
func ipv6Bytes(_ text: some StringProtocol) -> [UInt8]? {
  var text = String(text)
  if text.contains("."), let colon = text.lastIndex(of: ":") {
    guard let quad = ipv4Bytes(text[text.index(after: colon)...]) else { return nil }
    let high = String(UInt16(quad[0]) << 8 | UInt16(quad[1]), radix: 16)
    let low = String(UInt16(quad[2]) << 8 | UInt16(quad[3]), radix: 16)
    text = text[...colon] + "\(high):\(low)"
  }
  guard let gap = doubleColon(in: text) else {
    let bytes = groupBytes(text[...])
    return bytes?.count == 16 ? bytes : nil
  }
  guard let front = groupBytes(text[..<gap.lowerBound]),
    let back = groupBytes(text[gap.upperBound...]),
    front.count + back.count <= 14
  else { return nil }
  return front + Array(repeating: 0, count: 16 - front.count - back.count) + back
}

private func doubleColon(in text: String) -> Range<String.Index>? {
  var index = text.startIndex
  while index < text.endIndex {
    let next = text.index(after: index)
    if text[index...].hasPrefix("::") { return index..<text.index(after: next) }
    index = next
  }
  return nil
}

/// Groups of one to four hexadecimal digits between colons, two bytes each; nothing for nothing.
private func groupBytes(_ text: Substring) -> [UInt8]? {
  guard !text.isEmpty else { return [] }
  var bytes: [UInt8] = []
  for group in text.split(separator: ":", omittingEmptySubsequences: false) {
    guard (1...4).contains(group.utf8.count),
      group.utf8.allSatisfy({ hexadecimalDigit($0) != nil }),
      let value = UInt16(group, radix: 16)
    else { return nil }
    bytes += bigEndianBytes(value)
  }
  return bytes
}

func ipv4Text(_ bytes: [UInt8]) -> String { bytes.map { String($0) }.joined(separator: ".") }

/// RFC 5952 §4, without dotted quads.
func ipv6Text(_ bytes: [UInt8]) -> String {
  let groups = stride(from: 0, to: 16, by: 2).map { UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]) }
  func text(_ groups: ArraySlice<UInt16>) -> String {
    groups.map { String($0, radix: 16) }.joined(separator: ":")
  }
  // §4.2.3: the longest run of zeros, the first of several.
  var longest = 0..<0
  for start in groups.indices {
    let end = groups[start...].firstIndex { $0 != 0 } ?? groups.count
    if end - start > max(1, longest.count) { longest = start..<end }
  }
  guard !longest.isEmpty else { return text(groups[...]) }
  return text(groups[..<longest.lowerBound]) + "::" + text(groups[longest.upperBound...])
}
