import Answering
import Cookies
import DNSWire
import Editions
import RateLimiting
import Testing

/// What fuzzing found: see docs/fuzzing.md.
@Suite struct `Finds of the fuzzers` {
  /// RFC 7873 §5.2.3 lets BADCOOKIE say only that the cookie was wrong. Beyond its rate, a client
  /// was told so even of queries whose options nobody had read.
  @Test(arguments: [(version: UInt8(1), code: 16), (version: 0, code: 1)])
  func `RFC 6891 §6.1.3: beyond the rate, what cannot be read is not called a bad cookie`(
    version: UInt8, code: Int
  ) throws {
    let limits = RateLimits(
      rates: RateLimits.Rates(answers: 1, nameErrors: 1, errors: 1), slip: 1)
    let asker = Asker(
      edition: try World.edition(
        rules: AnswerRules(
          cookies: CookieSecrets(active: CookieSecret(low: 1, high: 2)), rateLimits: limits)))
    let cookie: [UInt8] = [0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8]
    var packet = try query("www.example.org.", edns: cookie)
    let versionOffset = packet.count - cookie.count - 5
    packet[versionOffset] = version
    // Of version 0 something else is wrong: one record too few.
    if version == 0 { packet[11] = 2 }
    for _ in 0..<5 {
      let reply = try Reply(asker.ask(packet))
      #expect(reply.code == code)
      #expect(reply.sections == [[], [], []])
    }
  }
}
