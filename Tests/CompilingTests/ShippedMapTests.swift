import Compiling
import Editions
import Places
import Routing
import TestSupport
import Testing

/// Runs of one cohort, worked out from the places one by one and not from the merged map.
private struct Run<Address: FixedWidthInteger & UnsignedInteger> {
  var first: Address
  var last: Address
  var cohort: UInt32
}

private func runs<Address: FixedWidthInteger & UnsignedInteger>(
  starts: [Address], values: [UInt32], cohortOfPlace: [UInt32]
) -> [Run<Address>] {
  var runs: [Run<Address>] = []
  for (index, start) in starts.enumerated() {
    let last = index + 1 < starts.count ? starts[index + 1] - 1 : Address.max
    let isFolded = values[index] == AddressTable.foldedValue
    let cohort = isFolded ? AddressTable.foldedValue : cohortOfPlace[Int(values[index])]
    if let previous = runs.last, previous.cohort == cohort {
      runs[runs.count - 1].last = last
    } else {
      runs.append(Run(first: start, last: last, cohort: cohort))
    }
  }
  return runs
}

/// The maximal prefixes that a run is made of: each address of the run lies in exactly one, and
/// it is the widest prefix around that address inside the run.
private func forEachPrefix<Address: FixedWidthInteger & UnsignedInteger>(
  of run: Run<Address>, _ body: (_ first: Address, _ last: Address, _ bits: Int) -> Void
) {
  var first = run.first
  while true {
    var hostBits = min(first.trailingZeroBitCount, Address.bitWidth)
    while hostBits > 0 {
      let size = hostBits == Address.bitWidth ? Address.max : (Address(1) << hostBits) - 1
      if size <= run.last - first { break }
      hostBits -= 1
    }
    let size = hostBits == Address.bitWidth ? Address.max : (Address(1) << hostBits) - 1
    body(first, first + size, Address.bitWidth - hostBits)
    guard first + size < run.last else { return }
    first += size + 1
  }
}

@Suite struct `The merged map of the shipped database` {
  @Test(arguments: RegionSet.allCases)
  func `gives every address the widest scope in which all clients are of its cohort`(
    set: RegionSet
  ) throws {
    let compiled = try set.compiled(
      prefixes: [
        "133.0.0.0/8 regions=frankfurt", "133.11.0.0/16 regions=dublin",
        "133.11.0.64/26 country=BR", "2a02::/16 regions=dublin", "2a02:2e0::1/128 regions=paris",
      ].filter { set != .continents || !$0.contains("paris") },
      extra: """
        fences:
          eu-data: {clients: {eu: true}, regions: {tags: [eu]}}
        """)
    let map = compiled.model.maps[0]
    let table = compiled.model.places.addresses
    var prefixCount = 0
    var wrong = 0
    for run in runs(
      starts: table.starts4, values: table.values4, cohortOfPlace: map.cohortOfPlace)
    {
      forEachPrefix(of: run) { first, last, bits in
        prefixCount += 1
        for address in [first, last] {
          let match = compiled.maps.find(map: 0, client: ClientAddress(ipv4: address))
          if match != CohortMatch(cohort: run.cohort, scopeBits: UInt8(bits)) { wrong += 1 }
        }
      }
    }
    for run in runs(
      starts: table.starts6, values: table.values6, cohortOfPlace: map.cohortOfPlace)
    where run.cohort != AddressTable.foldedValue {
      forEachPrefix(of: run) { first, last, bits in
        prefixCount += 1
        for address in [first, last] {
          let match = compiled.maps.find(map: 0, client: ClientAddress(ipv6: address))
          if match != CohortMatch(cohort: run.cohort, scopeBits: UInt8(bits)) { wrong += 1 }
        }
      }
    }
    #expect(wrong == 0, "of \(prefixCount) prefixes")
    #expect(prefixCount > 100_000)
  }

  @Test(arguments: RegionSet.allCases)
  func `sends every place to its nearest region`(set: RegionSet) throws {
    let model = try set.compiled().model
    let map = model.maps[0]
    var disagreements = 0
    for (index, place) in model.places.places.enumerated() {
      guard let point = place.point else { continue }
      let distances = model.regions.compactMap { $0.point.map { squaredChord(point, $0) } }
      let chosen = map.cohorts[Int(map.cohortOfPlace[index])].regions[0]
      // A few centimetres are a tie.
      if distances[chosen] - (distances.min() ?? 0) > 1e-8 { disagreements += 1 }
    }
    #expect(disagreements == 0)
    #expect(model.places.places.count > 5000)
  }

  @Test(arguments: RegionSet.allCases)
  func `keeps the scope honest while regions are down`(set: RegionSet) throws {
    let compiled = try set.compiled()
    var generator = SeededGenerator(seed: 44)
    for _ in 0..<3 {
      var board = compiled.healthyBoard
      for index in board.conditions.indices where Int.random(in: 0..<3, using: &generator) == 0 {
        board.conditions[index].health = .unhealthy
      }
      let edition = Edition(
        number: 1, revision: 1, zones: compiled.zones, maps: compiled.maps, model: compiled.model,
        board: board, isReady: true)
      var wrong = 0
      for start in compiled.model.places.addresses.starts4 {
        var silent = SilentTrace()
        let own = edition.steering.route(ClientAddress(ipv4: start), to: 0, trace: &silent)
        let host = own.scopeBits >= 32 ? 0 : ~UInt32(0) >> UInt32(own.scopeBits)
        for address in [start & ~host, start | host, start ^ (host >> 1)] {
          let other = edition.steering.route(ClientAddress(ipv4: address), to: 0, trace: &silent)
          if other.outcome != own.outcome || other.scopeBits != own.scopeBits { wrong += 1 }
        }
      }
      #expect(wrong == 0)
    }
  }
}

/// Through the Earth, unlike the code under test, which uses haversines. In squared radii.
private func squaredChord(_ a: GeoPoint, _ b: GeoPoint) -> Double {
  let (first, second) = (a.unitVector, b.unitVector)
  return first.squaredChord(to: second)
}
