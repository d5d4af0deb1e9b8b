import DNSWire
import Testing
import Zones

@testable import Transferring

@Suite struct `What was transferred, as it is served` {
  private func served(
    _ records: [ZoneRecord], under steered: [ZoneSource.Steered] = []
  ) throws -> ServedZone {
    var all = [
      ZoneRecord(owner: zone, ttlSeconds: 300, type: .ns, data: name("ns1.example.net.").wire)
    ]
    all += records
    return ServedZone(try contents(7, all).block(under: steered))
  }

  private func items(_ served: ServedZone) -> [ServedZone.Item] {
    let next = served.walk()
    var items: [ServedZone.Item] = []
    while let item = next() { items.append(item) }
    return items
  }

  @Test func `a zone goes out again as it came in`() throws {
    let records = [address("a.example.org."), address("b.example.org.", 2, ttl: 5)]
    let served = try served(records)
    #expect(served.authority?.serial == Serial(7))
    #expect(items(served).suffix(2) == records.map { .record($0) })
  }

  @Test func `names of ours win over what came, in the types that routing decides`() throws {
    let text = ZoneRecord(
      owner: name("www.example.org."), ttlSeconds: 60, type: .txt, data: [1, 97])
    let served = try served(
      [address("WWW.example.org.", 9), text, address("a.example.org.")],
      under: [
        ZoneSource.Steered(owner: name("www.example.org."), service: 3),
        ZoneSource.Steered(owner: name("new.example.org."), service: 3),
      ])
    let items = items(served)
    #expect(items.contains(.steered(name("www.example.org."), [.a, .aaaa])))
    #expect(items.contains(.steered(name("new.example.org."), [.a, .aaaa])))
    #expect(items.contains(.record(text)) && items.contains(.record(address("a.example.org."))))
    #expect(!items.contains(.record(address("www.example.org.", 9))))
  }

  @Test func `a zone without data has no SOA`() {
    let served = ServedZone(ZoneBlock.unavailable(zone))
    #expect(served.authority == nil && items(served).isEmpty)
  }
}
