import Foundation
import Testing

extension EndToEnd {
  /// Steered names that answer more than addresses.
  @Suite struct `Steered names of other kinds` {
    static let world = Result {
      try World { configuration in
        configuration
          .replacing(
            "  web: {policy: nearest, pool: web, ttl: 20s}",
            with: """
                web: {policy: nearest, pool: web, ttl: 20s, https: '1 . alpn="h2" port=443'}
                cdn: {policy: pair, cname: {tokyo: a.cdn.example.net., singapore: ns1.example.org.}}
                own: {policy: pair, pool: web, alias: {tokyo: ns1.example.org., singapore: ns2.example.org.}}
              """
          )
          .replacing(
            "      rules: rules\n", with: "      rules: rules\n      cdn: cdn\n      own: own\n"
          )
          .replacing(
            "      - \"ns2 A 198.51.100.53\"\n",
            with: "      - \"ns2 A 198.51.100.53\"\n      - \"ns2 AAAA 2001:db8::54\"\n")
      }
    }

    @Test func `an HTTPS record hints at the address of the same decision`() throws {
      let world = try Self.world.get()
      for client in ["133.11.0.1", "141.2.0.1", "200.144.248.41"] {
        let addresses = try world.ask(DNSQuestion("www.example.org", subnet: client))
        let binding = try world.ask(DNSQuestion("www.example.org", type: 65, subnet: client))
        #expect(binding.answers.map(\.type) == [65])
        let octets = Array(try #require(binding.answers.first).data.suffix(4))
        #expect([octets.map(String.init).joined(separator: ".")] == addresses.addresses)
        #expect(binding.scope == addresses.scope)
      }
    }

    @Test func `a CNAME follows policy and overrides, and static names of ours are appended`()
      throws
    {
      let world = try Self.world.get()
      let first = try world.ask(DNSQuestion("cdn.example.org", type: RecordType.txt))
      #expect(first.code == 0 && first.answers.map(\.type) == [RecordType.cname])
      #expect(try world.override("tokyo", state: "drain").status / 100 == 2)
      let second = try world.ask(DNSQuestion("cdn.example.org"))
      #expect(second.answers.map(\.type) == [RecordType.cname, RecordType.a])
      #expect(second.addresses == ["192.0.2.53"])
      #expect(
        try world.ask(DNSQuestion("own.example.org")).addresses == ["198.51.100.53"],
        "a region of a service with alias")
      #expect(
        try world.admin("DELETE", "/v1/overrides/tokyo", token: World.token).status / 100 == 2)
      #expect(try world.ask(DNSQuestion("own.example.org")).addresses == ["192.0.2.53"])
    }

    @Test func `explain names them`() throws {
      let world = try Self.world.get()
      let cdn = try Program.run([
        "explain", "133.11.0.1", "cdn.example.org", "--config", world.file.path,
      ])
      #expect(cdn.output.contains("→ tokyo (a.cdn.example.net.)"), "\(cdn.all)")
      let web = try Program.run([
        "explain", "133.11.0.1", "www.example.org", "--config", world.file.path,
      ])
      #expect(
        web.output.contains("HTTPS 1 . alpn=\"h2\" port=443 ipv4hint=127.0.10.1"), "\(web.all)")
    }

    @Test func `an alias at the zone's own name follows another server's zone (by dig)`() throws {
      let other = try World()
      let world = try World { configuration in
        configuration
          .replacing(
            "  web: {policy: nearest, pool: web, ttl: 20s}",
            with: """
                web: {policy: nearest, pool: web, ttl: 20s}
                out: {policy: pair, alias: {tokyo: www.example.org., singapore: sip.example.org.}}
              """
          )
          .replacing("      \"@\": web\n", with: "      \"@\": out\n")
          .replacing("  example.org:\n", with: "  example.com:\n")
          .replacing("dns:\n", with: "dns:\n  resolvers: [\"127.0.0.1:\(other.ports.dns)\"]\n")
      }
      func short(_ type: String) throws -> String {
        try Program.shell(
          "dig @127.0.0.1 -p \(world.ports.dns) example.com \(type) +subnet=133.11.0.0/24 +short"
        ).output
      }
      eventually("the addresses of the other server's name") {
        let answer = try short("A")
        return answer.split(separator: "\n").count == 1 && answer.hasPrefix("127.0.10.")
      }
      #expect(try short("AAAA") == "")
      #expect(try short("SOA").contains("hostmaster"))
      let explained = try world.route("133.11.0.1", name: "example.com")
      #expect(explained.outcome.addresses.count == 1)
    }

    @Test func `an alias that nobody resolves is SERVFAIL, with code 14 (by dig)`() throws {
      let world = try World { configuration in
        configuration
          .replacing(
            "  web: {policy: nearest, pool: web, ttl: 20s}",
            with: """
                web: {policy: nearest, pool: web, ttl: 20s}
                out: {policy: pair, alias: {tokyo: a.example.net., singapore: b.example.net.}}
              """
          )
          .replacing("      rules: rules\n", with: "      rules: rules\n      out: out\n")
          .replacing("dns:\n", with: "dns:\n  resolvers: \"127.0.0.1:1\"\n")
      }
      let answer = try Program.shell("dig @127.0.0.1 -p \(world.ports.dns) out.example.org A")
      #expect(answer.output.contains("status: SERVFAIL"), "\(answer.all)")
      #expect(answer.output.contains("EDE: 14 (Not Ready)"), "\(answer.all)")
    }

    @Test func `dig understands the bindings`() throws {
      let world = try Self.world.get()
      let answer = try Program.shell(
        "dig @127.0.0.1 -p \(world.ports.dns) www.example.org HTTPS +subnet=133.11.0.0/24 +short")
      #expect(answer.output == "1 . alpn=\"h2\" port=443 ipv4hint=127.0.10.1\n", "\(answer.all)")
    }

    @Test func `a pool whose regions have other types is refused by check`() throws {
      let world = try Self.world.get()
      let file = world.file.deletingLastPathComponent().appending(path: "mixed.yaml")
      let text = world.configuration.replacing(
        #/tokyo: +\[127/#, with: "tokyo: [\"[::1]:80\"]\n      suva: [127"
      )
      .replacing(
        "  tokyo:        {location",
        with: "  suva: {location: [-18.1, 178.4]}\n  tokyo:        {location")
      try text.write(to: file, atomically: true, encoding: .utf8)
      let checked = try Program.run(["check", file.path])
      #expect(checked.status == 1)
      #expect(
        checked.all.contains("services.web: pool \"web\" gives steered names other types"),
        "\(checked.all)")
      #expect(checked.all.contains("no A in tokyo"), "\(checked.all)")
    }
  }
}
