import Foundation
import Testing

extension EndToEnd {
  /// By the validators that people have: delv, unbound, dnspython.
  @Suite struct `Signed zones` {
    static let worlds = Dictionary(
      uniqueKeysWithValues: SignedWorld.Keys.allCases.map { keys in
        (keys, Result { try SignedWorld(keys) })
      })
    static let world = Result { try Self.worlds[.one, default: Result { throw Missing() }].get() }

    struct Missing: Error {}
    typealias Keys = SignedWorld.Keys

    private func world(_ keys: Keys = .one) throws -> SignedWorld {
      try Self.worlds[keys, default: Result { throw Missing() }].get()
    }

    /// Question, a text of its answer, how many sets it has.
    static let positive: [(String, String, Int)] = [
      ("www.example.org A", "127.0.10.", 1), ("example.org A", "127.0.10.", 1),
      ("all.example.org A", "127.0.10.", 1), ("x.y.geo.example.org A", "127.0.10.", 1),
      ("www.example.org HTTPS", "ipv4hint=127.0.10.", 1),
      ("example.org SOA", "hostmaster.example.org.", 1),
      ("example.org NS", "ns2.example.org.", 1), ("example.org MX", "10 mail.example.org.", 1),
      ("example.org DNSKEY", "257 3", 1), ("svc.example.org HTTPS", "alpn", 1),
      ("_443._tcp.www.example.org TLSA", "3 1 1", 1),
      ("4.3.2.1.5.5.5.example.org NAPTR", "E2U+sip", 1),
      ("docs.example.org A", "127.0.10.", 3), ("a.wild.example.org TXT", "wild", 1),
      ("b.a.wild.example.org TXT", "wild", 1), ("x.alias.example.org A", "192.0.2.25", 2),
      ("a.old.example.org A", "192.0.2.77", 2), ("secure.example.org DS", " 13 2 ", 1),
      ("a.secure.example.org A", "192.0.2.78", 1), ("ledger.example.org A", "127.0.10.", 1),
      ("_primary.ledger.example.org TXT", "region=frankfurt epoch=", 1),
    ]

    @Test(arguments: Keys.allCases, positive)
    func `RFC 4035 §2.2, §3.1.1: delv validates what there is`(
      keys: Keys, question: (String, String, Int)
    ) throws {
      let text = try world(keys).delv(question.0)
      #expect(text.contains(question.1), "\(text)")
      // It says so once of several sets, and says of none that it is anything else.
      #expect(text.contains("; fully validated"), "\(text)")
      let signatures = text.matches(of: #/\sIN\sRRSIG\s/#).count
      #expect(signatures >= question.2, "\(text)")
      #expect(!text.contains("unsigned answer") && !text.contains("failed"), "\(text)")
    }

    @Test(arguments: Keys.allCases)
    func `delv validates what each client is answered, from many places`(keys: Keys) throws {
      let world = try world(keys)
      var addresses: Set<String> = []
      for code in [81, 55, 65, 49, 1, 27, 61, 33, 44] {
        let text = try world.delv("www.example.org A", from: "127.\(code).0.1")
        #expect(text.contains("; fully validated"), "\(text)")
        addresses.formUnion(text.matches(of: #/127\.0\.10\.\d+/#).map { String($0.output) })
      }
      #expect(addresses.count >= 6, "\(addresses)")
    }

    @Test(
      arguments: Keys.allCases,
      [
        "mail.example.org TXT", "www.example.org TXT", "_tcp.example.org A",
        "a.wild.example.org A", "nothing.example.org A", "far.below.nothing.example.org A",
        "insecure.example.org DS", "partner.example.org DS", "no.secure.example.org A",
      ])
    func `RFC 9824 §3: delv validates that there is nothing`(keys: Keys, question: String) throws {
      let text = try world(keys).delv(question)
      #expect(text.contains("; negative response, fully validated"), "\(text)")
    }

    @Test(arguments: Keys.allCases)
    func `RFC 4035 §3.1.4: delv takes a zone without keys for unsigned, as its parent proves`(
      keys: Keys
    ) throws {
      let text = try world(keys).delv("a.insecure.example.org A")
      #expect(text.contains("192.0.2.79") && text.contains("; unsigned answer"), "\(text)")
    }

    @Test func `with another key delv believes nothing`() throws {
      let other = try world(.pair).anchors
      let text = try world(.one).delv("mail.example.org A", trusting: other)
      #expect(!text.contains("fully validated") && text.contains("failed"), "\(text)")
    }

    @Test(arguments: [
      "www.example.org A", "mail.example.org TXT", "nothing.example.org A", "example.org DNSKEY",
      "partner.example.org A",
    ])
    func `RFC 3225 §3: kdig shows signatures to who asks for them only`(question: String) throws {
      let port = try world().world.ports.dns
      for (option, isSigned) in [("+dnssec", true), ("", false), ("+noedns", false)] {
        let text = try Program.shell(
          "kdig @127.0.0.1 -p \(port) +norec \(option) \(question)"
        ).all
        #expect(text.contains("RRSIG") == isSigned, "\(text)")
        #expect(text.contains("NSEC\t") || !text.contains("NSEC") || isSigned, "\(text)")
        #expect(!text.contains(" ad;") && !text.contains(" ad "), "RFC 4035 §3.1.6: no AD: \(text)")
      }
    }

    @Test func `RFC 9077 §3: a denial has the TTL of the negative answer`() throws {
      for name in ["nothing", "mail"] {
        var question = DNSQuestion("\(name).example.org", type: RecordType.txt)
        question.flags = 0x8000
        // SOA has 300 seconds, and a minimum of 60.
        let reply = try world().world.ask(question)
        #expect(reply.authority.count == 4 && reply.authority.allSatisfy { $0.ttlSeconds == 60 })
      }
    }

    @Test
    func `RFC 6840 §4.4: a delegation is denied by its own types, not the zone's below`()
      throws
    {
      for name in ["insecure", "partner"] {
        let text = try world().delv("\(name).example.org DS")
        #expect(text.contains("\(name).example.org. NS RRSIG NSEC\n"), "\(text)")
      }
    }

    @Test func `RFC 6781 §4.4.2: signatures hold, and do not all end at once`() throws {
      let world = try world()
      let now = Date.now.timeIntervalSince1970
      let names = ["ns1", "ns2", "mail", "sip", "web", "docs", "svc", "a.new"]
      let ends = try names.map { name in
        let text = try world.delv("\(name).example.org ANY")
        let match = try #require(
          text.firstMatch(of: #/RRSIG\s+\w+ 13 \d+ \d+ (\d{14}) (\d{14})/#), "\(text)")
        let (end, begin) = (try seconds(match.1), try seconds(match.2))
        #expect(begin < now - 3500)
        // Renewed when a quarter of 14 days is over.
        #expect(end > now + 10 * 86_400 && end < now + 15 * 86_400)
        return end
      }
      #expect(Set(ends).count == names.count)
    }

    private func seconds(_ text: Substring) throws -> Double {
      let format = DateFormatter()
      format.locale = Locale(identifier: "en_US_POSIX")
      format.timeZone = TimeZone(secondsFromGMT: 0)
      format.dateFormat = "yyyyMMddHHmmss"
      return try #require(format.date(from: String(text))).timeIntervalSince1970
    }

    @Test func `RFC 4034 §5.1.4: what the parent needs is what dnssec-dsfromkey says`() throws {
      let world = try world(.pair)
      let ours = try Program.run(["dnssec", "ds", world.world.file.path, "example.org"]).output
      let theirs = try Program.shell("dnssec-dsfromkey \(world.keys[0])").output
      let digest = theirs.split(separator: " ").last.map { $0.lowercased() } ?? "none"
      #expect(ours.lowercased().contains(digest.trimmingCharacters(in: .newlines)), "\(ours)")
      let unsigned = try Program.run(["dnssec", "ds", world.world.file.path, "example.net"])
      #expect(unsigned.status != 0 && unsigned.errors.contains("example.net. is no zone that is"))
    }

    /// DO, and CO (RFC 9824 §5.1).
    @Test(arguments: [(UInt16(0x8000), UInt16(0)), (0xC000, 3), (0x4000, 3), (0, 3)])
    func `RFC 9824 §5.1: NXDOMAIN becomes NOERROR for who sets DO and not CO`(
      flags: UInt16, code: UInt16
    ) throws {
      var question = DNSQuestion("nothing.example.org")
      question.flags = flags
      let reply = try world().world.ask(question)
      #expect(reply.code == code && reply.answers.isEmpty)
      let types = reply.authority.map(\.type)
      #expect(types.contains(47) == (flags & 0x8000 != 0), "\(types)")
      guard let denial = reply.authority.first(where: { $0.type == 47 }) else { return }
      // RRSIG and NSEC in the first six bytes of the map, NXNAME's bit 128 in its 17th.
      #expect(
        Array(denial.data.suffix(19)) == [0, 17, 0, 0, 0, 0, 0, 3]
          + [UInt8](repeating: 0, count: 10) + [0x80])
    }

    @Test(arguments: Keys.allCases)
    func `RFC 4035 §3.1: dnspython validates every set of every section`(keys: Keys) throws {
      let world = try world(keys)
      let text = try Program.shell(
        "/usr/bin/python3 - \(world.world.ports.dns) <<'END'\n\(Self.script)\nEND"
      ).all
      let lines = text.split(separator: "\n").map(String.init)
      #expect(lines.last == "done", "\(text)")
      #expect(lines.filter { $0.hasPrefix("bad") } == [], "\(text)")
      #expect(lines.contains { $0.hasPrefix("good partner.example.org. NSEC") }, "\(text)")
      #expect(lines.contains { $0.hasPrefix("good secure.example.org. DS") }, "\(text)")
    }

    /// Every set but NS of a referral and glue has to have a signature that is right.
    static let script = """
      import sys, dns.message, dns.query, dns.dnssec, dns.name, dns.rdatatype, dns.flags
      port = int(sys.argv[1])
      zone = dns.name.from_text("example.org.")
      def ask(name, type, subnet=None):
          q = dns.message.make_query(name, type, want_dnssec=True)
          q.flags &= ~dns.flags.RD
          return dns.query.tcp(q, "127.0.0.1", port=port, timeout=5)
      key = ask("example.org.", "DNSKEY")
      keys = {zone: key.find_rrset(key.answer, zone, 1, dns.rdatatype.DNSKEY)}
      for name, type in [("example.org.", "DNSKEY"), ("example.org.", "SOA"),
          ("www.example.org.", "A"), ("WWW.Example.ORG.", "A"), ("docs.example.org.", "A"),
          ("b.a.wild.example.org.", "TXT"), ("a.old.example.org.", "A"),
          ("mail.example.org.", "TXT"), ("nothing.example.org.", "A"), ("*.wild.example.org.", "A"),
          ("example.org.", "ANY"), ("a.secure.example.org.", "DS"), ("secure.example.org.", "DS"),
          ("partner.example.org.", "A"), ("partner.example.org.", "DS"),
          ("x.partner.example.org.", "TXT"), ("svc.example.org.", "HTTPS")]:
          r = ask(name, type)
          referral = not r.flags & dns.flags.AA
          for section in (r.answer, r.authority):
              for rrset in section:
                  if rrset.rdtype == dns.rdatatype.RRSIG or (
                      referral and rrset.rdtype == dns.rdatatype.NS):
                      continue
                  kind = dns.rdatatype.to_text(rrset.rdtype)
                  synthesized = kind == "CNAME" and any(
                      a.rdtype == dns.rdatatype.DNAME for a in section)
                  child = dns.name.from_text("secure.example.org.")
                  if synthesized or rrset.name.is_subdomain(child) and kind != "DS":
                      continue
                  try:
                      sig = r.find_rrset(section, rrset.name, 1, dns.rdatatype.RRSIG, rrset.rdtype)
                      dns.dnssec.validate(rrset, sig, keys)
                      print("good", rrset.name, kind)
                  except Exception as e:
                      print("bad", name, type, rrset.name, kind, repr(e))
      print("done")
      """

    @Test func `a reload with a key that does not fit is refused, and the last good one goes on`()
      throws
    {
      let signed = try SignedWorld(.one)
      let text = try String(contentsOf: signed.world.file, encoding: .utf8)
      let other = try signed.folder.make("example.net")
      try signed.world.rewrite(
        text.replacing(#/dnssec: \{keys: \[[^\]]*\]\}/#, with: "dnssec: {keys: [\(other)]}"))
      let response = try signed.world.reload()
      #expect(response.status == 422, "\(response.text)")
      #expect(response.text.contains("is a key of example.net., and example.org. is to be signed"))
      #expect(try signed.delv("mail.example.org A").contains("; fully validated"))
    }
  }
}
