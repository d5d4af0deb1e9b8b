import Places
import Testing

@testable import Settings

/// The settings of a text, or its faults, one a line.
func faults(of text: String, environment: [String: String] = [:]) -> [String] {
  do {
    _ = try SettingsReader.read(text: text, name: "a.yaml", environment: environment)
    return []
  } catch {
    return error.faults.map(\.description)
  }
}

@Suite("A good document")
struct GoodDocument {
  private func settings() throws -> Settings {
    try SettingsReader.read(
      text: wholeDocument, name: "whole.yaml", folder: "/etc/azimuth",
      environment: ["NODE": "edge-7", "EMPTY": ""])
  }

  @Test("gives node, log, regions and health")
  func general() throws {
    let settings = try settings()
    #expect(settings.node.id == "edge-7")
    #expect(settings.log == Settings.Log(format: .json, level: "debug"))
    #expect(settings.geo.overrides == ["192.0.2.0/24 regions=tokyo"])
    #expect(settings.geo.overrideOrigins.map(\.line) == [4])
    #expect(settings.regions.map(\.name) == ["tokyo", "frankfurt", "island"])
    #expect(settings.regions[0].location == GeoPoint(latitude: 35.68, longitude: 139.69))
    #expect(settings.regions[0].tags == ["jp", "asia"])
    #expect(settings.regions[2].location == nil)
    #expect(settings.health.firstRoundDeadline == .seconds(3))
    #expect(settings.health.maximumConcurrentChecks == 8)
    #expect(settings.health.jitter == 0.25)
  }

  @Test("gives monitors and pools")
  func monitorsAndPools() throws {
    let settings = try settings()
    let web = settings.monitors[0]
    let expectation = Settings.Monitor.HTTPExpectation(
      method: "GET", path: "/healthz", host: "www.example.org",
      requestHeaders: [
        Settings.Monitor.Header(name: "X-Check", value: "a${b}")
      ], statuses: [200...299, 301...301], degradedStatuses: [429...429], bodyContains: "ok",
      responseHeaders: [Settings.Monitor.Header(name: "Server", value: "x")])
    let tls = Settings.Monitor.TLSVerification(
      isVerified: false, serverName: "origin.example.org", rootsFile: nil)
    #expect(web.kind == .https(expectation, tls))
    #expect(web.port == 8443)
    #expect(web.interval == .seconds(2))
    #expect(web.fastInterval == .milliseconds(500))
    #expect(web.timeout == .seconds(1))
    #expect([web.rise, web.fall] == [3, 4])
    #expect(settings.monitors[1].kind == .tcp)
    #expect(settings.monitors[1].interval == .seconds(5))

    let pool = settings.pools[0]
    #expect(pool.monitor == 0)
    #expect(pool.panicThreshold == 0.2)
    #expect(pool.minimumHealthy == 2)
    #expect(pool.endpoints.map(\.region) == [0, 0, 1, 1])
    #expect(pool.endpoints[0].port == 8080)
    #expect(pool.endpoints[0].weight == 1)
    #expect(pool.endpoints[1].address == IPAddress("2001:db8::1"))
    #expect(pool.endpoints[1].checkAddress == IPAddress("127.0.0.1"))
    #expect(pool.endpoints[1].checkPort == 9001)
    #expect(pool.endpoints[1].weight == 0)
  }

  @Test("gives policies of every kind, nested")
  func policies() throws {
    let policies = Dictionary(
      uniqueKeysWithValues: try settings().policies.map { ($0.name, $0.kind) })
    #expect(policies["near"] == .proximity(regions: [0, 1], bias: [0: 10], unknown: [0, 1]))
    #expect(policies["pair"] == .failover([.region(0), .named(0)]))
    #expect(policies["list"] == .failover([.region(1), .region(0)]))
    #expect(policies["other"] == .named(0))
    #expect(
      policies["split"]
        == .weighted([
          Settings.Policy.Share(policy: .region(0), weight: 3),
          Settings.Policy.Share(policy: .named(0), weight: 0),
        ]))
    let evenly = [0, 1].map { Settings.Policy.Share(policy: .region($0), weight: 1) }
    #expect(policies["sticky"] == .hash(evenly, keyBitsIPv4: 32, keyBitsIPv6: 64))
    #expect(policies["all"] == .all([.region(0), .region(1)]))
    guard case .geo(let rules, .named(0)) = policies["rules"] else {
      Issue.record("no geo policy")
      return
    }
    #expect(rules[0].match.countries.map(\.description) == ["DE", "NO"])
    #expect(rules[0].policy == .region(1))
    #expect(rules[1].match.asns == [64500, 64501])
    #expect(rules[1].match.prefixes.map(\.description) == ["192.0.2.0/24", "2001:db8::/32"])
    #expect(rules[1].policy == .failover([.region(1), .region(0)]))
    #expect(rules[2].match.subdivisions.map(\.description) == ["US-CA"])
    #expect(rules[2].match.isUnknown)
    #expect(rules[2].policy == .weighted([Settings.Policy.Share(policy: .region(0), weight: 1)]))
  }

  @Test("gives services and fences")
  func services() throws {
    let settings = try settings()
    let web = settings.services[0]
    #expect(settings.policies[web.policy].name == "near")
    #expect(web.ttlSeconds == 60)
    #expect(web.onAllDown == .backup(1))
    #expect(web.maximumAddresses == 3)
    #expect(web.failoverSpreadMilliseconds == 35)
    #expect([web.drawBitsIPv4, web.drawBitsIPv6] == [22, 48])
    let plain = settings.services[1]
    #expect(plain.ttlSeconds == 30)
    #expect(plain.onAllDown == .failOpen)
    #expect(plain.maximumAddresses == 8)
    #expect(plain.failoverSpreadMilliseconds == 20)
    #expect([plain.drawBitsIPv4, plain.drawBitsIPv6] == [20, 44])
    let fence = settings.fences[0]
    #expect(fence.tags == ["eu"])
    #expect(fence.services == [0])
    #expect(fence.clients.continents.map(\.description) == ["EU"])
    #expect(fence.clients.isInEuropeanUnion)
    #expect(settings.fences[1].services == nil)
  }

  @Test("gives zones with absolute names in the case in which they were written")
  func zones() throws {
    let zone = try #require(try settings().zones.first)
    #expect(zone.name == "Example.org.")
    let soa = try #require(zone.soa)
    #expect(zone.file == nil)
    #expect(soa.primary == "ns1.Example.org.")
    #expect(soa.mailbox == "hostmaster.Example.org.")
    #expect(soa.serial == 7)
    #expect(soa.expireSeconds == 14 * 86_400)
    #expect(soa.minimumSeconds == 30)
    #expect(zone.nameServers == ["ns1.Example.org.", "ns.example.net."])
    #expect(zone.nameServerTTLSeconds == 300)
    let records = zone.records.map { "\($0.owner) \($0.ttlSeconds) \($0.type) \($0.data)" }
    #expect(
      records == [
        "ns1.Example.org. 300 A 192.0.2.1",
        "Example.org. 3600 MX 10 mail",
        "Mail.example.org. 5400 AAAA 2001:db8::1",
        "txt.Example.org. 60 TXT \"hello ${world}\"",
        "x.Example.org. 300 TYPE65280 \\# 0",
      ])
    #expect(zone.records[1].origin.path == "zones.Example.org.records[1]")
    #expect(zone.records[1].origin.file == "whole.yaml")
    #expect(
      zone.steered.map(\.owner) == ["www.Example.org.", "Example.org.", "*.geo.Example.org."])
    #expect(zone.steered.map(\.service) == [0, 1, 0])
  }

  @Test("gives listeners, admin and their limits")
  func listeners() throws {
    let settings = try settings()
    #expect(settings.dns.listen.map(\.description) == ["127.0.0.1:5353", "[::1]:5353"])
    #expect(settings.dns.threads == 2)
    #expect(settings.dns.receiveBufferBytes == 1 << 20)
    #expect(settings.dns.maximumUDPBytes == 1400)
    #expect(!settings.answers.usesClientSubnet)
    #expect(settings.dns.tcp.maximumConnections == 10)
    #expect(settings.dns.tcp.maximumConnectionsPerClient == 5)
    #expect(settings.dns.tcp.idleTimeout == .seconds(3))
    #expect(settings.dns.tcp.receiveTimeout == .seconds(2))
    #expect(settings.dns.tcp.sendTimeout == .seconds(4))
    #expect(settings.dns.streamThreads == 1)
    #expect(settings.dns.tls == nil)
    #expect(settings.dns.trustedProxies.map(\.description) == ["192.0.2.0/24", "2001:db8::1/128"])
    #expect(settings.proxy.accessLog == .file("/etc/azimuth/logs/access.log"))
    let listener = settings.proxy.listeners[0]
    #expect(listener.service == 1)
    #expect(listener.maximumConnections == 10_000)
    #expect(listener.connectTimeout == .milliseconds(200))
    #expect(listener.connectBudget == .seconds(5))
    #expect(listener.maximumAttempts == 4)
    #expect(listener.idleTimeout == .seconds(600))
    #expect(listener.halfClosedTimeout == .seconds(30))
    #expect(listener.bufferBytes == 65_536)
    #expect(settings.admin.listen == nil)
    #expect(
      settings.admin.tokens == [
        .init(name: "admin", hash: TokenHash(of: "fallback".utf8), scope: .admin)
      ])
  }

  @Test("may be nearly empty")
  func defaults() throws {
    let settings = try SettingsReader.read(text: "log: {}\n", name: "a.yaml")
    #expect(settings.regions.isEmpty && settings.zones.isEmpty && settings.dns.listen.isEmpty)
    #expect(settings.admin.listen?.description == "127.0.0.1:8053")
    #expect(settings.dns.threads >= 1)
    #expect(!settings.node.id.isEmpty)
    #expect(settings.dns.maximumUDPBytes == 1232)
  }
}

private let wholeDocument = ##"""
  node: {id: "${NODE}"}
  log: {format: json, level: debug}
  geo:
    prefixes: ["192.0.2.0/24 regions=tokyo"]
  regions:
    tokyo: {location: [35.68, 139.69], tags: [jp, asia]}
    frankfurt: {location: [50.11, 8.68], tags: eu}
    island:
  monitors:
    web:
      type: https
      path: /healthz
      interval: 2s
      fast_interval: 500ms
      timeout: 1s
      rise: 3
      fall: 4
      host: www.example.org
      port: 8443
      headers: {X-Check: "a$${b}"}
      expect: {status: [200-299, 301], degraded: [429], body: "ok", headers: {Server: x}}
      tls: {verify: false, server_name: origin.example.org}
    port: {type: tcp}
  pools:
    web:
      monitor: web
      panic_threshold: 20%
      minimum_healthy: 2
      endpoints:
        tokyo: [127.0.1.1:8080, {address: "[2001:db8::1]:443", check: "127.0.0.1:9001", weight: 0}]
        frankfurt: [127.0.1.2:8080, "[2001:db8::2]:8080"]
  policies:
    near: {type: proximity, bias: {tokyo: 10}}
    pair: {type: failover, order: [tokyo, near]}
    list: [frankfurt, tokyo]
    other: near
    split: {type: weighted, shares: {tokyo: 3, near: 0}}
    sticky: {type: hash, among: [tokyo, frankfurt], key: {ipv4: 32, ipv6: 64}}
    all: {type: all, of: [tokyo, frankfurt]}
    rules:
      type: geo
      rules:
        - {country: [DE, NO], use: frankfurt}
        - {asn: [64500, AS64501], prefix: [192.0.2.0/24, "2001:db8::/32"], use: [frankfurt, tokyo]}
        - {subdivision: us-ca, unknown: true, use: {type: weighted, shares: {tokyo: 1}}}
      default: near
  fences:
    eu-data: {clients: {continent: EU, eu: true}, regions: {tags: [eu]}, services: [web]}
    asia-data: {clients: {country: JP}, regions: {tags: [asia]}}
  services:
    web:
      policy: near
      pool: web
      ttl: 1m
      on_all_down: {backup: frankfurt}
      addresses: 3
      failover: {spread: 35ms}
      draw: {ipv4: 22, ipv6: 48}
    plain: {policy: rules, pool: web}
  zones:
    Example.org:
      ttl: 300s
      soa: {primary: ns1, serial: 7, minimum: 30s}
      ns: [ns1, ns.example.net.]
      records:
        - "ns1 A 192.0.2.1"
        - "@ 3600 IN MX 10 mail"
        - "Mail.example.org. 1h30m aaaa 2001:db8::1"
        - {name: txt, type: TXT, ttl: 60s, data: '"hello $${world}"'}
        - 'x TYPE65280 \# 0'
      steered: {www: web, "@": plain, "*.geo": web}
  dns:
    listen: [127.0.0.1:5353, "[::1]:5353"]
    threads: 2
    receive_buffer: 1MiB
    max_udp_size: 1400
    client_subnet: false
    tcp:
      max_connections: 10
      max_connections_per_client: 5
      idle_timeout: 3s
      receive_timeout: 2s
      send_timeout: 4s
      threads: 1
    proxy_protocol: {trusted: [192.0.2.0/24, "2001:db8::1"]}
  proxy:
    access_log: logs/access.log
    listeners:
      web: {listen: 127.0.0.1:8000, service: plain, connect_timeout: 200ms}
  admin: {listen: off, token: "${EMPTY:-fallback}"}
  health: {first_round_deadline: 3s, max_concurrent_checks: 8, jitter: 0.25}
  """##
