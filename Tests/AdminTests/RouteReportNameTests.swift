import Admin
import Compiling
import Editions
import Places
import Routing
import TestSupport
import Testing

@Suite struct `A route report of a service with names` {
  /// Of a client in Germany; the services are `cname`, `alias` and one with service bindings.
  private func report(service: Int) throws -> RouteReport {
    let text = RegionSet.europe.configuration(policy: "{type: failover, order: [milan, paris]}")
      .replacing(
        "  web: {policy: chosen, pool: web}",
        with: """
            web: {policy: chosen, cname: {milan: a.example.net, paris: b.example.net}}
            own: {policy: chosen, alias: {milan: a.example.net}}
            bound: {policy: chosen, pool: web, https: [1 . alpn=h2, 2 b.example.net.], svcb: 1 .}
          """
      )
      .replacing("steered: {www: web}}", with: "steered: {www: web, own: own, bound: bound}}")
    let compiled = try compiledText(text)
    let question = ResolvedNames.Question(
      name: Array("\u{1}a\u{7}example\u{3}net\u{0}".utf8), isIPv6: false)
    let edition = Edition(
      number: 1, revision: 1, zones: compiled.zones, maps: compiled.maps, model: compiled.model,
      board: compiled.healthyBoard,
      resolved: ResolvedNames([
        question: .init(addresses: [.ipv4(0xC633_6401)], ttlSeconds: 12)
      ]), isReady: true)
    let address = try #require(IPAddress("194.25.0.1"))
    return try #require(
      RouteReport(
        edition: edition, address: address, service: service,
        question: .name("www.example.org", isIPv6: false)))
  }

  @Test func `says the CNAME`() throws {
    let report = try report(service: 0)
    #expect(report.outcome.regions == ["milan"])
    #expect(report.outcome.targets == ["a.example.net."])
    #expect(report.outcome.addresses.isEmpty && report.outcome.bindings == nil)
    #expect(report.ttl == 30)
    #expect(report.text.contains("→ milan (a.example.net.)"), "\(report.text)")
  }

  @Test func `says the name and its addresses, with what is left of their life`() throws {
    let report = try report(service: 1)
    #expect(report.outcome.targets == ["a.example.net."])
    #expect(report.outcome.addresses == ["198.51.100.1"])
    #expect(report.ttl == 12)
  }

  @Test func `says the service bindings with their hints`() throws {
    let report = try report(service: 2)
    let hints = "ipv4hint=\(report.outcome.addresses[0])"
    let bindings = try #require(report.outcome.bindings)
    #expect(report.outcome.targets == nil)
    #expect(bindings.count == 3)
    #expect(bindings[0].hasPrefix("HTTPS 1 . alpn=h2 \(hints) ipv6hint=2001:db8::"))
    #expect(bindings[1] == "HTTPS 2 b.example.net.")
    #expect(bindings[2].hasPrefix("SVCB 1 . \(hints)"))
  }
}
