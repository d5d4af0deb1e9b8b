import Balancing
import Migrating
import Places
import ProxyProtocol
import ServerNames
import Settings
import Testing

private typealias World = MigratedWorld

@Suite struct `Migrating from HAProxy` {
  private static let config = #"""
    # A comment, "not closed.
    global
      maxconn 4096
    defaults
      mode tcp
      timeout connect 4s
      timeout client 30s
      timeout server 1m
      retries 2
      maxconn 2000
    frontend tls
      bind 127.0.0.1:8443,[::1]:8443
      bind 127.0.0.1:9000-9001 accept-proxy
      tcp-request inspect-delay 5s
      tcp-request content accept if { req_ssl_hello_type 1 }
      acl is_app req.ssl_sni -i app.example.org App2.example.org
      acl is_bad src 198.51.100.0/24 2001:db8:bad::/48
      tcp-request connection reject if is_bad
      use_backend app if is_app or { req_ssl_sni -i app3.example.org }
      use_backend tenants if { req.ssl_sni -m end .example.org }
      use_backend app if { req.ssl_sni late.example.org }
      use_backend app if is_app !is_bad
      default_backend web
    backend app
      balance leastconn
      option httpchk GET /ok
      http-check expect status 200
      default-server inter 3s fall 2 rise 1
      server a 192.0.2.1:443 check port 8080 weight 10 maxconn 100
      server b 192.0.2.2:443 check port 8080 weight 20 maxconn 100 send-proxy-v2
      server c 192.0.2.3:443 check port 8080 backup maxconn 100
    backend tenants
      balance source
      server one 2001:db8::1:80 ssl verify none sni str(in.example.org) slowstart 30s
      server two tenants.example.org:80
      stick on src
    listen web
      bind *:8080
      option redis-check
      server only 192.0.2.9:6379 check inter 500 fastinter 100ms on-marked-down shutdown-sessions
    frontend pages
      mode http
      bind *:80
    listen secured
      bind *:8444 ssl crt /etc/site.pem
      server only "192.0.2.10:80"
    """#

  private static func migrated() throws -> World {
    try World(Migration.haproxy(SourceText(name: "haproxy.cfg", text: config), region: "here"))
  }

  @Test func `frontends listen where they did, for as many and as long`() throws {
    let world = try Self.migrated()
    let tls = try world.listener("tls")
    #expect(tls.listen.map { "\($0)" } == ["127.0.0.1:8443", "[::1]:8443"])
    #expect(tls.maximumConnections == 2000)
    #expect(tls.connectTimeout == .seconds(4))
    #expect(tls.connectBudget == .seconds(12))
    #expect(tls.maximumAttempts == 3)
    #expect(tls.idleTimeout == .seconds(60))
    #expect(tls.greetingTimeout == .seconds(5))
    #expect(try world.listener("web").listen.map { "\($0)" } == ["0.0.0.0:8080"])
    #expect(world.settings.proxy.listeners.map(\.name) == ["tls", "tls-behind-proxy", "web"])
  }

  @Test func `names of TLS go to the backends that the first rule said`() throws {
    let world = try Self.migrated()
    let tls = try world.listener("tls")
    let names = Dictionary(
      uniqueKeysWithValues: tls.serverNames.map {
        ("\($0.pattern)", world.settings.services[$0.service].name)
      })
    #expect(
      names == [
        "app.example.org": "app", "app2.example.org": "app", "app3.example.org": "app",
        "*.example.org": "tenants",
      ])
    #expect(tls.service.map { world.settings.services[$0].name } == "web")
    #expect(world.hasFinding(line: 21, "late.example.org is another rule's"))
    #expect(world.hasFinding(line: 22, "no counterpart"))
  }

  @Test func `who was rejected is denied`() throws {
    let denied = try #require(try Self.migrated().listener("tls").access?.denied)
    #expect(denied.prefixes.map { "\($0)" } == ["198.51.100.0/24", "2001:db8:bad::/48"])
  }

  @Test func `servers are endpoints with their weights, and what is backup stands by`() throws {
    let world = try Self.migrated()
    let app = try world.pool("app")
    #expect(app.endpoints.map { "\($0.address)" } == ["192.0.2.1", "192.0.2.2", "192.0.2.3"])
    #expect(app.endpoints.map(\.weight) == [10, 20, 0])
    #expect(app.endpoints.map(\.checkPort) == [8080, 8080, 8080])
    #expect(app.proxyHeader == .v2)
    #expect(app.balance.method == .leastConnections)
    #expect(app.balance.maximumConnections == 100)
    let tenants = try world.pool("tenants")
    #expect(tenants.endpoints.map { "\($0.address)" } == ["2001:db8::1"])
    #expect(tenants.balance.method == .hash)
    #expect(tenants.tls?.isVerified == false)
    #expect(tenants.tls?.serverName == "in.example.org")
    #expect(tenants.balance.slowStart == 30_000_000_000)
    #expect(world.hasFinding(line: 35, "names are not looked up"))
    #expect(world.hasFinding(line: 36, "stick has no counterpart"))
  }

  @Test func `checks are monitors with the same times`() throws {
    let world = try Self.migrated()
    let app = try world.pool("app").monitor.map { world.settings.monitors[$0] }
    #expect(app?.interval == .seconds(3))
    #expect(app?.timeout == .seconds(3))
    #expect(app?.fall == 2)
    #expect(app?.rise == 1)
    #expect(world.migration.text.contains("type: http"))
    let web = try world.pool("web")
    let monitor = web.monitor.map { world.settings.monitors[$0] }
    #expect(monitor?.interval == .milliseconds(500))
    #expect(monitor?.fastInterval == .milliseconds(100))
    #expect(world.migration.text.contains("+PONG"))
    #expect(web.closing.whenDown == .close)
    #expect(try world.pool("tenants").monitor == nil)
  }

  @Test func `what does not speak TCP, or ends TLS, is told and left out`() throws {
    let world = try Self.migrated()
    #expect(world.hasFinding(line: 41, "mode http"))
    #expect(world.hasFinding(line: 45, "ends TLS"))
    #expect(world.hasFinding(line: 13, "accept-proxy"))
  }
}
