import Migrating
import ProxyProtocol
import Settings
import Testing

private typealias World = MigratedWorld

@Suite struct `What HAProxy's checks come to` {
  /// A backend `b` whose server is checked, with lines of its own and of `defaults`.
  private func migrated(
    _ lines: [String], defaults: [String] = [], server: String = "check"
  ) throws -> World {
    let text =
      (["defaults", "mode tcp"] + defaults + ["backend b"] + lines + [
        "server s 192.0.2.1:443 \(server)"
      ]).joined(separator: "\n")
    return try World(Migration.haproxy(SourceText(name: "haproxy.cfg", text: text)))
  }

  private func monitor(
    _ lines: [String], defaults: [String] = [], server: String = "check"
  ) throws -> Settings.Monitor {
    try migrated(lines, defaults: defaults, server: server).monitor(ofPool: "b")
  }

  private func exchange(_ monitor: Settings.Monitor) -> Settings.Monitor.Exchange? {
    if case .exchange(let exchange) = monitor.kind { exchange } else { nil }
  }

  @Test func `the kind is the last that is named, the backend's before that of defaults`() throws {
    let own = try monitor(
      ["option tcp-check", #"tcp-check send hello\r\n"#], defaults: ["option httpchk GET /ok"])
    #expect(exchange(own)?.sent == Array("hello\r\n".utf8))
    let text = try migrated(["option httpchk GET /own"], defaults: ["option redis-check"])
    #expect(text.migration.text.contains("path: /own"))
    let last = try monitor(["option httpchk", "option ssl-hello-chk"])
    #expect(exchange(last)?.tls != nil)
  }

  @Test func `rules of defaults count where a backend has none of its own`() throws {
    let inherited = ["option tcp-check", "tcp-check send theirs"]
    #expect(
      exchange(try monitor(["option tcp-check"], defaults: inherited))?.sent
        == Array("theirs".utf8))
    #expect(
      exchange(try monitor(["tcp-check send own"], defaults: inherited))?.sent
        == Array("own".utf8))
    let http = ["option httpchk GET /ok", "http-check expect status 404"]
    #expect(try migrated([], defaults: http).migration.text.contains("status: [404]"))
    // An `option httpchk` takes them away.
    let own = try migrated(["option httpchk GET /own"], defaults: http).migration.text
    #expect(own.contains("status: 200-399") && own.contains("path: /own"))
  }

  @Test func `a check speaks TLS as its server does, unless it goes elsewhere or says otherwise`()
    throws
  {
    for (server, isTLS) in [
      ("check ssl verify none", true), ("check ssl verify none port 80", false),
      ("check ssl verify none addr 192.0.2.1", false), ("check port 80 check-ssl", true),
      ("check ssl verify none no-check-ssl", false), ("check check-ssl no-check-ssl", false),
      ("check ssl verify none no-ssl", false),
    ] {
      let found = exchange(try monitor([], server: server))?.tls != nil
      #expect(found == isTLS, "\(server)")
      let text = try migrated(["option httpchk"], server: server).migration.text
      #expect(text.contains("type: https") == isTLS, "\(server)")
    }
  }

  @Test func `a check sends a PROXY header as its server does, or where it is told to`() throws {
    for (server, header) in [
      ("check send-proxy", ProxyVersion.v1), ("check send-proxy send-proxy-v2", .v2),
      ("check send-proxy port 80", nil), ("check check-send-proxy port 80", .v1),
      ("check send-proxy-v2 check-send-proxy port 80", .v2), ("check", nil),
    ] {
      let world = try migrated([], server: server)
      let pool = try world.pool("b")
      let sent = try world.monitor(ofPool: "b").sending(pool.proxyHeader, to: pool.endpoints[0])
      #expect(sent.proxyHeader == header, "\(server)")
    }
  }

  @Test func `it may take as long as connecting and checking may`() throws {
    func timeout(_ lines: [String]) throws -> Duration {
      try monitor(lines, server: "check inter 10s").timeout
    }
    #expect(try timeout(["timeout connect 2s"]) == .seconds(10))
    #expect(try timeout(["timeout check 3s"]) == .seconds(10))
    #expect(try timeout(["timeout connect 2s", "timeout check 3s"]) == .seconds(5))
    let world = try migrated(["timeout check 13s"], server: "check inter 10s")
    #expect(world.hasFinding(line: 4, "23000ms becomes 10000ms"))
  }

  @Test func `a later word about a server counts before an earlier one`() throws {
    let world = try migrated(
      [
        "default-server check send-proxy backup weight 5 inter 3s", "default-server inter 4s",
        "server a 192.0.2.2:443 no-check no-backup no-send-proxy",
        "server c 192.0.2.3:443 no-check check inter 4s inter 5s weight 7 no-backup",
        "default-server weight 9 no-backup",
      ], defaults: ["default-server inter 1s fall 7"], server: "")
    let pool = try world.pool("b")
    #expect(pool.endpoints.map(\.weight) == [5, 7, 9])
    let monitor = try world.monitor(ofPool: "b")
    #expect(monitor.interval == .seconds(5) && monitor.fall == 7)
    #expect(world.hasFinding(line: 7, "a was not checked"))
    #expect(world.hasFinding(line: 7, "send-proxy is that of c"))
    #expect(world.hasFinding(line: 10, "inter is that of c"))
  }

  @Test func `headers of a check are sent, and what cannot be is told`() throws {
    let world = try migrated([
      "option httpchk",
      #"http-check send meth GET uri /ok ver HTTP/1.1 hdr Host a.example hdr X-Probe "b c" body d"#,
      "http-check expect ! status 500",
    ])
    let text = world.migration.text
    for line in ["method: GET", "path: /ok", "host: a.example", "X-Probe: 'b c'"] {
      #expect(text.contains(line), "\(line)")
    }
    #expect(world.hasFinding(line: 5, "body of http-check send"))
    #expect(world.hasFinding(line: 6, "! status 500"))
  }
}

/// What a hostile file would cost if it were read again and again.
@Suite struct `Large files of HAProxy` {
  private func migrated(_ text: String) throws -> Migration {
    try Migration.haproxy(SourceText(name: "haproxy.cfg", text: text))
  }

  /// Read by copying what there is of it for each sign, this would be 10¹³ bytes.
  @Test func `with a word of megabytes are read once`() throws {
    let word = String(repeating: "a\\b", count: 2_000_000)
    let migration = try migrated("global\n  \(word) 'x\(word)'\n")
    #expect(migration.findings.contains { $0.origin.line == 2 })
  }

  /// 50,000 sections times 50,000 lines that count for each of them.
  @Test func `with much in defaults for many sections are read once`() throws {
    let lines = String(repeating: "  timeout check 1s\n  default-server weight 2\n", count: 25_000)
    let sections = (0..<50_000).map { "backend b\($0)\n" }.joined()
    let migration = try migrated("defaults\n  mode tcp\n\(lines)\(sections)")
    #expect(migration.findings.count > 50_000)
  }

  @Test func `with many conditions of many names are read within a budget`() throws {
    let names = (0..<20_000).map { "  acl a req.ssl_sni n\($0).example\n" }.joined()
    let rules = String(repeating: "  use_backend b if a\n", count: 20_000)
    let migration = try migrated(
      "frontend f\n  mode tcp\n  bind 127.0.0.1:80\n\(names)\(rules)"
        + "backend b\n  mode tcp\n  server s 192.0.2.1:80\n")
    #expect(migration.text.contains("n19999.example: b"))
    #expect(migration.findings.contains { $0.message.contains("no counterpart") })
  }

  @Test func `end their lines with CR LF, too`() throws {
    let lines = [
      "defaults", "  mode tcp", "frontend f", "  bind 127.0.0.1:80", "  default_backend b",
      "backend b", "  server s 192.0.2.1:80 check port 81", "",
    ]
    let migration = try migrated(lines.joined(separator: "\r\n"))
    #expect(try migrated(lines.joined(separator: "\n")).text == migration.text)
    #expect(migration.text.contains("192.0.2.1:81"))
  }

  @Test func `with defaults in an endless chain are a fault`() {
    let chain = (1..<1000).map { "defaults d\($0) from d\($0 - 1)\n" }.joined()
    #expect(throws: Faults.self) { try migrated("defaults d0\n\(chain)") }
  }
}

@Suite struct `Names of another program` {
  @Test func `are tried about as often as there are names`() {
    var book = NameBook()
    let long = String(repeating: "x", count: 50)
    let names = Set((0..<50_000).map { book.name("\($0)", wanted: "\(long)\($0)") })
    #expect(names.count == 50_000)
    #expect(book.attemptCount < 150_000)
  }
}
