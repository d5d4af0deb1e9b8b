public import Places

/// One figure of a latency model in the form in which it is kept over a restart.
public struct LatencyRecord: Sendable, Equatable {
  /// Whose round trips it is of.
  public enum Group: Sendable, Hashable {
    case network(LatencyNetwork)
    case system(UInt32)
    case country(CountryCode)
  }

  public var group: Group
  public var region: String
  /// Of a network its floor, otherwise the mean residual; milliseconds.
  public var milliseconds: Float
  /// Of a network: what samples are above the floor, milliseconds; otherwise 0.
  public var excess: Float
  /// Samples, or networks.
  public var weight: Float
  /// Seconds since 1970.
  public var updated: UInt32

  /// `192.0.2.0/24,tokyo,23.5,1.25,8,1764144000`; `AS64500` or `DE` in place of the network.
  public var line: String {
    let name =
      switch group {
      case .network(let network): network.prefix.description
      case .system(let asn): "AS\(asn)"
      case .country(let country): country.description
      }
    return "\(name),\(region),\(milliseconds),\(excess),\(weight),\(updated)"
  }

  /// nil for what ``line`` never says.
  public init?(line: some StringProtocol) {
    let fields = line.split(separator: ",", omittingEmptySubsequences: false)
    guard fields.count == 6, let milliseconds = Float(fields[2]), let excess = Float(fields[3]),
      let weight = Float(fields[4]), let updated = UInt32(fields[5]),
      milliseconds.isFinite, excess.isFinite, excess >= 0, weight.isFinite, weight > 0,
      let group = Self.group(fields[0])
    else { return nil }
    self.group = group
    region = String(fields[1])
    self.milliseconds = milliseconds
    self.excess = excess
    self.weight = weight
    self.updated = updated
  }

  init(
    group: Group, region: String, milliseconds: Float, excess: Float, weight: Float, updated: UInt32
  ) {
    self.group = group
    self.region = region
    self.milliseconds = milliseconds
    self.excess = excess
    self.weight = weight
    self.updated = updated
  }

  private static func group(_ text: some StringProtocol) -> Group? {
    if text.hasPrefix("AS") && text.count > 2 {
      return UInt32(text.dropFirst(2)).map { .system($0) }
    }
    if text.count == 2 { return CountryCode(text).map { .country($0) } }
    return AddressPrefix(text).flatMap(LatencyNetwork.init(around:)).map { .network($0) }
  }
}

extension LatencyModel {
  /// Everything that is known and was learned within an age.
  ///
  /// - Parameters:
  ///   - now: seconds since 1970.
  ///   - maximumAge: seconds; what is older is left out.
  public func records(now: UInt32, maximumAge: UInt32) -> [LatencyRecord] {
    let oldest = now > maximumAge ? now - maximumAge : 0
    var records: [LatencyRecord] = []
    for (network, cells) in networks {
      for cell in cells where cell.updated >= oldest {
        records.append(
          LatencyRecord(
            group: .network(network), region: sites[Int(cell.region)].name,
            milliseconds: cell.floor, excess: cell.excess, weight: cell.weight,
            updated: cell.updated))
      }
    }
    let groups: [(LatencyRecord.Group?, UInt64, ResidualCell)] =
      systems.map { (.system(UInt32($0.key >> 16)), $0.key, $0.value) }
      + countries.map {
        (Self.country($0.key).map { .country($0) }, $0.key, $0.value)
      }
    for (group, key, cell) in groups where cell.updated >= oldest && cell.weight > 0 {
      guard let group else { continue }
      records.append(
        LatencyRecord(
          group: group, region: sites[Int(key & 0xFFFF)].name, milliseconds: cell.mean, excess: 0,
          weight: cell.weight, updated: cell.updated))
    }
    return records
  }

  private static func country(_ key: UInt64) -> CountryCode? {
    let letters = [UInt8(truncatingIfNeeded: key >> 24), UInt8(truncatingIfNeeded: key >> 16)]
    return CountryCode(String(decoding: letters, as: UTF8.self))
  }

  /// Takes a record back; one of a region that is no more, or that is too old, or in the future, is
  /// passed over. What was learned since stands.
  public mutating func restore(_ record: LatencyRecord, now: UInt32, maximumAge: UInt32) {
    guard record.updated <= now, now - record.updated <= maximumAge,
      let region = sites.firstIndex(where: { $0.name == record.region })
    else { return }
    switch record.group {
    case .network(let network):
      guard networks[network] != nil || networks.count < limits.networks else { return }
      var cells = networks[network] ?? []
      guard cells.count < limits.regionsPerNetwork,
        !cells.contains(where: { $0.region == region })
      else { return }
      cells.append(MeasuredCell(record, region: UInt16(region)))
      networks[network] = cells
    case .system(let asn):
      let key = Self.key(asn, region)
      if systems[key] == nil && systems.count < limits.systems {
        systems[key] = ResidualCell(record)
      }
    case .country(let country):
      let key = Self.key(UInt32(country.rawValue), region)
      if countries[key] == nil { countries[key] = ResidualCell(record) }
    }
  }
}

extension MeasuredCell {
  fileprivate init(_ record: LatencyRecord, region: UInt16) {
    self.init(
      region: region, milliseconds: Double(record.milliseconds), count: 1, now: record.updated)
    restore(excess: record.excess, weight: record.weight)
  }
}

extension ResidualCell {
  fileprivate init(_ record: LatencyRecord) {
    self.init(mean: record.milliseconds, weight: record.weight, updated: record.updated)
  }
}
