import Places
import Testing

@testable import Settings

private let world = """
  regions: {a: {}, b: {}, c: {}}
  pools:
    web: {endpoints: {a: ["192.0.2.1:80", "[2001:db8::1]:80"], b: ["192.0.2.2:80", "[2001:db8::2]:80"]}}
    mixed: {endpoints: {a: ["192.0.2.1:80", "[2001:db8::1]:80"], b: 192.0.2.2:80, c: "[2001:db8::3]:80"}}
  policies: {pair: {type: failover, order: [a, b]}, every: {type: all, of: [a, b]}, one: {type: failover, order: [c]}}

  """

private func zone(_ steered: String) -> String {
  "zones: {example.org: {soa: {primary: ns1}, steered: {\(steered)}}}\n"
}

@Suite struct `A service that answers names` {
  @Test func `is read with its names by region, with or without a pool`() throws {
    let settings = try SettingsReader.read(
      text: world + """
        services:
          cdn: {policy: pair, cname: {a: a.cdn.example.net., b: b.cdn.example.net}}
          own: {policy: pair, pool: web, alias: {a: a.cdn.example.net.}, https: ['1 . alpn=h2', 2 x.]}
        """, name: "a.yaml")
    let (cdn, own) = (settings.services[0], settings.services[1])
    #expect(cdn.pool == nil)
    #expect(cdn.content.targets.map(\.region) == [0, 1])
    #expect(cdn.content.targets.map(\.name) == ["a.cdn.example.net.", "b.cdn.example.net."])
    guard case .names = cdn.content, case .resolved = own.content else {
      Issue.record("of another kind")
      return
    }
    #expect(own.pool == 0)
    #expect(own.bindings.map(\.text) == ["1 . alpn=h2", "2 x."])
    #expect(own.bindings.map(\.isHTTPS) == [true, true])
  }

  @Test(arguments: [
    BadDocument(
      "both kinds", "services: {s: {policy: pair, cname: {a: x.}, alias: {a: x.}}}",
      ":6: services.s.alias: goes without cname: give one of them"),
    BadDocument(
      "neither names nor a pool", "services: {s: {policy: pair}}",
      ":6: services.s.pool: is missing; wants the name of a pool"),
    BadDocument(
      "bad names", "services: {s: {policy: pair, cname: {elsewhere: x., a: a..b, b: .}}}",
      #":6: services.s.cname.elsewhere: there is no region "elsewhere"; known: a, b, c"#,
      #":6: services.s.cname.a: "a..b" is no domain name: it has an empty label"#,
      ":6: services.s.cname.b: the root cannot serve"),
    BadDocument(
      "no names", "services: {s: {policy: pair, cname: {}}}",
      ":6: services.s.cname: wants at least one region"),
    BadDocument(
      "bindings beside a CNAME", "services: {s: {policy: pair, cname: {a: x.}, svcb: 1 .}}",
      ":6: services.s.svcb: cannot stand beside cname"),
    BadDocument(
      "names elsewhere than the policy goes",
      "services: {s: {policy: one, on_all_down: {backup: b}, alias: {a: x.}}}",
      #":6: services.s: there is no name for any region of policy "one" (c)"#,
      #":6: services.s.on_all_down: there is no name for the backup region "b""#),
    BadDocument(
      "several CNAMEs", "services: {s: {policy: every, cname: {a: x., b: y.}}}",
      #":6: services.s: policy "every" answers several regions at once, and a name has one CNAME; use alias in place of cname, or a policy without "all""#
    ),
    BadDocument(
      "a CNAME at a zone's own name",
      "services: {s: {policy: pair, cname: {a: x.}}}\n" + zone(#""@": s, www: s"#),
      #":7: zones.example.org.steered.@: service "s" answers a CNAME, and none may stand at the zone's own name; use alias in place of cname in the service"#
    ),
    BadDocument(
      "a listener without endpoints",
      """
      services: {s: {policy: pair, cname: {a: x.}}, t: {policy: pair, pool: web, alias: {a: x.}}}
      proxy:
        listeners:
          one: {service: s, listen: 127.0.0.1:8000}
          two: {service: t, listen: 127.0.0.1:8001}
      """,
      #":9: proxy.listeners.one.service: service "s" answers names, and a listener needs endpoints; use a service with a pool and without cname and alias"#,
      #":10: proxy.listeners.two.service: service "t" answers names, and a listener needs endpoints; use a service with a pool and without cname and alias"#
    ),
  ])
  func `is refused`(document: BadDocument) {
    #expect(faults(of: world + document.text) == document.faults.map { "a.yaml\($0)" })
  }
}

@Suite struct `Every outcome of a steered name has the same types (RFC 7871 §7.4)` {
  private static let fault =
    #"a.yaml:6: services.s: pool "mixed" gives steered names other types in some regions than in "#

  @Test(arguments: [
    ("pair", "", "no AAAA in b"), ("one", ", on_all_down: {backup: a}", "no A in c"),
    ("{type: failover, order: [b]}", ", on_all_down: {backup: c}", "no A in c and no AAAA in b"),
    ("{type: geo, rules: [{continent: EU, use: b}], default: pair}", "", "no AAAA in b"),
  ])
  func `or it is refused, with the regions that differ`(
    policy: String, more: String, lacks: String
  ) {
    let isNamed = !policy.hasPrefix("{")
    let text =
      world.replacing("policies: {", with: isNamed ? "policies: {" : "policies: {own: \(policy), ")
      + "services: {s: {policy: \(isNamed ? policy : "own"), pool: mixed\(more)}}\n"
      + zone("www: s")
    let found = faults(of: text)
    #expect(found.count == 1)
    let name = isNamed ? policy : "own"
    #expect(
      found.first == Self.fault
        + "others: \(lacks); resolvers would take that \"no data\" for all clients; give every "
        + "region that policy \"\(name)\" may choose both IPv4 and IPv6 endpoints or only the one "
        + "that all have")
  }

  @Test(arguments: [
    "services: {s: {policy: one, pool: mixed}}\n" + zone("www: s"),
    "services: {s: {policy: pair, pool: web}}\n" + zone("www: s"),
    "services: {s: {policy: pair, pool: mixed}}\n",
    "services: {s: {policy: pair, pool: mixed, cname: {a: x., b: y.}}}\n" + zone("www: s"),
  ])
  func `and where it has, or no steered name uses the service, nothing is said`(text: String) {
    #expect(faults(of: world + text) == [])
  }
}

@Suite struct `Resolvers` {
  @Test func `have port 53 unless they say otherwise`() throws {
    let settings = try SettingsReader.read(
      text: """
        dns: {listen: 127.0.0.1:5353, resolvers: [192.0.2.53, "2001:db8::53", "[2001:db8::53]:5353"]}
        """, name: "a.yaml")
    #expect(
      settings.dns.resolvers.map(\.description) == [
        "192.0.2.53:53", "[2001:db8::53]:53", "[2001:db8::53]:5353",
      ])
    let bare = try SettingsReader.read(text: "dns: {listen: 127.0.0.1:5353}", name: "a.yaml")
    #expect(bare.dns.resolvers.isEmpty)
  }

  @Test func `are addresses`() {
    #expect(
      faults(of: "dns: {listen: 127.0.0.1:5353, resolvers: [ns.example.org, 192.0.2.1:0]}") == [
        #"a.yaml:1: dns.resolvers[0]: wants the address of a resolver, such as 192.0.2.53 or "#
          + #""[2001:db8::53]:5353", found "ns.example.org""#,
        #"a.yaml:1: dns.resolvers[1]: wants the address of a resolver, such as 192.0.2.53 or "#
          + #""[2001:db8::53]:5353", found "192.0.2.1:0""#,
      ])
    #expect(
      faults(of: "dns: {listen: 127.0.0.1:5353, resolvers: []}")
        == ["a.yaml:1: dns.resolvers: wants at least one address"])
  }
}
