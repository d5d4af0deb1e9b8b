import Places

/// Neighbouring addresses that are in one place.
struct AddressStretch {
  /// In the family of ``isIPv6``; both ends belong to it.
  var first: UInt128
  var last: UInt128
  var isIPv6: Bool
  /// Index into ``PlaceTable/places``.
  var place: Int

  /// Addresses of IPv4, /64 networks of IPv6; at least 1.
  var size: UInt64 {
    isIPv6
      ? UInt64(truncatingIfNeeded: (last >> 64) - (first >> 64)) &+ 1
      : UInt64(truncatingIfNeeded: last - first) + 1
  }

  /// - Parameter offset: below ``size``; in its units.
  func address(at offset: UInt64) -> IPAddress {
    isIPv6
      ? .ipv6(min(first + UInt128(offset) << 64, last))
      : .ipv4(UInt32(truncatingIfNeeded: first) + UInt32(offset))
  }
}

extension PlaceTable {
  /// Every stretch of the whole address space in ascending order, IPv4 first, without the forms of
  /// IPv6 that are answered as IPv4.
  func forEachStretch(_ body: (AddressStretch) -> Void) {
    let table = addresses.unpacked()
    let (starts4, values4) = (table.starts4, table.values4)
    for index in starts4.indices {
      let last = index + 1 < starts4.count ? starts4[index + 1] - 1 : .max
      body(
        AddressStretch(
          first: UInt128(starts4[index]), last: UInt128(last), isIPv6: false,
          place: Int(values4[index])))
    }
    let values6 = table.values6
    for index in values6.indices where values6[index] != AddressTable.foldedValue {
      let last = index + 1 < values6.count ? table.start6(at: index + 1) - 1 : .max
      body(
        AddressStretch(
          first: table.start6(at: index), last: last, isIPv6: true, place: Int(values6[index])))
    }
  }
}
