import Testing

@testable import Settings

@Suite struct `Policies of type primary` {
  private func text(_ policy: String, more: String = "") -> String {
    """
    regions: {frankfurt: {}, dublin: {}, tokyo: {}}
    policies:
      ledger: \(policy)
    \(more)
    """
  }

  @Test func `have defaults: thirty seconds, and nothing comes back by itself`() throws {
    let read = try SettingsReader.read(
      text: text("{type: primary, order: [dublin, frankfurt]}"), name: "a.yaml")
    #expect(read.policies[0].kind == .primary(Settings.Policy.Primary(order: [1, 0])))
    let primary = Settings.Policy.Primary(order: [1, 0])
    #expect(primary.failHold == .seconds(30) && primary.failback == .manual)
    #expect(primary.failbackAfter == .seconds(300) && primary.lag == nil)
  }

  @Test func `read all of their keys`() throws {
    let read = try SettingsReader.read(
      text: text(
        """
        {type: primary, order: [frankfurt, dublin], fail_hold: 5s, failback: gradual,
            on_store_loss: local_promote, failback_after: 1m,
            lag: {rpo: 10s, interval: 2s, timeout: 1s, urls:
            {frankfurt: "http://10.1.0.1:9100/lag", dublin: "https://db.example/lag"}}}
        """), name: "a.yaml")
    var wanted = Settings.Policy.Primary(
      order: [0, 1], failHold: .seconds(5), failback: .gradual, failbackAfter: .seconds(60))
    wanted.onStoreLoss = .localPromote
    wanted.lag = Settings.Policy.Primary.Lag(
      maximumLoss: .seconds(10),
      urls: [0: "http://10.1.0.1:9100/lag", 1: "https://db.example/lag"],
      interval: .seconds(2), timeout: .seconds(1))
    #expect(read.policies[0].kind == .primary(wanted))
    #expect(wanted.lag?.maximumAge == .seconds(6))
  }

  @Test(arguments: [
    (
      "{type: primary}",
      "a.yaml:3: policies.ledger.order: is missing; wants a list of regions, the first wanted most"
    ),
    (
      "{type: primary, order: [dublin]}",
      "a.yaml:3: policies.ledger.order: wants a standby beside the primary"
    ),
    (
      "{type: primary, order: [dublin, tokyo], failback: never}",
      "a.yaml:3: policies.ledger.failback: wants one of auto, gradual, manual, found \"never\""
    ),
    (
      "{type: primary, order: [dublin, tokyo], lag: {rpo: 1s, urls: {dublin: \"http://a/\"}}}",
      "a.yaml:3: policies.ledger.lag.urls: has nothing for tokyo; fail-back asks for the lag as "
        + "well: name every region of the order"
    ),
    (
      "{type: failover, order: [dublin, {type: primary, order: [tokyo, frankfurt]}]}",
      "a.yaml:3: policies.ledger.order[1]: a policy of type primary stands alone: it is one region "
        + "for all clients"
    ),
  ])
  func `what cannot be is a fault`(policy: String, fault: String) {
    #expect(faults(of: text(policy)) == [fault])
  }

  @Test func `are in no other policy by name either`() {
    let found = faults(
      of: text(
        "{type: primary, order: [dublin, tokyo]}",
        more: "  outer: {type: failover, order: [ledger]}"))
    #expect(
      found == [
        "a.yaml:4: policies.outer: a policy of type primary stands alone: it is one region for all "
          + "clients; this names \"ledger\""
      ])
  }

  @Test(arguments: ["ftp://a/", "http://", "10.0.0.1/lag", "http://a b/"])
  func `a lag is asked over HTTP`(url: String) {
    let found = faults(
      of: text(
        "{type: primary, order: [dublin, tokyo], lag: {rpo: 1s, urls: {dublin: \"http://a/\", "
          + "tokyo: \"\(url)\"}}}"))
    #expect(
      found.contains { $0.hasPrefix("a.yaml:3: policies.ledger.lag.urls.tokyo: wants a URL") })
  }
}

@Suite struct `The section safety` {
  @Test func `has minimums, and names what is wrong`() throws {
    let settings = try SettingsReader.read(
      text: "safety: {minimum_regions: 2, minimum_capacity: 60%}", name: "a.yaml")
    #expect(settings.safety.minimumRegions == 2 && settings.safety.minimumCapacity == 0.6)
    let defaults = try SettingsReader.read(text: "node: {id: a}", name: "a.yaml").safety
    #expect(defaults.minimumRegions == 1 && defaults.minimumCapacity == 0)
    for (text, path) in [
      ("{minimum_regions: -1}", "safety.minimum_regions"),
      ("{minimum_capacity: 101%}", "safety.minimum_capacity"), ("{minimum: 1}", "safety.minimum"),
    ] {
      let found = faults(of: "safety: \(text)")
      #expect(found.count == 1 && found[0].contains(path), "\(found)")
    }
  }
}
