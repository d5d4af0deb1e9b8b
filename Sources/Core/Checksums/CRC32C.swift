/// CRC-32C (RFC 3720 §12.1), four bits at a time: sixteen words stay in the cache, and the longest
/// header of a connection takes a microsecond.
public struct CRC32C: Sendable {
  @usableFromInline
  var remainder: UInt32 = ~0

  @inlinable
  public init() {}

  /// Of all of these bytes.
  @inlinable
  public init(_ bytes: some Sequence<UInt8>) {
    self.init()
    for byte in bytes { add(byte) }
  }

  @inlinable public var value: UInt32 { ~remainder }

  @inlinable
  public mutating func add(_ byte: UInt8) {
    remainder ^= UInt32(byte)
    remainder = remainder >> 4 ^ Self.table[Int(remainder & 15)]
    remainder = remainder >> 4 ^ Self.table[Int(remainder & 15)]
  }

  /// Of each four bits, what the polynomial 0x1EDC6F41 (reflected) leaves.
  @usableFromInline
  static let table: InlineArray<16, UInt32> = [
    0x0000_0000, 0x105E_C76F, 0x20BD_8EDE, 0x30E3_49B1, 0x417B_1DBC, 0x5125_DAD3, 0x61C6_9362,
    0x7198_540D, 0x82F6_3B78, 0x92A8_FC17, 0xA24B_B5A6, 0xB215_72C9, 0xC38D_26C4, 0xD3D3_E1AB,
    0xE330_A81A, 0xF36E_6F75,
  ]
}
