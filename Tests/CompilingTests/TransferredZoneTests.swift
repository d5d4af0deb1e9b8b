import Compiling
import DNSWire
import Editions
import Publishing
import Settings
import TestSupport
import Testing
import Zones

@Suite struct `Zones that come from primaries` {
  private static let secondary = "  example.net: {primary: {from: [192.0.2.9]}}\ndns:"

  /// - Parameter overlay: what stands beside the primary.
  private func compiled(
    _ overlay: String = "", previous: CompiledSettings? = nil
  ) throws -> CompiledSettings {
    let zone = Self.secondary.replacing("9]}}", with: "9]}\(overlay)}")
    return try compiledText(
      RegionSet.europe.configuration().replacing("dns:", with: zone), previous: previous)
  }

  private func name(_ text: String) -> DomainName { (try? DomainName(text)) ?? .root }

  /// A zone with one address at `www`, which gives way to a steered name.
  private func transferred(
    under steered: [ZoneSource.Steered] = []
  ) throws -> TransferredZone {
    let zone = name("example.net.")
    let soa = name("ns1.example.net.").wire + [0] + Array(repeating: 0, count: 19) + [1]
    return try TransferredZone(under: steered) { (steered) throws(ZoneBlockFaults) in
      var builder = ZoneBlockBuilder(name: zone, rules: .transferred)
      builder.add(owner: zone, ttlSeconds: 60, type: .soa, data: soa, mark: 0)
      builder.add(owner: zone, ttlSeconds: 60, type: .ns, data: [3, 110, 115, 49, 0], mark: 0)
      if steered.isEmpty {
        let www = (try? DomainName("www.example.net.")) ?? .root
        builder.add(owner: www, ttlSeconds: 60, type: .a, data: [192, 0, 2, 1], mark: 0)
      }
      for steered in steered {
        builder.addSteered(
          owner: steered.owner.wire.span.bytes, service: UInt32(steered.service),
          types: steered.types, mark: 0)
      }
      return try builder.build()
    }
  }

  private func naming(_ publisher: EditionPublisher) async -> ZoneTable.Naming {
    await publisher.edition.zones.naming(of: name("www.example.net."))
  }

  @Test func `have no data until they come, and lose it when they go`() async throws {
    let publisher = EditionPublisher(try compiled(), isReady: true, now: { 0 })
    let zone = name("example.net.")
    let edition = await publisher.edition
    let index = try #require(edition.zones.zone(named: zone))
    #expect(!edition.zones.block(ofZone: index).isAvailable)
    try await publisher.replace(zone, by: transferred())
    #expect(await naming(publisher) == .fixed)
    #expect(await publisher.edition.number == edition.number + 1)
    // What is not in the configuration is passed over.
    try await publisher.replace(name("example.com."), by: transferred())
    #expect(await publisher.edition.zones.zoneCount == 2)
    try await publisher.replace(zone, by: nil)
    let after = await publisher.edition.zones
    #expect(!after.block(ofZone: try #require(after.zone(named: zone))).isAvailable)
  }

  @Test func `stay over a reload, under the names that are laid over them then`() async throws {
    let first = try compiled()
    let publisher = EditionPublisher(first, isReady: true, now: { 0 })
    try await publisher.replace(name("example.net."), by: transferred())
    let next = try compiled(", steered: {www: web}", previous: first)
    #expect(await publisher.replace(with: next, conditions: [:]).isEmpty)
    #expect(await naming(publisher) == .steered(service: 0))
    let last = try compiled(previous: next)
    #expect(await publisher.replace(with: last, conditions: [:]).isEmpty)
    #expect(await naming(publisher) == .fixed)
  }

  @Test func `that cannot be served leave the version before in force`() async throws {
    let publisher = EditionPublisher(try compiled(), isReady: true, now: { 0 })
    let zone = name("example.net.")
    try await publisher.replace(zone, by: transferred())
    let steered = [ZoneSource.Steered(owner: name("www.example.org."), service: 0)]
    #expect(throws: ZoneBlockFaults.self) { try transferred(under: steered) }
    #expect(await naming(publisher) == .fixed)
  }
}
