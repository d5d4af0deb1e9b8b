import Testing

extension EndToEnd {
  /// The tools that people look with.
  @Suite struct `Real clients` {
    static let world = Result {
      try World {
        $0.replacing("  receive_buffer:", with: "  identity: node\n  receive_buffer:")
      }
    }

    /// - Parameter command: in which `%` stands for the port.
    private func run(_ command: String) throws -> String {
      let port = try Self.world.get().ports.dns
      let finished = try Program.shell(command.replacing("%", with: "\(port)"))
      #expect(finished.status == 0, "\(finished.all)")
      return finished.all
    }

    @Test func `dig shows client subnet, cookie and instance, and is warned of nothing`() throws {
      let text = try run(
        "dig @127.0.0.1 -p % +norec www.example.org +subnet=133.11.0.0/24 +nsid +cookie")
      #expect(text.contains("status: NOERROR") && text.contains("flags: qr aa;"))
      #expect(text.contains("; CLIENT-SUBNET: 133.11.0.0/24/14"))
      #expect(text.contains("(good)"), "RFC 7873 §5.3: dig knows its cookie again")
      #expect(text.contains("(\"demo-1\")"))
      #expect(!text.contains("WARNING") && !text.lowercased().contains("malformed"), "\(text)")
    }

    @Test(arguments: [
      "", "+tcp", "+noedns", "+dnssec", "+bufsize=512", "+edns=1", "+ednsopt=65001",
    ])
    func `dig gets an answer, however it asks`(option: String) throws {
      let text = try run("dig @127.0.0.1 -p % +norec \(option) +subnet=0 www.example.org")
      #expect(text.contains("status: NOERROR"), "\(text)")
      #expect(!text.contains("WARNING") && !text.contains(";; Got bad"), "\(text)")
    }

    @Test func `RFC 6891 §6.1.3: dig is told which version of EDNS there is`() throws {
      let text = try run("dig @127.0.0.1 -p % +norec +edns=1 +noednsnegotiation www.example.org")
      #expect(text.contains("status: BADVERS") && text.contains("EDNS: version: 0"), "\(text)")
    }

    @Test func `kdig shows client subnet, cookie and instance`() throws {
      let text = try run(
        "kdig @127.0.0.1 -p % www.example.org +subnet=200.144.248.0/24 +nsid +cookie +padding")
      #expect(text.contains("status: NOERROR") && !text.contains("WARNING"), "\(text)")
      #expect(text.contains(";; CLIENT-SUBNET: 200.144.248.0/24/15"))
      #expect(text.contains(";; COOKIE: ") && text.contains("\"demo-1\""))
      let address = try Self.world.get().address(of: "saopaulo")
      #expect(text.contains(address))
    }

    @Test func `kdig asks many questions over one connection`() throws {
      let names = ["example.org", "www.example.org", "mail.example.org", "no.example.org"]
      let text = try run("kdig @127.0.0.1 -p % +tcp +keepopen \(names.joined(separator: " "))")
      #expect(text.matches(of: #/Received \d+ B/#).count == 4, "\(text)")
      #expect(text.matches(of: #/status: NOERROR/#).count == 3)
      #expect(text.matches(of: #/status: NXDOMAIN/#).count == 1)
    }

    @Test(arguments: [
      ("www.example.org A", "127.0.10."), ("example.org MX", "10 mail.example.org."),
      ("docs.example.org A", "web.example.org."),
    ])
    func `delv takes the answers for unsigned ones`(question: String, answer: String) throws {
      let text = try run("delv @127.0.0.1 -p % -i \(question)")
      #expect(text.contains(answer), "\(text)")
      #expect(!text.contains("failed"), "\(text)")
    }

    @Test func `delv is told that there is nothing`() throws {
      let text = try run("delv @127.0.0.1 -p % -i no.example.org A || true")
      #expect(text.contains("ncache nxdomain"), "\(text)")
    }

    @Test func `dnspython reads every answer to its last byte`() throws {
      let world = try Self.world.get()
      let text = try run("/usr/bin/python3 - % <<'END'\n\(Self.script)\nEND")
      let lines = text.split(separator: "\n").map(String.init)
      #expect(
        lines == [
          "udp ECS 133.11.0.0/24 scope/14 \(world.address(of: "tokyo"))",
          "tcp ECS 133.11.0.0/24 scope/14 \(world.address(of: "tokyo"))",
          "nsid demo-1",
          "cookie 24 kept True",
          "refused REFUSED EDE 20",
          "mx 10 mail.example.org.",
          "caa 0 issue \"letsencrypt.org\"",
          "https 1 www.example.org. alpn=\"h2\"",
          "nxdomain", "nodata",
        ], "\(text)")
    }

    /// Asks for this and that, and prints a line for each.
    private static let script = """
      import sys
      import dns.edns, dns.message, dns.query, dns.rcode, dns.resolver

      where, port = "127.0.0.1", int(sys.argv[1])

      def ask(query, way=dns.query.udp):
          answer = way(query, where, port=port, timeout=5, ignore_trailing=False)
          assert query.is_response(answer)
          return answer

      def option(answer, code):
          return next(option for option in answer.options if option.otype == code)

      for way in (dns.query.udp, dns.query.tcp):
          subnet = dns.edns.ECSOption("133.11.0.0", 24)
          answer = ask(dns.message.make_query("www.example.org", "A", options=[subnet]), way)
          print(way.__name__, option(answer, 8), answer.answer[0][0])

      asked = [dns.edns.GenericOption(3, b""), dns.edns.GenericOption(10, b"12345678")]
      answer = ask(dns.message.make_query("www.example.org", "A", options=asked))
      print("nsid", option(answer, 3).data.decode())
      cookie = option(answer, 10)
      again = ask(dns.message.make_query("www.example.org", "A", options=[cookie]))
      print("cookie", len(cookie.data), "kept", option(again, 10).data == cookie.data)

      answer = ask(dns.message.make_query("www.example.com", "A", use_edns=0))
      print("refused", dns.rcode.to_text(answer.rcode()), "EDE", int(option(answer, 15).code))

      resolver = dns.resolver.Resolver(configure=False)
      resolver.nameservers, resolver.port = [where], port
      for kind in ("MX", "CAA"):
          print(kind.lower(), resolver.resolve("example.org", kind)[0])
      print("https", resolver.resolve("svc.example.org", "HTTPS")[0])
      for name, failure in (("no", dns.resolver.NXDOMAIN), ("ns1", dns.resolver.NoAnswer)):
          try:
              resolver.resolve(name + ".example.org", "TXT")
          except failure:
              print("nxdomain" if name == "no" else "nodata")
      """
  }
}
