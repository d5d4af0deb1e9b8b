import Migrating
import Places
import ProxyProtocol
import ServerNames
import Settings
import Testing

private typealias World = MigratedWorld

/// What HAProxy 2.6 itself does was looked at with servers that write down what they are asked.
@Suite struct `What HAProxy's rules come to` {
  /// A section `defaults`, named `d`, and what follows it.
  private func migrated(_ text: String, defaults: String = "") throws -> World {
    let source = "defaults d\n  mode tcp\n\(defaults)\n\(text)\n"
    return try World(Migration.haproxy(SourceText(name: "haproxy.cfg", text: source)))
  }

  private static let backend = "backend b\n  server s 192.0.2.1:443"

  private func access(_ rules: String) throws -> (world: World, access: Settings.Proxy.Access?) {
    let world = try migrated(
      "frontend f\n  bind 127.0.0.1:8443\n\(rules)\n  default_backend b\n\(Self.backend)")
    return (world, try world.listener("f").access)
  }

  private func denies(_ access: Settings.Proxy.Access?) -> [String] {
    access?.denied?.prefixes.map { "\($0)" } ?? []
  }

  private let everybody = ["0.0.0.0/0", "::/0"]

  // MARK: - who gets in

  @Test func `a list of whom it takes stays one, however it is said`() throws {
    for rules in [
      "tcp-request connection reject if !{ src 192.0.2.0/24 }",
      "tcp-request connection reject unless { src 192.0.2.0/24 }",
      "acl ours src 192.0.2.7/24\n tcp-request content reject if !ours",
      "tcp-request connection accept if { src 192.0.2.0/24 }\n tcp-request connection reject",
      "tcp-request connection silent-drop unless { src 192.0.2.0/24 }",
    ] {
      let access = try access(rules).access
      #expect(access?.allowed?.prefixes.map { "\($0)" } == ["192.0.2.0/24"], "\(rules)")
    }
  }

  @Test func `what is refused by something else leaves the listener closed, not open`() throws {
    for rule in [
      "reject if { src_conn_rate gt 10 }", "reject if { src -f /etc/bad.lst }",
      "reject if { src 192.0.2.0/24 } { dst_port 22 }", "reject unless { req.ssl_sni a.example }",
    ] {
      let (world, access) = try access("tcp-request content \(rule)")
      #expect(denies(access) == everybody, "\(rule)")
      #expect(world.hasFinding(line: 6, "closed to everybody"), "\(rule)")
    }
    #expect(try denies(access("tcp-request connection reject").access) == everybody)
  }

  @Test func `clients that speak no TLS are told of`() throws {
    for end in ["content reject", "content reject if !{ req.ssl_hello_type 1 }"] {
      let (world, access) = try access(
        "tcp-request content accept if { req.ssl_hello_type 1 }\n tcp-request \(end)")
      #expect(access == nil)
      #expect(world.hasFinding(line: 7, "does not speak TLS"))
    }
  }

  @Test func `rules of a backend and of defaults count for the listener`() throws {
    let world = try migrated(
      "frontend f\n  bind 127.0.0.1:8443\n  default_backend b\n\(Self.backend)\n"
        + "  tcp-request content reject if { src 198.51.100.0/24 }\n"
        + "  tcp-request content set-var(sess.a) src\n"
        + "defaults e\n  mode tcp\n  tcp-request connection reject if { src 203.0.113.0/24 }\n"
        + "frontend g from e\n  bind 127.0.0.1:8444\n  default_backend b")
    #expect(try denies(world.listener("f").access) == ["198.51.100.0/24"])
    #expect(try denies(world.listener("g").access) == ["203.0.113.0/24", "198.51.100.0/24"])
    #expect(world.hasFinding(line: 9, "refused to all clients of f"))
    #expect(world.hasFinding(line: 10, "set-var"))
  }

  @Test func `addresses with and without accept-proxy are two listeners`() throws {
    let world = try migrated(
      "frontend f\n  bind 127.0.0.1:8443\n  bind 127.0.0.1:8444 accept-proxy\n"
        + "  tcp-request connection reject unless { src 10.0.0.0/8 }\n  default_backend b\n"
        + Self.backend)
    let plain = try world.listener("f")
    let behind = try world.listener("f-behind-proxy")
    #expect(plain.listen.map { "\($0)" } == ["127.0.0.1:8443"] && plain.trustedProxies == nil)
    #expect(plain.access?.allowed?.prefixes.map { "\($0)" } == ["10.0.0.0/8"])
    // The rule is about who connects: behind a proxy, that is the proxy.
    #expect(behind.listen.map { "\($0)" } == ["127.0.0.1:8444"] && behind.access == nil)
    #expect(behind.trustedProxies?.map { "\($0)" } == ["10.0.0.0/8"])
    #expect(world.hasFinding(line: 4, "two listeners"))
  }

  @Test func `a bind to an interface is not opened to all of them`() throws {
    let world = try migrated(
      "frontend f\n  bind 127.0.0.1:8443\n  bind *:8444 interface eth0\n"
        + "  bind 127.0.0.1:8445 transparent\n  default_backend b\n\(Self.backend)")
    #expect(
      try world.listener("f").listen.map { "\($0)" } == ["127.0.0.1:8443", "127.0.0.1:8445"])
    #expect(world.hasFinding(line: 6, "interface"))
    #expect(world.hasFinding(line: 7, "transparent"))
  }

  @Test func `certificates of servers are verified unless it is said that they are not`() throws {
    func isVerified(_ words: String, global: String = "") throws -> Bool? {
      let world = try migrated("\(global)\nbackend b\n  server s 192.0.2.1:443 ssl \(words)")
      return try world.pool("b").tls?.isVerified
    }
    #expect(try isVerified("ca-file /etc/ca.pem") == true)
    #expect(try isVerified("verify none") == false)
    #expect(try isVerified("", global: "global\n  ssl-server-verify none") == false)
  }

  // MARK: - what is out of service

  @Test func `what is disabled is left out and told, and what is enabled again is there`() throws {
    let world = try migrated(
      "backend b\n  default-server disabled\n  server s 192.0.2.1:443\n"
        + "  server t 192.0.2.2:443 enabled\nbackend c\n  disabled\n  server s 192.0.2.3:443\n"
        + "frontend f\n  disabled\n  bind 127.0.0.1:8443\n  default_backend b\n"
        + "defaults off\n  mode tcp\n  disabled\nbackend d\n  server s 192.0.2.4:443\n"
        + "backend e\n  enabled\n  server s 192.0.2.5:443")
    #expect(world.settings.pools.map(\.name) == ["b", "e"])
    #expect(try world.pool("b").endpoints.map { "\($0.address)" } == ["192.0.2.2"])
    #expect(world.settings.proxy.listeners.isEmpty)
    for (line, name) in [(6, "server s"), (8, "c"), (11, "f"), (18, "d")] {
      #expect(world.hasFinding(line: line, "\(name) is disabled"))
    }
  }

  @Test func `it is told if nothing became a service`() throws {
    let world = try migrated("backend b\n  mode http\n  server s 192.0.2.1:80")
    #expect(world.settings.services.isEmpty)
    #expect(world.hasFinding(line: 1, "nothing became a service"))
  }

  @Test func `no line is dropped without a word`() throws {
    let world = try migrated(
      "global\n  maxconn 100\nfrontend f\n  bind 127.0.0.1:8443\n  option transparent\n"
        + "  no option clitcpka\n  timeout tarpit 3s\n  default_backend b\n"
        + "backend b\n  server s 192.0.2.1:443 agent-check downinter 5s\n"
        + "  server t 192.0.2.2:443 send-proxy\n  hash-type consistent\n  fullconn 10",
      defaults: "  source 192.0.2.9\n  option clitcpka")
    for (line, text) in [
      (3, "source"), (6, "maxconn of global"), (9, "option transparent"), (11, "timeout tarpit"),
      (14, "agent-check"), (14, "downinter 5s"), (14, "send-proxy is that of t"),
      (16, "hash-type"), (17, "fullconn"),
    ] { #expect(world.hasFinding(line: line, text), "\(line) \(text)") }
    #expect(!world.migration.text.contains("keepalive"))
  }

  // MARK: - limits

  @Test func `timeouts and retries are those of the backends`() throws {
    let world = try migrated(
      "frontend f\n  bind 127.0.0.1:8443\n  use_backend c if { req.ssl_sni c.example }\n"
        + "  default_backend b\n\(Self.backend)\n  timeout connect 2s\n  timeout server 3m\n"
        + "  retries 1\nbackend c\n  timeout connect 1s\n  retries 1\n  server s 192.0.2.2:443",
      defaults: "  timeout client 10s\n  timeout server 20s")
    let listener = try world.listener("f")
    #expect(listener.connectTimeout == .seconds(2))
    #expect(listener.maximumAttempts == 2)
    #expect(listener.connectBudget == .seconds(4))
    #expect(listener.idleTimeout == .seconds(180))
    #expect(world.hasFinding(line: 15, "timeout connect of f is the longest"))
    #expect(world.hasFinding(line: 4, "timeout server of f is the longest"))
    #expect(!world.migration.findings.contains { $0.message.contains("retries") })
  }

  @Test func `retries count without a timeout as well`() throws {
    let world = try migrated(
      "frontend f\n  bind 127.0.0.1:8443\n  default_backend b\n\(Self.backend)\n  retries 7")
    #expect(try world.listener("f").maximumAttempts == 8)
  }
}
