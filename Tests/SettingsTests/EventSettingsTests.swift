import Announcing
import Testing

@testable import Settings

@Suite struct `The section events` {
  private func events(_ text: String) throws -> Settings.Events {
    try SettingsReader.read(text: "events: \(text)\n", name: "a.yaml").events
  }

  @Test func `has defaults`() throws {
    #expect(try SettingsReader.read(text: "log: {}\n", name: "a.yaml").events == .init())
    let hook = try #require(try events("{webhooks: [{url: 'http://a/'}]}").webhooks.first)
    #expect(hook.kinds == Set(Event.Kind.allCases))
    #expect(hook.secret == nil && hook.timeout == .seconds(5))
  }

  @Test func `reads all of its keys`() throws {
    let read = try events(
      """
      {keep: 500, webhooks: [{url: 'https://a:1/b?c=d', kinds: [region_health, node_ready],
      secret: abc, timeout: 2s}]}
      """)
    #expect(read.keep == 500)
    #expect(
      read.webhooks == [
        Webhook(
          url: "https://a:1/b?c=d", kinds: [.regionHealth, .nodeReady], secret: "abc",
          timeout: .seconds(2))
      ])
    #expect(read.webhooks[0].name == "https://a:1/b")
  }

  @Test(arguments: [
    ("{keep: 5}", "events.keep"), ("{hooks: []}", "events.hooks"),
    ("{webhooks: [{}]}", "events.webhooks[0].url"),
    ("{webhooks: [{url: 'ftp://a/'}]}", "events.webhooks[0].url"),
    ("{webhooks: [{url: 'http:///x'}]}", "events.webhooks[0].url"),
    ("{webhooks: [{url: 'http://a/', kinds: [region_helth]}]}", "events.webhooks[0].kinds[0]"),
    ("{webhooks: [{url: 'http://a/', timeout: 1d}]}", "events.webhooks[0].timeout"),
  ])
  func `faults have their path`(text: String, path: String) {
    let found = faults(of: "events: \(text)\n")
    #expect(found.count == 1 && found.first?.hasPrefix("a.yaml:1: \(path): ") == true, "\(found)")
  }
}
