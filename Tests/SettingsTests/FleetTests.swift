import Layers
import Testing

@testable import Settings

private func faults(global text: String) -> [String] {
  do throws(Faults) {
    _ = try SettingsReader.read(
      [
        ConfigurationText(.file, name: "a.yaml", text: "node: {id: a}"),
        ConfigurationText(.global, name: "global", text: text),
      ], folder: "/", environment: ["SECRET": "c2VjcmV0IHNlY3JldCBzZWNyZXQ="])
    return []
  } catch {
    return error.faults.map(\.description)
  }
}

private func key(_ secret: String) -> String {
  "keys: {transfer: {algorithm: hmac-sha256, secret: \"\(secret)\"}}"
}

struct FleetTests {
  @Test func `the section has defaults, and says where the store is`() throws {
    let settings = try SettingsReader.read(
      text: """
        node: {id: a}
        fleet: {name: prod, members: ["https://10.0.0.1:2379", "https://10.0.0.2:2379"],
          user: azimuth, password: "${PASSWORD}"}
        """, name: "a.yaml", environment: ["PASSWORD": "hush"])
    let fleet = try #require(settings.fleet)
    #expect(fleet.name == "prod" && fleet.members.count == 2)
    #expect(fleet.user == .init(name: "azimuth", password: "hush"))
    #expect(fleet.timeout == .seconds(2) && fleet.startWait == .seconds(5))
    #expect(fleet.shrinkLimit == 0.5)
    #expect(fleet.health == Settings.Fleet.Health())
    #expect(fleet.sharesLatencies)
  }

  @Test func `whether nodes tell each other latencies can be said`() throws {
    for (word, isSaid) in [("on", true), ("off", false)] {
      let settings = try SettingsReader.read(
        text: "fleet: {name: prod, members: [\"http://a:1\"], latency: \(word)}\nnode: {id: a}\n",
        name: "a.yaml")
      #expect(settings.fleet?.sharesLatencies == isSaid)
    }
  }

  @Test func `how nodes settle health together can be said, and that they do not`() throws {
    func fleet(_ health: String) throws -> Settings.Fleet? {
      try SettingsReader.read(
        text: "fleet: {name: prod, members: [\"http://a:1\"], health: \(health)}\nnode: {id: a}\n",
        name: "a.yaml"
      ).fleet
    }
    let text = "{observers: 5, quorum: 66%, min_observers: 1, stale_hold: 1m}"
    let health = try #require(try fleet(text)?.health)
    #expect(health.observers == 5 && health.quorum == 0.66)
    #expect(health.minimumObservers == 1 && health.staleHold == .seconds(60))
    #expect(try fleet("off") != nil && fleet("off")?.health == nil)
  }

  @Test func `the section says the same wherever in the file it stands`() throws {
    func fleet(before: String = "", _ more: String = "") throws -> Settings.Fleet? {
      try SettingsReader.read(
        text: "node: {id: a}\n\(before)fleet: {name: f, members: [\"http://a:1\"]\(more)}\n",
        name: "a.yaml"
      ).fleet
    }
    let one = try #require(try fleet())
    #expect(one.saysTheSame(as: try fleet(before: "\n\n")))
    #expect(!one.saysTheSame(as: try fleet(", user: a, password: b")))
    #expect(!one.saysTheSame(as: nil))
  }

  @Test(arguments: [
    ("{name: prod}", "fleet.members: is missing"), ("{members: x}", "fleet.name: is missing"),
    ("{name: prod, members: [\"10.0.0.1:2379\"]}", "fleet.members[0]: wants a URL"),
    ("{name: prod, members: [\"http://a:1/v3\"]}", "fleet.members[0]: wants a URL"),
    ("{name: prod, members: [\"http://a:1\"], user: a}", "user and password go together"),
    ("{name: a/b, members: [\"http://a:1\"]}", "fleet.name: wants a name"),
    ("{name: a, members: [\"http://a:1\"], shrink_limit: 2}", "fleet.shrink_limit: wants a share"),
    ("{name: a, members: [\"http://a:1\"], health: on}", "fleet.health: wants a mapping, or off"),
    ("{name: a, members: [\"http://a:1\"], health: {quorum: 40%}}", "fleet.health.quorum: wants"),
    ("{name: a, members: [\"http://a:1\"], health: {observers: 0}}", "fleet.health.observers:"),
    (
      "{name: a, members: [\"http://a:1\"], health: {min_observers: x}}",
      "fleet.health.min_observers:"
    ),
    (
      "{name: a, members: [\"http://a:1\"], health: {stale_hold: 2d}}",
      "fleet.health.stale_hold:"
    ),
    ("{name: a, members: [\"http://a:1\"], latency: yes}", "fleet.latency: wants one of"),
    (
      "{name: a, members: [\"http://a:1\"], tls: {certificate: /none}}",
      "certificate and key go together"
    ),
  ])
  func `faults of the section`(_ section: String, _ wanted: String) {
    do throws(Faults) {
      _ = try SettingsReader.read(
        text: "node: {id: a}\nfleet: \(section)\n", name: "a.yaml")
      Issue.record("no fault")
    } catch {
      #expect(error.description.contains(wanted), "\(error)")
    }
  }

  @Test func `a literal secret may not stand in the store, and a reference may`() {
    #expect(faults(global: key("${SECRET}")) == [])
    for literal in ["c2VjcmV0IHNlY3JldCBzZWNyZXQ=", "${SECRET:-c2VjcmV0}", "${SECRET}x"] {
      let told = faults(global: key(literal))
      #expect(
        told.contains { $0.hasPrefix("global:1: keys.transfer.secret: is a secret") }, "\(told)")
      #expect(!told.contains { $0.contains("c2VjcmV0") }, "\(told)")
    }
  }

  @Test(arguments: ["fleet", "node", "state", "log", "handover"])
  func `what is the node's own may not stand in the store`(_ section: String) {
    let told = faults(global: "\(section): {}")
    #expect(told.contains { $0.hasPrefix("global:1: \(section): may not stand in the store") })
  }
}
