extension PlaceTable {
  /// The same table with measured networks told apart, as override prefixes are: each stretch of a
  /// place inside a network becomes a place of its own behind the others, whose indices stay.
  ///
  /// - Parameter networks: distinct. Where one lies inside another, it speaks alone.
  /// - Returns: the table, and of each place behind the others the place that it was cut from.
  /// - Complexity: linear in the ranges of the table.
  public func divided(by networks: [AddressPrefix]) -> (table: PlaceTable, origins: [UInt32]) {
    guard !networks.isEmpty else { return (self, []) }
    var added: [Place] = []
    var origins: [UInt32] = []
    var indices: [UInt64: UInt32] = [:]
    let divided = addresses.unpacked().combined(with: Self.table(of: networks)) { own, network in
      guard network > 0 else { return own }
      let key = UInt64(own) << 32 | UInt64(network)
      if let known = indices[key] { return known }
      let index = UInt32(places.count + added.count)
      var place = places[Int(own)]
      place.network = network
      added.append(place)
      origins.append(own)
      indices[key] = index
      return index
    }
    let table = PlaceTable(
      addresses: PackedAddressTable(divided), places: places + added, cityNames: cityNames,
      overrides: overrides, prefixSets: prefixSets, networks: networks)
    return (table, origins)
  }

  /// Address → index into `networks` plus 1; 0 outside all of them.
  private static func table(of networks: [AddressPrefix]) -> AddressTable {
    var prefixes4: [RangePrefix<UInt32>] = []
    var prefixes6: [RangePrefix<UInt128>] = []
    for (index, network) in networks.enumerated() {
      let tag = UInt32(index) + 1
      if let prefix = RangePrefix<UInt32>(network, tag: tag) { prefixes4.append(prefix) }
      if let prefix = RangePrefix<UInt128>(network, tag: tag) { prefixes6.append(prefix) }
    }
    RangePrefix.sort(&prefixes4)
    RangePrefix.sort(&prefixes6)
    return AddressTable(
      ranges4: RangeList(base: 0, prefixes: prefixes4) { $1.tag },
      ranges6: RangeList(base: 0, prefixes: prefixes6) { $1.tag })
  }
}
