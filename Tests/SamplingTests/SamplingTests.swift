import Counters
import DNSWire
import Places
import Sampling
import Testing

@Suite struct `Sampling of resolvers` {
  private let board = CounterBoard()
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
  ) {
    guard sampler.takesNext() else { return }
    let buffer = query + [UInt8](repeating: 0, count: Query.slackByteCount)
    sampler.takeQuery(buffer.span.bytes, byteCount: query.count, from: resolver)
    sampler.finish(wasAnswered: isAnswered)
  }

  private func dropCount() -> UInt64? {
    board.sums().first { $0.series.name == "azimuth_samples_dropped_total" }?.value
  }

  @Test(arguments: [(nil, false), (24, true), (0, false)])
  func `RFC 7871 §7.1.2: a subnet of no bits is none`(bits: Int?, hasSubnet: Bool) {
    let collector = SampleCollector(.init(resolverInterval: 1), board: board)
    var sampler = collector.makeThreadSampler(shard: board.makeShard())
    ask(&sampler, query(subnetBits: bits.map { UInt8($0) }))
    #expect(
      collector.takeResolvers() == [ResolverSample(resolver: resolver, hasSubnet: hasSubnet)])
    #expect(collector.takeResolvers().isEmpty, "what was taken is gone")
  }

  @Test func `what is not answered or not understood is not sampled`() {
    let collector = SampleCollector(.init(resolverInterval: 1), board: board)
    var sampler = collector.makeThreadSampler(shard: board.makeShard())
    ask(&sampler, query(subnetBits: 24), isAnswered: false)
    ask(&sampler, [1, 2, 3])
    #expect(collector.takeResolvers().isEmpty)
    ask(&sampler, query(subnetBits: nil))
    #expect(collector.takeResolvers().count == 1)
  }

  @Test func `every n-th on average, and not in step with what comes in turn`() {
    let collector = SampleCollector(.init(resolverInterval: 10), board: board)
    var sampler = collector.makeThreadSampler(shard: board.makeShard())
    for turn in 0..<20_000 { ask(&sampler, query(subnetBits: turn % 2 == 0 ? 24 : nil)) }
    let samples = collector.takeResolvers()
    // 2,000 with a standard deviation of some 26; half of them with a subnet, 22.
    #expect((1_800...2_200).contains(samples.count))
    let share = Double(samples.count(where: \.hasSubnet)) / Double(samples.count)
    #expect((0.42...0.58).contains(share))
  }

  @Test func `off, nothing is taken`() {
    let collector = SampleCollector(.init(resolverInterval: nil), board: board)
    var sampler = collector.makeThreadSampler(shard: board.makeShard())
    for _ in 0..<1_000 { ask(&sampler, query(subnetBits: 24)) }
    var none = ThreadSampler()
    for _ in 0..<1_000 { ask(&none, query(subnetBits: 24)) }
    #expect(collector.takeResolvers().isEmpty)
  }

  @Test func `what finds no room is dropped and counted, and others get on`() {
    let collector = SampleCollector(.init(resolverInterval: 1), board: board)
    var first = collector.makeThreadSampler(shard: board.makeShard())
    var second = collector.makeThreadSampler(shard: board.makeShard())
    for _ in 0..<5_000 { ask(&first, query(subnetBits: nil)) }
    ask(&second, query(subnetBits: 24))
    #expect(dropCount() == 5_000 - 4_096)
    let taken = collector.takeResolvers()
    #expect(taken.count == 4_097 && taken.last?.hasSubnet == true)
    ask(&first, query(subnetBits: nil))
    #expect(collector.takeResolvers().count == 1)
  }
}
