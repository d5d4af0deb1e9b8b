import Compiling
import Editions
import Places
import Publishing
import Routing
import TestSupport
import Testing

@Suite struct `Publishing names that serve` {
  private func publisher() throws -> EditionPublisher {
    let text = RegionSet.europe.configuration(policy: "{type: failover, order: [milan, paris]}")
      .replacing(
        "  web: {policy: chosen, pool: web}",
        with: """
            web: {policy: chosen, alias: {milan: a.example.net, paris: ns2.example.org}}
          """
      )
      .replacing("steered: {www: web}}", with: "steered: {www: web}, records: [ns2 A 192.0.2.9]}")
    return EditionPublisher(try compiledText(text), isReady: true, now: { 1000 })
  }

  private func addresses(_ edition: Edition) -> [IPAddress]? {
    edition.resolved[question]?.addresses
  }

  private var question: ResolvedNames.Question {
    .init(name: Array("\u{1}a\u{7}example\u{3}net\u{0}".utf8), isIPv6: false)
  }

  @Test func `what was resolved makes an edition if it is news`() async throws {
    let publisher = try publisher()
    let first = await publisher.edition
    #expect(first.wantedNames.count == 2, "A and AAAA of the name that is not ours")
    #expect(first.wantedNames.contains(question))
    let found = ResolvedNames([
      question: .init(addresses: [.ipv4(0xC633_6401)], ttlSeconds: 20)
    ])
    await publisher.apply(found)
    await publisher.apply(found)
    let second = await publisher.edition
    #expect(second.number == first.number + 1 && second.revision == first.revision)
    #expect(addresses(first) == nil)
    #expect(addresses(second) == [.ipv4(0xC633_6401)])
    await publisher.apply(.none)
    #expect(await addresses(publisher.edition) == nil)
  }

  @Test func `an override takes out a region that has a name only`() async throws {
    let publisher = try publisher()
    let client = try #require(IPAddress("194.25.0.1")).client
    func region(_ edition: Edition) -> String? {
      edition.explain(client, service: 0)?.outcome.regions.first
        .map { edition.model.regions[$0].name }
    }
    #expect(await region(publisher.edition) == "milan")
    try await publisher.set(
      Override(
        target: try #require(Override.Target("milan")), state: .drain, reason: "x", author: "x",
        expiresAt: nil, setAt: 0))
    #expect(await region(publisher.edition) == "paris")
  }
}
