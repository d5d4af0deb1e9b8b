import DNSWire
import Places

// Version 1 (§2.1 of the specification), written without a String.

extension ProxyHeaderWriter {
  /// Writes a header of version 1, such as `PROXY TCP4 192.0.2.1 198.51.100.1 40000 443`, with its
  /// CR and LF.
  ///
  /// - Parameter ends: as in ``init(_:into:)``; nil: `PROXY UNKNOWN`.
  /// - Parameter buffer: of ``ProxyHeader/maximumTextByteCount`` octets at least.
  /// - Returns: octets written.
  public static func writeText(
    _ ends: ProxyHeader.Ends?, into buffer: inout MutableRawSpan
  ) -> Int {
    precondition(
      buffer.byteCount >= ProxyHeader.maximumTextByteCount, "the buffer holds the longest line")
    guard let ends else { return buffer.put("PROXY UNKNOWN\r\n", at: 0) }
    var offset: Int
    if case (.ipv4(let source), .ipv4(let destination)) = ends.addresses {
      offset = buffer.put("PROXY TCP4 ", at: 0)
      offset = buffer.putDottedQuad(source, at: offset)
      offset = buffer.put(" ", at: offset)
      offset = buffer.putDottedQuad(destination, at: offset)
    } else {
      offset = buffer.put("PROXY TCP6 ", at: 0)
      offset = buffer.putGroups(ends.source.address.wideBits, at: offset)
      offset = buffer.put(" ", at: offset)
      offset = buffer.putGroups(ends.destination.address.wideBits, at: offset)
    }
    offset = buffer.put(" ", at: offset)
    offset = buffer.putDecimal(UInt64(ends.source.port), at: offset)
    offset = buffer.put(" ", at: offset)
    offset = buffer.putDecimal(UInt64(ends.destination.port), at: offset)
    return buffer.put("\r\n", at: offset)
  }
}

/// Each returns the offset behind what it has written.
extension MutableRawSpan {
  mutating func put(_ byte: UInt8, at offset: Int) -> Int {
    storeBytes(of: byte, toByteOffset: offset, as: UInt8.self)
    return offset &+ 1
  }

  /// - Parameter text: ASCII.
  mutating func put(_ text: StaticString, at offset: Int) -> Int {
    let count = text.utf8CodeUnitCount
    // The octets of a literal are there for ever, as many as it says.
    let source = unsafe RawSpan(_unsafeStart: text.utf8Start, byteCount: count)
    copy(source, from: 0, count: count, to: offset)
    return offset &+ count
  }

  mutating func putDecimal(_ number: UInt64, at offset: Int) -> Int {
    let end = offset &+ decimalDigitCount(number)
    var (rest, position) = (number, end)
    repeat {
      position &-= 1
      _ = put(UInt8(ascii: "0") &+ UInt8(rest % 10), at: position)
      rest /= 10
    } while position > offset
    return end
  }

  mutating func putDottedQuad(_ bits: UInt32, at start: Int) -> Int {
    var offset = putDecimal(UInt64(bits >> 24), at: start)
    var shift: UInt32 = 24
    while shift > 0 {
      shift &-= 8
      offset = put(UInt8(ascii: "."), at: offset)
      offset = putDecimal(UInt64(bits >> shift & 255), at: offset)
    }
    return offset
  }

  /// Eight groups of hexadecimal digits, the longest run of zeros as `::` (RFC 5952 §4.2). The
  /// specification wants hexadecimal digits in mapped addresses, too.
  mutating func putGroups(_ bits: UInt128, at start: Int) -> Int {
    let zeros = longestZeros(bits)
    var (offset, group) = (start, 0)
    while group < 8 {
      if group == zeros.lowerBound, zeros.count > 1 {
        offset = put("::", at: offset)
        group = zeros.upperBound
        continue
      }
      if group > 0, group != zeros.upperBound || zeros.count < 2 {
        offset = put(UInt8(ascii: ":"), at: offset)
      }
      offset = putHexadecimal(hexGroup(group, of: bits), at: offset)
      group &+= 1
    }
    return offset
  }

  private mutating func putHexadecimal(_ number: UInt16, at start: Int) -> Int {
    var offset = start
    var shift = max(0, 12 &- number.leadingZeroBitCount / 4 &* 4)
    while shift >= 0 {
      let digit = UInt8(number >> UInt16(shift) & 15)
      let letter = digit < 10 ? UInt8(ascii: "0") : UInt8(ascii: "a") &- 10
      offset = put(letter &+ digit, at: offset)
      shift &-= 4
    }
    return offset
  }
}

func decimalDigitCount(_ number: UInt64) -> Int {
  var (count, rest) = (1, number / 10)
  while rest > 0 {
    count &+= 1
    rest /= 10
  }
  return count
}

private func hexGroup(_ index: Int, of bits: UInt128) -> UInt16 {
  UInt16(truncatingIfNeeded: bits >> UInt128(112 &- 16 &* index))
}

/// The first of the longest runs of groups that are zero.
private func longestZeros(_ bits: UInt128) -> Range<Int> {
  var (longest, start) = (0..<0, 0)
  for group in 0..<8 {
    if hexGroup(group, of: bits) != 0 {
      start = group &+ 1
    } else if group &+ 1 &- start > longest.count {
      longest = start..<(group &+ 1)
    }
  }
  return longest
}
