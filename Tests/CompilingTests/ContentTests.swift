import Compiling
import Editions
import Routing
import Settings
import TestSupport
import Testing

@Suite struct `Compiling what steered names answer` {
  private func text(_ services: String, steered: String = "www: web", records: String = "")
    -> String
  {
    """
    regions: {a: {}, b: {}}
    pools: {web: {endpoints: {a: 192.0.2.1:80, b: 192.0.2.2:80}}}
    policies: {pair: {type: failover, order: [a, b]}}
    services:
    \(services)
    zones:
      example.org:
        soa: {primary: ns1}
        steered: {\(steered)}
        records: ["ns1 A 192.0.2.53", "fixed A 192.0.2.9"\(records)]
    """
  }

  private func faults(_ text: String) -> [String] {
    do {
      _ = try compiledText(text)
      return []
    } catch {
      return error.faults.map(\.description)
    }
  }

  @Test func `encodes names and bindings for the model`() throws {
    let compiled = try compiledText(
      text(
        """
          web: {policy: pair, pool: web, https: 1 . alpn=h2, svcb: 0 Svc.example.org}
          cdn: {policy: pair, cname: {a: A.cdn.example.net, b: fixed.example.org.}}
        """, steered: "www: web, cdn: cdn"))
    let services = compiled.model.services
    #expect(services[0].bindings.map(\.kind) == [.https, .svcb])
    #expect(services[0].bindings.map(\.takesHints) == [true, false])
    #expect(services[1].pool == nil)
    #expect(
      services[1].content.targets?.map { $0?.wire.count } == [19, 19])
    #expect(services[1].content.targets?[0]?.text == "A.cdn.example.net.")
  }

  @Test(arguments: [
    ("https: 1 . ipv4hint=192.0.2.1", "states address hints; leave them out"),
    ("https: 1 . alpn=h2 ipv6hint=2001:db8::1", "states address hints; leave them out"),
    ("https: 0 svc. alpn=h2", "priority 0 is an alias and has no parameters"),
    ("https: 1 . mandatory=ipv4hint", "mandatory names ipv4hint, which is missing"),
    ("https: 1 . alpm=h2", "“alpm” is not a parameter"),
    ("https: one .", "priority"),
    ("svcb: [0 svc., 1 .]", "an alias and stands alone (RFC 9460 §2.4.1)"),
  ])
  func `refuses bindings, with line and key`(binding: String, message: String) {
    let found = faults(text("  web: {policy: pair, pool: web, \(binding)}"))
    #expect(found.count == 1)
    let key = binding.prefix { $0 != ":" }
    #expect(found[0].contains("test.yaml:5: services.web.\(key)"), "\(found)")
    #expect(found[0].contains(message), "\(found)")
  }

  @Test func `refuses names of our zones that are not there or lead in a circle`() {
    let found = faults(
      text(
        """
          web: {policy: pair, pool: web}
          cdn: {policy: pair, cname: {a: no.example.org, b: CDN.example.org}}
          own: {policy: pair, alias: {a: www.example.org, b: fixed.example.org}}
        """, steered: "www: web, cdn: cdn, own: own"))
    #expect(
      found == [
        "test.yaml:6: services.cdn.cname.a: no.example.org. is not in its zone, served here",
        "test.yaml:6: services.cdn.cname.b: CDN.example.org. is steered by this service itself: a "
          + "circle",
        "test.yaml:7: services.own.alias.a: www.example.org. is steered by service \"web\", and an "
          + "alias leads to addresses that are the same for every client; use cname, or name the "
          + "policy of \"web\" in this policy",
      ])
  }

  @Test func `refuses aliases whose names, in our zones, have different types of addresses`() {
    let records = ", \"dual A 192.0.2.8\", \"dual AAAA 2001:db8::8\""
    func found(_ targets: String) -> [String] {
      faults(
        text(
          "  own: {policy: pair, alias: {\(targets)}}", steered: "own: own", records: records))
    }
    #expect(
      found("a: fixed.example.org, b: dual.example.org") == [
        "test.yaml:5: services.own.alias.b: dual.example.org. has A and AAAA, and "
          + "fixed.example.org. has A; resolvers would take the \"no data\" of one region for all "
          + "clients; give all names of service \"own\" the same types of addresses"
      ])
    #expect(found("a: fixed.example.org, b: ns1.example.org").isEmpty)
    #expect(found("a: fixed.example.org, b: elsewhere.example.net").isEmpty)
  }

  @Test func `refuses records beside what is steered`() {
    let found = faults(
      text(
        """
          web: {policy: pair, pool: web, https: 1 .}
          cdn: {policy: pair, cname: {a: x.example.net, b: y.example.net}}
        """, steered: "www: web, cdn: cdn",
        records: ", \"www HTTPS 1 .\", \"cdn TXT x\", \"www TXT fine\"")
    ).sorted()
    #expect(found.count == 2)
    #expect(found[0].contains("www.example.org. is steered and cannot have HTTPS records"))
    #expect(found[1].contains("cdn.example.org. is steered and cannot have TXT records"))
  }
}
