public import Homes
public import Places

/// All that routing a client reads, flattened for the hot path: the merged maps of addresses to
/// cohorts, and the current verdicts of every service in one row of arrays.
///
///     services[s] ─┬─ map ──────────── maps.find(address) → cohort, scope
///                  ├─ firstVerdict ─── verdicts[firstVerdict + cohort] → outcome, or slot table
///                  └─ firstOutcome ─── outcome indices are counted from here over all services
///
/// Kept as a stored constant of the edition and borrowed, so that reading it touches no reference
/// count.
public struct SteeringTable: ~Copyable, Sendable {
  public let maps: CohortMaps
  @usableFromInline let services: [Entry]
  @usableFromInline let verdicts: [Verdict]
  @usableFromInline let slots: [UInt16]
  private let homes: HomeMaps
  /// By service; empty where none goes by a key.
  private let homeEntries: [HomeEntry]

  private struct HomeEntry: Sendable, BitwiseCopyable {
    /// Of ``homes``.
    var map: Int32
    /// The service of the first home; those of the others follow.
    var firstCell: UInt32
  }

  @usableFromInline
  struct Entry: Sendable, BitwiseCopyable {
    @usableFromInline var map: Int32
    @usableFromInline var firstVerdict: UInt32
    @usableFromInline var firstOutcome: UInt32
    @usableFromInline var firstSlotTable: UInt32
    @usableFromInline var drawKey: DrawKey

    init(
      map: Int32, firstVerdict: UInt32, firstOutcome: UInt32, firstSlotTable: UInt32,
      drawKey: DrawKey
    ) {
      self.map = map
      self.firstVerdict = firstVerdict
      self.firstOutcome = firstOutcome
      self.firstSlotTable = firstSlotTable
      self.drawKey = drawKey
    }
  }

  /// - Parameters:
  ///   - maps: address → cohort, one for each of ``RoutingModel/maps``.
  ///   - sets: one for each of `services`.
  ///   - homes: see ``RoutingModel/homes``.
  ///   - uniformMap: see ``RoutingModel/uniformMap``.
  public init(
    maps: CohortMaps, services: [RoutingModel.Service], sets: [VerdictSet],
    homes: HomeMaps = .empty, uniformMap: Int? = nil
  ) {
    var entries: [Entry] = []
    var verdicts: [Verdict] = []
    var slots: [UInt16] = []
    var outcomeCount = 0
    for (service, set) in zip(services, sets) {
      entries.append(
        Entry(
          map: Int32(
            set.isUniform && service.home != nil ? uniformMap ?? service.map : service.map),
          firstVerdict: UInt32(verdicts.count),
          firstOutcome: UInt32(outcomeCount),
          firstSlotTable: UInt32(slots.count / SlotTable.slotCount), drawKey: service.drawKey))
      verdicts += set.verdicts
      outcomeCount += set.outcomes.count
      for table in set.slotTables { slots += table }
    }
    self.maps = maps
    self.services = entries
    self.verdicts = verdicts
    self.slots = slots
    self.homes = homes
    homeEntries = Self.homeEntries(services)
  }

  private static func homeEntries(_ services: [RoutingModel.Service]) -> [HomeEntry] {
    guard services.contains(where: { $0.home != nil }) else { return [] }
    var mapCount: Int32 = 0
    return services.indices.map { index in
      guard services[index].home?.service == index else { return HomeEntry(map: -1, firstCell: 0) }
      mapCount += 1
      let first = services.indices.first { $0 > index && services[$0].home?.service == index }
      return HomeEntry(map: mapCount - 1, firstCell: UInt32(first ?? index))
    }
  }

  /// The service that answers for a key of another service, and what has said so.
  ///
  /// - Parameters:
  ///   - bytes: hold the key, in any case, from `offset` on.
  ///   - service: one that goes by a key, which also answers for keys without a home.
  /// - Complexity: O(length of the key); allocates nothing.
  public func cell(
    of service: Int, key bytes: RawSpan, at offset: Int, byteCount: Int
  ) -> (service: Int, rule: HomeRule) {
    let entry = homeEntries[service]
    let match = homes.find(map: Int(entry.map), bytes, at: offset, byteCount: byteCount)
    return (match.home.map { Int(entry.firstCell) &+ $0 } ?? service, match.rule)
  }

  /// The decision for a client of a service.
  ///
  /// - Parameter service: an index into the services this was made with.
  /// - Complexity: one look-up in the merged map, two or three loads; allocates nothing.
  @inlinable
  public func route<Trace: RouteTrace>(
    _ client: ClientAddress, to service: Int, trace: inout Trace
  ) -> Decision {
    let entry = services[service]
    let match = maps.find(map: Int(entry.map), client: client)
    trace.record(.cohort(index: Int(match.cohort), scopeBits: Int(match.scopeBits)))
    let verdict = verdicts[Int(entry.firstVerdict) &+ Int(match.cohort)]
    var outcome = verdict.index
    var scopeBits = match.scopeBits
    if verdict.isDrawn {
      let (prefix, bits) = drawPrefix(of: client, key: entry.drawKey)
      let slot = SlotTable.slot(of: prefix)
      trace.record(.drawn(slot: slot))
      let table = Int(entry.firstSlotTable) &+ outcome
      outcome = Int(slots[table &* SlotTable.slotCount &+ slot])
      scopeBits = max(scopeBits, bits)
    }
    return Decision(
      outcome: Int(entry.firstOutcome) &+ outcome, cohort: match.cohort, scopeBits: scopeBits)
  }

  /// The row of a decision's cohort over all services, for counting.
  @inlinable
  public func row(of decision: Decision, service: Int) -> Int {
    Int(services[service].firstVerdict) &+ Int(decision.cohort)
  }

  /// The part of the address that draws, tagged by family, and its length in the family that the
  /// client used.
  @inlinable
  func drawPrefix(of client: ClientAddress, key: DrawKey) -> (prefix: UInt128, bits: UInt8) {
    switch client.family {
    case .ipv4:
      let kept = UInt32(32 &- min(key.bitsIPv4, 32))
      let low = UInt32(truncatingIfNeeded: client.bits) >> kept
      return (UInt128(low) | 4 << 64, key.bitsIPv4 &+ client.scopeOffsetBits)
    case .ipv6:
      return (client.bits >> UInt128(128 &- min(key.bitsIPv6, 128)), key.bitsIPv6)
    }
  }
}

/// What the router says of one client.
public struct Decision: Sendable, Equatable, BitwiseCopyable {
  /// Over all services; see ``SteeringTable``.
  public var outcome: Int
  public var cohort: UInt32
  /// All clients within so many leading bits of this one's address get the same (RFC 7871
  /// §7.2.1); in the family that the client used.
  public var scopeBits: UInt8

  @inlinable
  public init(outcome: Int, cohort: UInt32, scopeBits: UInt8) {
    self.outcome = outcome
    self.cohort = cohort
    self.scopeBits = scopeBits
  }
}
