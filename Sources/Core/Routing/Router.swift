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
  public init(maps: CohortMaps, services: [RoutingModel.Service], sets: [VerdictSet]) {
    var entries: [Entry] = []
    var verdicts: [Verdict] = []
    var slots: [UInt16] = []
    var outcomeCount = 0
    for (service, set) in zip(services, sets) {
      entries.append(
        Entry(
          map: Int32(service.map), firstVerdict: UInt32(verdicts.count),
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
