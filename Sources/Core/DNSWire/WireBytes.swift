// Loads and stores on spans, each checked against the span's bounds: "unsafe" in the standard
// library's sense only because any bit pattern is taken for the type asked for, which is right
// for integers.

extension RawSpan {
  @inlinable
  public func byte(at offset: Int) -> UInt8 {
    unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self)
  }

  /// Two bytes in network order.
  @inlinable
  public func uint16(at offset: Int) -> UInt16 {
    unsafe UInt16(bigEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt16.self))
  }

  /// Four bytes in network order.
  @inlinable
  public func uint32(at offset: Int) -> UInt32 {
    unsafe UInt32(bigEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }

  /// Eight bytes in network order.
  @inlinable
  public func uint64(at offset: Int) -> UInt64 {
    unsafe UInt64(bigEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }

  /// Eight bytes, the first in the lowest bits.
  @inlinable
  public func word(at offset: Int) -> UInt64 {
    unsafe UInt64(littleEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }

  /// At most eight bytes, the first in the lowest bits, zero behind the last; eight are loaded.
  @inlinable
  public func word(at offset: Int, byteCount: Int) -> UInt64 {
    let word = word(at: offset)
    if byteCount >= 8 { return word }
    return word & ~(~0 &<< UInt64(truncatingIfNeeded: byteCount &* 8))
  }
}

extension MutableRawSpan {
  /// Stores in network order.
  @inlinable
  public mutating func store(_ value: UInt16, at offset: Int) {
    storeBytes(of: value.bigEndian, toByteOffset: offset, as: UInt16.self)
  }

  /// Stores in network order.
  @inlinable
  public mutating func store(_ value: UInt32, at offset: Int) {
    storeBytes(of: value.bigEndian, toByteOffset: offset, as: UInt32.self)
  }

  /// Stores in network order.
  @inlinable
  public mutating func store(_ value: UInt64, at offset: Int) {
    storeBytes(of: value.bigEndian, toByteOffset: offset, as: UInt64.self)
  }

  /// Copies `count` bytes of `source` that begin at `start` to `offset`, eight at a time; the last
  /// eight overlap the ones before.
  @inlinable
  public mutating func copy(_ source: RawSpan, from start: Int, count: Int, to offset: Int) {
    guard count >= 8 else {
      for index in 0..<max(count, 0) {
        storeBytes(
          of: source.byte(at: start &+ index), toByteOffset: offset &+ index, as: UInt8.self)
      }
      return
    }
    var done = 0
    while done &+ 8 < count {
      unsafe storeBytes(
        of: source.unsafeLoadUnaligned(fromByteOffset: start &+ done, as: UInt64.self),
        toByteOffset: offset &+ done, as: UInt64.self)
      done &+= 8
    }
    unsafe storeBytes(
      of: source.unsafeLoadUnaligned(fromByteOffset: start &+ count &- 8, as: UInt64.self),
      toByteOffset: offset &+ count &- 8, as: UInt64.self)
  }
}

/// Eight bytes of a name in lower case (RFC 4343 §3). The bytes of label lengths are below `A`, so
/// a whole name in wire form is lowered without looking at its labels.
@inlinable
public func lowered(_ word: UInt64) -> UInt64 {
  let ones: UInt64 = 0x0101_0101_0101_0101
  let low7 = word & (ones &* 0x7F)
  let fromA = low7 &+ (ones &* (0x80 - 0x41))
  let beyondZ = low7 &+ (ones &* (0x80 - 0x5B))
  return word | ((fromA & ~beyondZ & ~word & (ones &* 0x80)) >> 2)
}

/// In network order.
public func bigEndianBytes<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
  stride(from: Number.bitWidth - 8, through: 0, by: -8).map {
    UInt8(truncatingIfNeeded: number >> Number($0))
  }
}
