import Places

/// What one node of a fleet has measured, as it tells the others: the cells of which it has most
/// samples. Weights are as of ``writtenAt``; whoever reads them lets them fade from there.
///
///     bytes  4   "azl1"
///            4   when it was written, seconds since 1970
///            2   regions, how many; of each the length of its name in one byte, and the name
///            2   cells, how many, ascending by network and region; of each
///                2   bit 15: IPv6; bits 0-14: which of the regions
///                6   the network
///                2   the round trip, tenths of a millisecond
///                1   samples, in quarters
///
/// Numbers have their highest byte first.
public struct LatencyWord: Sendable, Equatable {
  /// Bytes: ``mostCells`` cells take 22,528, and the names of regions at most 8,192.
  public static let mostBytes = 32_768
  public static let mostCells = 2_048
  static let mostRegionBytes = 8_192
  private static let bytesPerCell = 11
  private static let mark = Array("azl1".utf8)

  /// Round trips between one network and one region, as one node has measured them.
  public struct Cell: Sendable, Equatable, BitwiseCopyable {
    public let network: LatencyNetwork
    /// Index into ``LatencyWord/regions``.
    public let region: UInt16
    /// Tenths of a millisecond.
    let tenths: UInt16
    /// Of a sample.
    let quarters: UInt8

    public var milliseconds: Double { Double(tenths) / 10 }
    /// Those of a half-life before the word was written counted half.
    public var samples: Double { Double(quarters) / 4 }

    /// What cannot be is taken for the nearer bound.
    public init(network: LatencyNetwork, region: Int, milliseconds: Double, samples: Double) {
      self.network = network
      self.region = UInt16(clamping: region)
      tenths = Self.rounded(milliseconds * 10, within: Self.possibleTenths)
      quarters = UInt8(Self.rounded(samples * 4, within: 1...255))
    }

    fileprivate init?(_ bytes: ArraySlice<UInt8>, regionCount: Int) {
      let head = LatencyWord.number(bytes.prefix(2))
      let network = LatencyWord.number(bytes.dropFirst(2).prefix(6))
      let tenths = UInt16(LatencyWord.number(bytes.dropFirst(8).prefix(2)))
      guard let quarters = bytes.last, quarters > 0, Self.possibleTenths.contains(tenths),
        head & 0x7FFF < UInt64(regionCount), head >> 15 == 1 || network >> 24 == 0
      else { return nil }
      self.network = LatencyNetwork(rawValue: network | (head >> 15) << 63)
      // Forms that carry an IPv4 address are no networks of IPv6.
      guard LatencyNetwork(of: self.network.prefix.address.client) == self.network else {
        return nil
      }
      region = UInt16(head & 0x7FFF)
      self.tenths = tenths
      self.quarters = quarters
    }

    private static let possibleTenths: ClosedRange<UInt16> = 1...30_000

    private static func rounded(
      _ value: Double, within bounds: ClosedRange<UInt16>
    ) -> UInt16 {
      guard value.isFinite else { return bounds.upperBound }
      return UInt16(
        min(max(value.rounded(), Double(bounds.lowerBound)), Double(bounds.upperBound)))
    }

    static func < (a: Cell, b: Cell) -> Bool {
      (a.network.rawValue, a.region) < (b.network.rawValue, b.region)
    }
  }

  /// Seconds since 1970, by the clock of the node.
  public internal(set) var writtenAt: UInt32
  /// Their names, by which cells number them.
  public let regions: [String]
  /// Ascending by network and region, one of each.
  public let cells: [Cell]

  /// - Parameters:
  ///   - cells: by the name of the region; of two of one network and region the first counts, and
  ///     what has no room is left out from the end.
  public init(
    writtenAt: UInt32,
    cells: [(network: LatencyNetwork, region: String, milliseconds: Double, samples: Double)]
  ) {
    var places: [String: Int] = [:]
    var names: [String] = []
    var nameBytes = 0
    var taken: [Cell] = []
    for cell in cells.prefix(Self.mostCells) {
      if places[cell.region] == nil {
        let size = cell.region.utf8.count
        guard size <= 255, nameBytes + size + 1 <= Self.mostRegionBytes else { continue }
        nameBytes += size + 1
        places[cell.region] = names.count
        names.append(cell.region)
      }
      guard let place = places[cell.region] else { continue }
      taken.append(
        Cell(
          network: cell.network, region: place, milliseconds: cell.milliseconds,
          samples: cell.samples))
    }
    self.writtenAt = writtenAt
    regions = names
    self.cells = Self.distinct(taken.sorted(by: <))
  }

  private static func distinct(_ sorted: [Cell]) -> [Cell] {
    sorted.enumerated().filter { index, cell in
      index == 0 || sorted[index - 1].network != cell.network
        || sorted[index - 1].region != cell.region
    }.map(\.element)
  }

  /// nil: these bytes are no node's word, or more than a node would say.
  public init?(_ bytes: [UInt8]) {
    guard bytes.count <= Self.mostBytes, bytes.starts(with: Self.mark) else { return nil }
    var rest = bytes.dropFirst(Self.mark.count)
    guard let writtenAt = Self.take(4, &rest), let regionCount = Self.take(2, &rest) else {
      return nil
    }
    var regions: [String] = []
    for _ in 0..<regionCount {
      guard let size = Self.take(1, &rest), rest.count >= size,
        let name = String(validating: rest.prefix(Int(size)), as: UTF8.self)
      else { return nil }
      regions.append(name)
      rest = rest.dropFirst(Int(size))
    }
    guard Set(regions).count == regions.count, let count = Self.take(2, &rest),
      count <= Self.mostCells, rest.count == Int(count) * Self.bytesPerCell
    else { return nil }
    var cells: [Cell] = []
    cells.reserveCapacity(Int(count))
    for _ in 0..<count {
      guard
        let cell = Cell(rest.prefix(Self.bytesPerCell), regionCount: regions.count),
        cells.last.map({ $0 < cell }) ?? true
      else { return nil }
      cells.append(cell)
      rest = rest.dropFirst(Self.bytesPerCell)
    }
    self.writtenAt = UInt32(writtenAt)
    self.regions = regions
    self.cells = cells
  }

  /// What stands in the store.
  public var bytes: [UInt8] {
    var bytes = Self.mark
    Self.append(UInt64(writtenAt), 4, to: &bytes)
    Self.append(UInt64(regions.count), 2, to: &bytes)
    for name in regions {
      Self.append(UInt64(name.utf8.count), 1, to: &bytes)
      bytes += name.utf8
    }
    Self.append(UInt64(cells.count), 2, to: &bytes)
    for cell in cells {
      let raw = cell.network.rawValue
      Self.append((raw >> 63) << 15 | UInt64(cell.region), 2, to: &bytes)
      Self.append(raw & 0xFFFF_FFFF_FFFF, 6, to: &bytes)
      Self.append(UInt64(cell.tenths), 2, to: &bytes)
      bytes.append(cell.quarters)
    }
    return bytes
  }

  /// What it says of one network.
  ///
  /// - Complexity: one search in ``cells``.
  public func cells(of network: LatencyNetwork) -> ArraySlice<Cell> {
    let first = firstIndex { $0.network.rawValue >= network.rawValue }
    let end = firstIndex { $0.network.rawValue > network.rawValue }
    return cells[first..<end]
  }

  /// Of the cells from somewhere on of which something holds.
  private func firstIndex(where holds: (Cell) -> Bool) -> Int {
    var low = 0
    var high = cells.count
    while low < high {
      let middle = (low + high) / 2
      if holds(cells[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }

  private static func take(_ count: Int, _ rest: inout ArraySlice<UInt8>) -> UInt64? {
    guard rest.count >= count else { return nil }
    defer { rest = rest.dropFirst(count) }
    return number(rest.prefix(count))
  }

  private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    bytes.reduce(0) { $0 << 8 | UInt64($1) }
  }

  private static func append(_ number: UInt64, _ count: Int, to bytes: inout [UInt8]) {
    for place in (0..<count).reversed() {
      bytes.append(UInt8(truncatingIfNeeded: number >> UInt64(8 * place)))
    }
  }
}
