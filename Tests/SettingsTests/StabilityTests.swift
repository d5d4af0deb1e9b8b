import Testing

@testable import Settings

@Suite struct `Stability of regions` {
  private func settings(_ text: String) throws -> Settings {
    try SettingsReader.read(text: text, name: "a.yaml")
  }

  @Test func `nothing said: back at once, three losses flap, the dial is open`() throws {
    let settings = try settings("regions: {tokyo: {}}")
    #expect(settings.stability == Settings.Stability())
    #expect(settings.stability.failback == .auto && settings.stability.flapping.isOn)
    #expect(settings.regions[0].dial == 1)
  }

  @Test func `a region's own words stand over the general ones, key by key`() throws {
    let settings = try settings(
      """
      stability:
        failback: gradual
        hold_down: 30s
        ramp: 5m
        flapping: {suppress_at: 4, reuse_at: 1.5, half_life: 1m, longest: 15m}
      regions:
        tokyo: {dial: 30%, stability: {failback: manual, ramp_start: 25%}}
        osaka: {dial: 0}
      """)
    let general = settings.stability
    #expect(general.failback == .gradual && general.holdDown == .seconds(30))
    #expect(general.flapping.suppressAt == 4 && general.flapping.reuseAt == 1.5)
    #expect(general.flapping.halfLife == .seconds(60) && general.flapping.longest == .seconds(900))
    let tokyo = settings.regions[0]
    #expect(tokyo.dial == 0.3)
    #expect(tokyo.stability.failback == .manual && tokyo.stability.holdDown == .seconds(30))
    #expect(tokyo.stability.ramp == .seconds(300) && tokyo.stability.rampStart == 0.25)
    #expect(settings.regions[1].dial == 0 && settings.regions[1].stability == general)
  }

  @Test(arguments: [
    (
      "stability: {failback: slow}",
      "a.yaml:1: stability.failback: wants one of auto, gradual, manual, found \"slow\""
    ),
    (
      "stability: {flapping: {suppress_at: 2, reuse_at: 3}}",
      "a.yaml:1: stability.flapping.reuse_at: reuse_at must be below suppress_at, which is 2.0"
    ),
    (
      "regions: {tokyo: {dial: 110%}}",
      "a.yaml:1: regions.tokyo.dial: wants a share from 0% to 100%, found \"110%\""
    ),
    (
      "regions: {tokyo: {stability: {flapping: {}}}}",
      "a.yaml:1: regions.tokyo.stability.flapping: unknown key; known: failback, hold_down, ramp, "
        + "ramp_start"
    ),
  ])
  func `what cannot be is a fault`(text: String, fault: String) {
    #expect(faults(of: text) == [fault])
  }

  @Test func `the time to live while a change is near is at most the usual one`() throws {
    let services = """
      regions: {tokyo: {}}
      pools: {web: {endpoints: {tokyo: ["192.0.2.1:80"]}}}
      policies: {only: {type: failover, order: [tokyo]}}
      services:
        usual: {policy: only, pool: web}
        short: {policy: only, pool: web, ttl: 2s}
        own: {policy: only, pool: web, ttl: 60s, ttl_changing: 10s}

      """
    let read = try settings(services).services
    #expect(read.map(\.changingTTLSeconds) == [5, 2, 10])
    let long = services + "  bad: {policy: only, pool: web, ttl: 5s, ttl_changing: 6s}\n"
    #expect(
      faults(of: long) == [
        "a.yaml:8: services.bad.ttl_changing: is longer than the ttl of 5s"
      ])
  }
}
