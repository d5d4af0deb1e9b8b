import Glibc
import Testing

extension EndToEnd {
  /// Cookies and rate limits in the running program, and how a reload changes them.
  @Suite struct `Abuse` {
    private static let client: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8]
    private static let first = "000102030405060708090a0b0c0d0e0f"
    private static let second = "f0e0d0c0b0a090807060504030201000"

    private func world(_ dns: String) throws -> World {
      try World { with(dns, in: $0) }
    }

    private func with(_ dns: String, in configuration: String) -> String {
      configuration.replacing("\ndns:\n", with: "\ndns:\n  \(dns)\n")
    }

    private func reload(_ world: World, from old: String, to new: String) throws {
      try world.rewrite(world.configuration.replacing(old, with: new))
      #expect(try world.reload().status / 100 == 2)
    }

    /// The cookie that comes back, and the answer's code.
    private func ask(_ world: World, cookie: [UInt8]) throws -> (cookie: [UInt8], code: UInt16) {
      var question = DNSQuestion("www.example.org")
      question.options = [0, 10, 0, UInt8(cookie.count)] + cookie
      let reply = try world.ask(question)
      return (reply.options[10] ?? [], reply.code)
    }

    /// RFC 9018 §5: the new secret is accepted everywhere before anybody hands it out.
    @Test func `RFC 9018 §5: a secret is rolled by three reloads and no client is turned away`()
      throws
    {
      let world = try world("cookies: {secret: \(Self.first)}")
      let old = try ask(world, cookie: Self.client).cookie
      #expect(old.count == 24)
      #expect(try ask(world, cookie: old).cookie == old, "the same secret, the same cookie")

      let one = "cookies: {secret: \(Self.first)}"
      try reload(world, from: one, to: "cookies: {secret: \(Self.first), accept: \(Self.second)}")
      #expect(try ask(world, cookie: old).cookie == old)

      try reload(world, from: one, to: "cookies: {secret: \(Self.second), accept: \(Self.first)}")
      let new = try ask(world, cookie: old).cookie
      #expect(new.count == 24 && new != old, "valid still, and renewed")
      #expect(try validCookieCount(world) == 3)

      try reload(world, from: one, to: "cookies: {secret: \(Self.second)}")
      #expect(try ask(world, cookie: new).cookie == new)
      #expect(try ask(world, cookie: old).cookie != old)
      #expect(try validCookieCount(world) == 4)
    }

    private func validCookieCount(_ world: World) throws -> Int {
      try count(world, #/azimuth_dns_cookies_total\{[^}]*state="valid"[^}]*\} (\d+)/#)
    }

    private func count(_ world: World, _ pattern: Regex<(Substring, Substring)>) throws -> Int {
      try world.admin("GET", "/metrics").text.matches(of: pattern)
        .reduce(0) { $0 + (Int($1.1) ?? 0) }
    }

    @Test func `cookies outlive a reload without a shared secret`() throws {
      let world = try World()
      let cookie = try ask(world, cookie: Self.client).cookie
      try reload(world, from: "ttl: 20s", to: "ttl: 21s")
      #expect(try ask(world, cookie: cookie).cookie == cookie)
    }

    @Test func `a flood gets its rate, cut answers and counters; a reload ends the limit`() throws {
      let limit = "rate_limit: {answers: 20, slip: 2, exempt: []}"
      let world = try world(limit)
      let flood = try flood(world)
      #expect(flood.full >= 20, "\(flood)")
      #expect(flood.cut > 0 && flood.full + flood.cut < 400, "\(flood)")
      let dropped = #/azimuth_dns_rate_limited_total\{[^}]*action="dropped"[^}]*\} (\d+)/#
      eventually("the drops are counted") { try count(world, dropped) > 0 }
      try reload(world, from: limit, to: "rate_limit: off")
      let free = try self.flood(world)
      #expect(free.full == 400, "\(free)")
    }

    /// 400 questions from one address as fast as they go, no more on their way at a time than a
    /// socket holds.
    private func flood(_ world: World) throws -> (full: Int, cut: Int) {
      let socket = try Socket.udp(
        to: "127.0.0.1", port: world.ports.dns, timeoutMilliseconds: 300)
      var counts = (full: 0, cut: 0)
      for _ in 0..<20 {
        for _ in 0..<20 { try socket.send(DNSQuestion("www.example.org").bytes) }
        for _ in 0..<20 {
          guard let bytes = try? socket.receive() else { break }
          if try DNSReply(bytes).isTruncated { counts.cut += 1 } else { counts.full += 1 }
        }
      }
      return counts
    }

    @Test func `RFC 4892 §2: the identity and the version are told only if configured`() throws {
      let world = try world("identity: fra-1")
      func dig(_ name: String) throws -> String {
        try Program.shell("dig @127.0.0.1 -p \(world.ports.dns) CH TXT \(name) +short").output
          .replacing("\n", with: "")
      }
      #expect(try dig("id.server") == "\"fra-1\"")
      #expect(try dig("version.bind") == "")
      try reload(world, from: "identity: fra-1", to: "version: Azimuth")
      #expect(try dig("id.server") == "")
      #expect(try dig("version.bind") == "\"Azimuth\"")
    }
  }
}
