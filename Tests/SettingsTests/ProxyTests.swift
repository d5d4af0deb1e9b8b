import Places
import Settings
import Testing

private func document(_ listener: String, proxy: String = "") -> String {
  """
  regions: {here: {location: [50.1, 8.7]}}
  pools: {web: {endpoints: {here: [127.0.0.1:8080]}}}
  policies: {near: {type: proximity}}
  services: {web: {policy: near, pool: web}}
  proxy:
    \(proxy)
    listeners:
      web:
        listen: 127.0.0.1:8000
        service: web
        \(listener)
  """
}

private func proxy(_ listener: String, _ proxy: String = "") throws -> Settings.Proxy {
  try SettingsReader.read(text: document(listener, proxy: proxy), name: "a.yaml").proxy
}

private func faults(_ listener: String) -> [String] {
  do throws(Faults) {
    _ = try SettingsReader.read(text: document(listener), name: "a.yaml")
    return []
  } catch {
    return error.faults.map { "\($0)" }
  }
}

@Test func `a listener has quiet defaults`() throws {
  let proxy = try proxy("")
  #expect(proxy.bufferMemoryBytes == 256 << 20)
  #expect(proxy.listeners[0].raceAfter == .automatic)
  #expect(proxy.listeners[0].tcp.keepAlive == nil && proxy.listeners[0].tcp.backlog == 4096)
}

@Test(
  arguments: [
    ("race_after: off", .never), ("race_after: auto", .automatic),
    ("race_after: 80ms", .after(.milliseconds(80))),
  ] as [(String, Settings.Proxy.RaceDelay)])
func `a race begins when the listener says so`(
  _ text: String, _ delay: Settings.Proxy.RaceDelay
) throws {
  #expect(try proxy(text).listeners[0].raceAfter == delay)
}

@Test(arguments: [("", 0), ("retry_after_reset: off", 0), ("retry_after_reset: 16KiB", 16_384)])
func `a listener keeps what may have to be sent again`(_ text: String, _ bytes: Int) throws {
  #expect(try proxy(text).listeners[0].repeatedBytes == bytes)
}

@Test func `the access log may tell more than the end`() throws {
  let quiet = try proxy("")
  #expect(!quiet.logsConnects && quiet.logInterval == nil)
  let proxy = try proxy("", "access_log_connects: true\n  access_log_interval: 60s")
  #expect(proxy.logsConnects && proxy.logInterval == .seconds(60))
}

@Test func `a listener takes whom it says`() throws {
  #expect(try proxy("").listeners[0].access == nil)
  let access = try #require(
    try proxy("access: {allow: {eu: true}, deny: {country: [KP], prefix: [192.0.2.0/24]}}")
      .listeners[0].access)
  #expect(access.allowed?.isInEuropeanUnion == true)
  #expect(access.denied?.countries.map(\.description) == ["KP"])
  #expect(
    faults("access: {}") == [
      "a.yaml:11: proxy.listeners.web.access: says nothing; wants allow or deny, such as "
        + "{deny: {country: [KP]}}"
    ])
}

@Test func `sockets have options`() throws {
  let tcp = try proxy(
    """
    tcp: {keepalive: {idle: 30s, probes: 3}, user_timeout: 20s, no_delay: false, fast_open: 16,
              backlog: 100, mark: 7, source: [192.0.2.1, "2001:db8::1"]}
    """, "buffer_memory: 8MiB"
  ).listeners[0].tcp
  let keepAlive = try #require(tcp.keepAlive)
  #expect(keepAlive.idle == .seconds(30) && keepAlive.interval == .seconds(10))
  #expect(keepAlive.probes == 3)
  #expect(tcp.userTimeout == .seconds(20))
  #expect(!tcp.sendsAtOnce && tcp.fastOpenQueue == 16 && tcp.backlog == 100 && tcp.mark == 7)
  #expect(tcp.sources.map(\.description) == ["192.0.2.1", "2001:db8::1"])
}

@Test(arguments: [
  (
    "race_after: soon",
    #"wants auto, off, or a duration from 1ms to 60s, found "soon""#
  ),
  ("tcp: {source: [192.0.2.1, 192.0.2.2]}", "a second address of the same family"),
  ("tcp: {source: example.org}", #"wants an address, such as 192.0.2.7, found "example.org""#),
  ("tcp: {keepalive: {idle: 0s}}", "wants a duration from 1s to"),
  ("tcp: {backlog: 0}", "wants a whole number from 1 to 65535"),
])
func `what a listener cannot be is a fault`(_ text: String, _ message: String) {
  let faults = faults(text)
  #expect(faults.count == 1 && faults[0].contains(message), "\(faults)")
}
