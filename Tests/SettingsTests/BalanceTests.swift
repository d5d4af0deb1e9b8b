import Balancing
import Testing

@testable import Settings

@Suite struct `How connections are balanced, in the settings` {
  private func rules(_ balance: String) throws -> BalanceRules {
    let text = """
      regions: {tokyo: {}}
      pools: {web: {endpoints: {tokyo: [192.0.2.1:80]}\(balance)}}
      """
    return try SettingsReader.read(text: text, name: "a.yaml").pools[0].balance
  }

  @Test func `is by the less loaded of two unless it is said`() throws {
    let rules = try rules("")
    #expect(rules == BalanceRules() && rules.method == .powerOfTwo)
    #expect(rules.maximumConnections == nil && rules.slowStart == 60_000_000_000)
    let ejection = try #require(rules.ejection)
    #expect((ejection.failures, ejection.resets) == (5, 5) && ejection.maximumShare == 0.5)
    #expect((ejection.base, ejection.longest) == (10_000_000_000, 300_000_000_000))
  }

  @Test(arguments: [
    ("p2c", BalanceRules.Method.powerOfTwo), ("least_connections", .leastConnections),
    ("round_robin", .roundRobin), ("peak_ewma", .peakLatency), ("hash", .hash), ("first", .first),
  ])
  func `is a word or a mapping`(word: String, method: BalanceRules.Method) throws {
    #expect(method.name == word)
    #expect(try rules(", balance: \(word)").method == method)
    #expect(try rules(", balance: {method: \(word)}") == rules(", balance: \(word)"))
  }

  @Test func `has keys for all that it does`() throws {
    var expected = BalanceRules()
    expected.method = .hash
    (expected.keyBitsIPv4, expected.keyBitsIPv6) = (24, 56)
    expected.boundedLoad = 1.5
    expected.maximumConnections = 100
    expected.slowStart = 5_000_000_000
    var ejection = EjectionRules()
    (ejection.failures, ejection.resets, ejection.maximumShare) = (3, 0, 0.2)
    (ejection.base, ejection.longest) = (1_000_000_000, 60_000_000_000)
    expected.ejection = ejection
    let all = """
      , balance: {method: hash, key: {ipv4: 24, ipv6: 56}, bounded_load: 150%, max_connections: 100, \
      slow_start: 5s, ejection: {failures: 3, resets: 0, base: 1s, longest: 60s, max_share: 20%}}
      """
    #expect(try rules(all) == expected)
    #expect(try rules(", balance: {ejection: off}").ejection == nil)
    #expect(try rules(", balance: {method: hash, bounded_load: off}").boundedLoad == nil)
    #expect(try rules(", balance: {ejection: {base: 10m}}").ejection?.longest == 600_000_000_000)
  }

  @Test(arguments: [
    (
      "p2b",
      "balance: wants one of p2c, least_connections, round_robin, peak_ewma, hash, first, found "
        + "\"p2b\"; did you mean \"p2c\"?"
    ),
    (
      "{key: {ipv4: 24}}",
      "balance.key: says something only where the method is hash; leave it out"
    ),
    (
      "{bounded_load: 150%}",
      "balance.bounded_load: says something only where the method is hash; leave it out"
    ),
    (
      "{method: hash, bounded_load: 90%}",
      "balance.bounded_load: wants off, or a share from 101% to 1000%, found \"90%\""
    ),
    (
      "{max_connections: 0}",
      "balance.max_connections: wants a whole number from 1 to 10000000, found \"0\""
    ),
    ("{ejection: none}", "balance.ejection: wants a mapping, or off, found \"none\""),
    (
      "{ejection: {base: 1m, longest: 30s}}",
      "balance.ejection.longest: is shorter than base, the time of the first ejection"
    ),
    ("{slowstart: 5s}", "balance.slowstart: unknown key; did you mean \"slow_start\"?"),
  ])
  func `has faults that say how to mend it`(balance: String, fault: String) {
    let text = """
      regions: {tokyo: {}}
      pools: {web: {endpoints: {tokyo: [192.0.2.1:80]}, balance: \(balance)}}
      """
    #expect(faults(of: text) == ["a.yaml:2: pools.web.\(fault)"])
  }
}
