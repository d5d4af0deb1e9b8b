import Admin
import Counters
import Editions
import Places
import Publishing
import Routing
import Testing

@Suite struct `A line of the decision log` {
  private static let german = IPAddress.ipv4(10 << 24 | 2 << 16 | 77)
  private static let name = RouteReport.Question.name("eu.example.org", isIPv6: false)

  private func line(
    _ world: AdminWorld, _ client: IPAddress, service: Int, question: RouteReport.Question = name
  ) throws -> DecisionLine {
    try #require(
      DecisionLine(
        edition: world.publisher.desk.take(), client: client, service: service,
        question: question, type: "A", seconds: AdminWorld.start))
  }

  @Test func `has the fence of the client, and why each other region is none`() async throws {
    let world = try AdminWorld()
    await world.heal()
    let line = try line(world, Self.german, service: 1)
    #expect(line.fences == ["residents"] && line.client == "10.2.0.0/24")
    #expect(line.service == "eu" && line.policy == "nearest" && line.region == "frankfurt")
    #expect(line.outcome == "serve" && line.basis == "healthy" && line.kind == "dns")
    let virginia = try #require(line.candidates.first { $0.region == "virginia" })
    #expect(virginia.reason.contains("residents"))
    let text = String(decoding: try line.text(), as: UTF8.self)
    #expect(text.contains("\"fences\":[\"residents\"]") && text.hasSuffix("}\n"))
  }

  @Test func `says of who is refused by which fence, and what the counters call it`() async throws {
    let world = try AdminWorld()
    await world.heal()
    await world.report(.unhealthy, of: "frankfurt")
    let line = try line(world, Self.german, service: 1)
    #expect(line.fences == ["residents"] && line.region == nil && line.regions.isEmpty)
    #expect(line.outcome == "fail")
    let edition = world.publisher.desk.take()
    var counters = DecisionCounters("azimuth_decisions_total", board: world.counters)
    counters.register(edition)
    let reasons = Set(edition.verdicts[1].outcomes.map(\.reason))
    #expect(reasons.contains(line.basis), "\(line.basis) of \(reasons)")
  }

  @Test func `has no fence of who stands in none`() async throws {
    let world = try AdminWorld()
    await world.heal()
    let american = IPAddress.ipv4(10 << 24 | 3 << 16 | 1)
    let line = try line(world, american, service: 1, question: .listener("front"))
    #expect(line.fences.isEmpty && line.region == "virginia")
    #expect(line.kind == "proxy" && line.listener == "front" && line.name == nil)
  }
}
