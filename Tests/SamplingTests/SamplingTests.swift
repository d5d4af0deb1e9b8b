import Counters
import DNSWire
import Editions
import Places
import Routing
import Sampling
import Testing
import Zones

@Suite struct `Sampling of resolvers` {
  private let board = CounterBoard()
  private static let edition = Result {
    Edition(
      number: 7, revision: 1, zones: try ZoneTableBuilder(seed: 1).build([]), maps: CohortMaps([]),
      model: RoutingModel(
        regions: [], pools: [], endpoints: [], services: [], maps: [], places: PlaceTable()),
      board: HealthBoard(conditions: []), rules: AnswerRules(), isReady: true)
  }
  private let resolver = IPAddress.ipv4(0xC000_0201)

  /// A query for `a.`, with a client subnet of so many bits.
  private func query(subnetBits: UInt8?) -> [UInt8] {
    let head: [UInt8] = [0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, subnetBits == nil ? 0 : 1]
    let question: [UInt8] = [1, 97, 0, 0, 1, 0, 1]
    guard let subnetBits else { return head + question }
    let octets = [UInt8](repeating: 10, count: Int(subnetBits) / 8)
    let option: [UInt8] = [0, 8, 0, UInt8(4 + octets.count), 0, 1, subnetBits, 0] + octets
    return head + question + [0, 0, 41, 4, 208, 0, 0, 0, 0, 0, UInt8(option.count)] + option
  }

  private func ask(
    _ sampler: inout ThreadSampler, _ query: [UInt8], isAnswered: Bool = true
  ) throws {
    guard sampler.takesNext() else { return }
    let edition = try Self.edition.get()
    let buffer = query + [UInt8](repeating: 0, count: Query.slackByteCount)
    sampler.takeQuery(
      buffer.span.bytes, byteCount: query.count, from: resolver, edition: edition)
    sampler.finish(wasAnswered: isAnswered)
  }

  private func dropCount() -> UInt64? {
    board.sums().first { $0.series.name == "azimuth_samples_dropped_total" }?.value
  }

  @Test(arguments: [(nil, false), (24, true), (0, false)])
  func `RFC 7871 §7.1.2: a subnet of no bits is none`(bits: Int?, hasSubnet: Bool) throws {
    let collector = SampleCollector(.init(resolverInterval: 1), board: board)
    var sampler = collector.makeThreadSampler(shard: board.makeShard())
    try ask(&sampler, query(subnetBits: bits.map { UInt8($0) }))
    #expect(
      collector.takeResolvers() == [ResolverSample(resolver: resolver, hasSubnet: hasSubnet)])
    #expect(collector.takeResolvers().isEmpty, "what was taken is gone")
  }

  @Test func `what is not answered or not understood is not sampled`() throws {
    let collector = SampleCollector(.init(resolverInterval: 1), board: board)
    var sampler = collector.makeThreadSampler(shard: board.makeShard())
    try ask(&sampler, query(subnetBits: 24), isAnswered: false)
    try ask(&sampler, [1, 2, 3])
    #expect(collector.takeResolvers().isEmpty)
    try ask(&sampler, query(subnetBits: nil))
    #expect(collector.takeResolvers().count == 1)
  }

  @Test func `every n-th on average, and not in step with what comes in turn`() throws {
    let collector = SampleCollector(.init(resolverInterval: 10), board: board)
    var sampler = collector.makeThreadSampler(shard: board.makeShard())
    for turn in 0..<20_000 { try ask(&sampler, query(subnetBits: turn % 2 == 0 ? 24 : nil)) }
    let samples = collector.takeResolvers()
    // 2,000 with a standard deviation of some 26; half of them with a subnet, 22.
    #expect((1_800...2_200).contains(samples.count))
    let share = Double(samples.count(where: \.hasSubnet)) / Double(samples.count)
    #expect((0.42...0.58).contains(share))
  }

  @Test func `off, nothing is taken`() throws {
    let collector = SampleCollector(.init(resolverInterval: nil), board: board)
    var sampler = collector.makeThreadSampler(shard: board.makeShard())
    for _ in 0..<1_000 { try ask(&sampler, query(subnetBits: 24)) }
    var none = ThreadSampler()
    for _ in 0..<1_000 { try ask(&none, query(subnetBits: 24)) }
    #expect(collector.takeResolvers().isEmpty)
  }

  @Test func `what finds no room is dropped and counted, and others get on`() throws {
    let collector = SampleCollector(.init(resolverInterval: 1), board: board)
    var first = collector.makeThreadSampler(shard: board.makeShard())
    var second = collector.makeThreadSampler(shard: board.makeShard())
    for _ in 0..<5_000 { try ask(&first, query(subnetBits: nil)) }
    try ask(&second, query(subnetBits: 24))
    #expect(dropCount() == 5_000 - 4_096)
    let taken = collector.takeResolvers()
    #expect(taken.count == 4_097 && taken.last?.hasSubnet == true)
    try ask(&first, query(subnetBits: nil))
    #expect(collector.takeResolvers().count == 1)
  }

  @Test(arguments: [(24, "10.10.10.0"), (0, "192.0.2.1"), (nil, "192.0.2.1")])
  func `a decision is noted for the client that it was made for`(bits: Int?, client: String) throws
  {
    let collector = SampleCollector(
      .init(resolverInterval: 7, decisionInterval: 1), board: board)
    var sampler = collector.makeThreadSampler(shard: board.makeShard())
    for _ in 0..<3 { try ask(&sampler, query(subnetBits: bits.map { UInt8($0) })) }
    let samples = collector.takeDecisions()
    #expect(samples.count == 3)
    #expect(samples.allSatisfy { $0.client.description == client && $0.edition.number == 7 })
    #expect(samples.first?.question == .name([1, 97, 0], type: 1))
    #expect(collector.takeDecisions().isEmpty)
  }
}
