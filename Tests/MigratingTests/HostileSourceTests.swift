import Migrating
import Settings
import TestSupport
import Testing

@Suite struct `Sources of migrations` {
  /// As editors of Windows write it.
  @Test func `may begin with the mark of UTF-8, and end their lines with CR LF`() throws {
    for kind in `Hostile sources`.kinds {
      let plain = try kind.migrate(kind.texts.map { SourceText(name: "file", text: $0) })
      let marked = try kind.migrate(
        kind.texts.map {
          SourceText(name: "file", text: "\u{FEFF}" + $0.replacing("\n", with: "\r\n"))
        })
      #expect(plain.text == marked.text && plain.findings == marked.findings, "\(kind.name)")
    }
  }

  @Test func `of HAProxy with a time that is none are told, and it counts as not said`() throws {
    let text = """
      listen l
        mode tcp
        bind 127.0.0.1:81
        server a 192.0.2.1:80
        timeout connect 99999999999999999999s
        timeout client "${TIME}"
        timeout server
      """
    let migration = try Migration.haproxy(SourceText(name: "h", text: text))
    #expect(migration.findings.map(\.origin.line) == [5, 6, 7])
    #expect(!migration.text.contains("_timeout"))
  }

  @Test(.timeLimit(.minutes(1)))
  func `that include each other, each twice, are refused soon`() {
    let levels = 40
    func text(_ level: Int) -> String {
      level == levels ? "x = y" : "a => $include{\(level + 1)}\nb => $include{\(level + 1)}"
    }
    let config = SourceText(name: "config", text: text(0))
    let fault = #expect(throws: Faults.self) {
      try Migration.gdnsd(
        Migration.Gdnsd(config: config, zones: []) { name in
          SourceText(name: name, text: text(Int(name) ?? 0))
        })
    }
    #expect(fault?.description.contains("more than 1000 files are included") == true)
  }

  @Test func `of which nothing is left become no empty configuration`() {
    let config = SourceText(name: "config", text: "options => { nothing = 1 }")
    let faults = #expect(throws: Faults.self) {
      try Migration.gdnsd(Migration.Gdnsd(config: config, zones: []))
    }
    #expect(
      faults?.faults.map(\.description) == [
        "config:1: option nothing is left out", "config:1: nothing could be carried over",
      ])
  }
}

/// Of any bytes comes a configuration that loads, or an error that says where.
@Suite struct `Hostile sources` {
  static let gdnsd = Kind(
    name: "gdnsd",
    texts: [
      """
      options => { listen => [ 127.0.0.1 ] }
      service_types => { t => { plugin => tcp_connect, port = 25, interval = 2 } }
      plugins => { geoip => { maps => { m => { datacenters => [ a, b ]
        auto_dc_coords => { a => [ 1, 2 ], b => [ 3, 4 ] }, nets => { 10.0.0.0/8 => a }
        map => { EU => { DE => [ a, b ], default => auto }, NA => { US => { CA => b } } } } }
        resources => { r => { map => m, service_types => t
          dcmap => { a => [ 192.0.2.1, 2001:db8::1 ], b => { plugin => weighted, x => [ 192.0.2.2, 3 ] } } } } }
        metafo => { resources => { q => { datacenters => [ c ], dcmap => { c => %geoip!r } } } } }
      """,
      """
      $TTL 5m
      @ SOA ns hm ( 1 2 3 4 5 )
      @ NS ns
      ns A 192.0.2.9
      r 300/5 DYNA geoip!r
      q DYNC metafo!q
      s TXT "x" \\( ; y
      """,
    ]
  ) { texts throws(Faults) in
    try Migration.gdnsd(
      Migration.Gdnsd(config: texts[0], zones: [("example.org", texts[1])]) { _ in texts[0] })
  }

  static let haproxy = Kind(
    name: "HAProxy",
    texts: [
      """
      defaults
        mode tcp
        timeout connect 4s
        timeout check 1s
        maxconn 2000
        retries 2
      frontend f
        bind 127.0.0.1:8443,*:9000-9003 accept-proxy
        tcp-request inspect-delay 5s
        acl a req.ssl_sni -i app.example.org
        tcp-request connection reject if { src 198.51.100.0/24 }
        use_backend b if a or { req.ssl_sni -m end .example.net }
        default_backend b
      backend b
        balance source
        option httpchk GET /ok
        http-check expect status 200
        server x 192.0.2.1:443 check inter 3s weight 10 port 80 send-proxy slowstart 5s
        server y 192.0.2.2:443 check inter 3s backup ssl sni str(a.example)
        tcp-request content reject unless { src 10.0.0.0/8 192.0.2.9/3 }
      global
        ssl-server-verify none
      defaults d from x
        disabled
        option tcp-check
        tcp-check send a\\r\\n\\x41
        default-server check port 81 check-send-proxy agent-check
      listen l
        enabled
        bind :::81,ipv4@127.0.0.1:82 interface eth0 name z
        bind 127.0.0.1:83-85
        tcp-request connection accept if !{ src 10.0.0.0/8 } or LOCALHOST
        tcp-request content accept if { req_ssl_hello_type 1 }
        tcp-request content reject
        no option tcpka
        timeout check 3s
        server z 192.0.2.3:80 no-check no-check-ssl enabled weight 0
      """
    ]
  ) { texts throws(Faults) in try Migration.haproxy(texts[0]) }

  static let powerDNS = Kind(
    name: "PowerDNS",
    texts: [
      """
      domains:
        - domain: example.org
          ttl: 30
          records:
            example.org: [{soa: a b 1 2 3 4 5}, {ns: {content: ns.example.org, ttl: 60}}]
            de.www.example.org:
              - a: {content: 192.0.2.1, weight: 5}
              - a: 192.0.2.2
            x.www.example.org: [{a: 192.0.2.3}, {txt: "a b"}]
          services:
            www.example.org: {default: ['%cc.www.example.org', x.www.example.org], 10.0.0.0/8: b.example.net}
            map.example.org: '%mp.www.example.org'
      mapping_lookup_formats: ['%cc-%re', '%cc']
      custom_mapping: {us-ca: x, fr: de}
      """
    ]
  ) { texts throws(Faults) in try Migration.powerDNS(texts[0]) }

  static let kinds = [gdnsd, haproxy, powerDNS]

  struct Kind: Sendable, CustomTestStringConvertible {
    var name: String
    var texts: [String]
    var migrate: @Sendable ([SourceText]) throws(Faults) -> Migration

    var testDescription: String { name }
  }

  @Test(arguments: kinds)
  func `what is not hostile is migrated`(kind: Kind) throws {
    _ = try kind.migrate(kind.texts.map { SourceText(name: "file", text: $0) })
  }

  @Test(arguments: kinds, 0..<4 as Range<UInt64>)
  func `any bytes come to a configuration that loads, or to an error with its line`(
    kind: Kind, seed: UInt64
  ) throws {
    var generator = SeededGenerator(seed: seed)
    var migrated = 0
    for _ in 0..<250 {
      let texts = kind.texts.map { mutated(Array($0.utf8), with: &generator) }
      do throws(Faults) {
        let sources = try texts.map { bytes throws(Faults) in
          try SourceText(name: "file", bytes: bytes)
        }
        let migration = try kind.migrate(sources)
        _ = try SettingsReader.read(text: migration.text, name: "made")
        #expect(migration.findings.allSatisfy { $0.origin.line != nil })
        migrated += 1
      } catch {
        #expect(
          error.faults.allSatisfy { $0.origin.line != nil && $0.origin.file == "file" },
          "seed \(seed): \(error)")
      }
    }
    #expect(migrated > 10)
  }

  private static let spice = Array("{}[]:,\"'\n -&*!|>%@`#?~$\\.0aé\t\u{E000}\r;=()/".utf8)

  private func mutated(_ original: [UInt8], with generator: inout SeededGenerator) -> [UInt8] {
    var bytes = original
    for _ in 0..<Int.random(in: 0...3, using: &generator) {
      let start = Int.random(in: 0..<bytes.count, using: &generator)
      let end = min(start + Int.random(in: 1...20, using: &generator), bytes.count)
      switch Int.random(in: 0..<5, using: &generator) {
      case 0: bytes.removeSubrange(start..<end)
      case 1: bytes.insert(contentsOf: bytes[start..<end], at: start)
      case 2: bytes[start] = Self.spice.randomElement(using: &generator) ?? 0
      case 3: bytes[start] = UInt8.random(in: 0...255, using: &generator)
      default:
        let target = Int.random(in: 0..<bytes.count, using: &generator)
        bytes.insert(contentsOf: Array(bytes[start..<end]), at: target)
      }
      if bytes.isEmpty { bytes = [0x0A] }
    }
    return bytes
  }
}
