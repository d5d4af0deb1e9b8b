import DNSWire
import ProxyProtocol
import Testing

@testable import Settings

@Suite struct MonitorTests {
  private func monitors(_ text: String) throws -> [Settings.Monitor] {
    try SettingsReader.read(text: "monitors:\n\(text)\n", name: "a.yaml").monitors
  }

  private func kind(_ text: String) throws -> Settings.Monitor.Kind? {
    try monitors("  m: \(text)").first?.kind
  }

  @Test func `tcp sends and expects text or bytes`() throws {
    #expect(try kind("{type: tcp}") == .tcp)
    #expect(
      try kind(#"{type: tcp, send: "PING\r\n", expect: {prefix: +PONG}}"#)
        == .exchange(.init(sent: Array("PING\r\n".utf8), expected: .prefix(Array("+PONG".utf8)))))
    #expect(
      try kind("{type: tcp, send: {hex: 00 0A fF}, expect: {contains: {hex: '01'}}}")
        == .exchange(.init(sent: [0, 10, 255], expected: .contained([1]))))
    #expect(
      try kind("{type: tcp, tls: {verify: false, degraded_before_expiry: 14d}}")
        == .exchange(
          .init(
            sent: [], expected: nil,
            tls: .init(isVerified: false, expiryMargin: .seconds(14 * 86_400)))))
  }

  @Test func `a PROXY header goes first where one is wanted`() throws {
    for type in ["tcp", "http", "https", "grpc"] {
      let read = try monitors(
        ["", ", proxy_protocol: off", ", proxy_protocol: v1", ", proxy_protocol: v2"].enumerated()
          .map { "  m\($0.offset): {type: \(type)\($0.element)}" }.joined(separator: "\n"))
      #expect(read.map(\.proxyHeader) == [nil, nil, .v1, .v2])
    }
  }

  @Test func `dns asks for a name`() throws {
    let name = try DomainName("www.example.org.")
    #expect(
      try kind("{type: dns, name: www.example.org}") == .dns(.init(name: name, type: .a)))
    #expect(
      try kind(
        """
        {type: dns, name: www.example.org., query: AAAA, recursion: true,
         expect: {rcode: [NOERROR, NXDOMAIN], answer: "2001:db8::1"}}
        """)
        == .dns(
          .init(
            name: name, type: .aaaa, responseCodes: [.noError, .nameError],
            data: [0x20, 1, 0x0D, 0xB8] + Array(repeating: 0, count: 11) + [1],
            isRecursionDesired: true)))
  }

  @Test func `grpc, agent and command read their keys`() throws {
    #expect(try kind("{type: grpc}") == .grpc(.init(service: "")))
    #expect(
      try kind("{type: grpc, service: a.B, host: h, tls: {}}")
        == .grpc(.init(service: "a.B", authority: "h", tls: .init(isVerified: true))))
    #expect(try kind("{type: agent, port: 9}") == .agent(.init()))
    #expect(
      try kind(#"{type: agent, send: "x\n", optional: true}"#)
        == .agent(.init(sent: Array("x\n".utf8), isOptional: true)))
    #expect(
      try kind("{type: command, command: [/bin/check, -H, '{address}', ''], degraded: [1, 3]}")
        == .command(
          .init(arguments: ["/bin/check", "-H", "{address}", ""], degradedCodes: [1, 3])))
  }

  @Test func `an agent's word is taken at once`() throws {
    let read = try monitors("  a: {type: agent}\n  b: {type: agent, rise: 4, fall: 5}")
    #expect(read.map(\.rise) == [1, 4])
    #expect(read.map(\.fall) == [1, 5])
  }

  @Test func `a calculated monitor has its children, nested ones too`() throws {
    let read = try monitors(
      """
        both: {type: calculated, of: [a, some]}
        some: {type: calculated, of: {a: 3, b: 2, c: 1}, need: 3}
        any: {type: calculated, of: [a, b], need: any}
        a: {type: tcp, interval: 2s}
        b: {type: http, interval: 9s, timeout: 3s}
        c: {type: tcp}
      """)
    let (a, b, c) = (read[3], read[4], read[5])
    func calculation(_ index: Int) -> Settings.Monitor.Calculation? {
      if case .calculated(let calculation) = read[index].kind { calculation } else { nil }
    }
    #expect(
      calculation(1)
        == .init(
          children: [
            .init(monitor: a, weight: 3), .init(monitor: b, weight: 2),
            .init(monitor: c, weight: 1),
          ], need: 3))
    #expect(
      calculation(0) == .init(children: [.init(monitor: a), .init(monitor: read[1])], need: 2))
    #expect(calculation(2)?.need == 1)
    #expect(read[0].probed.map(\.name) == ["a", "b", "c"])
    // For whoever asks how long detection takes.
    #expect(read[0].interval == .seconds(9))
    #expect(read[0].timeout == .seconds(3))
  }

  static let faulty: [(text: String, fault: String)] = [
    ("m: {type: tcp, send: ''}", "m.send: wants what is sent: text, or {hex: \"0d 0a\"}"),
    ("m: {type: tcp, send: {hex: 0d0}}", "m.send.hex: wants pairs of hexadecimal digits"),
    ("m: {type: tcp, expect: {}}", "m.expect: wants prefix or contains, found neither"),
    (
      "m: {type: tcp, expect: {prefix: a, contains: b}}",
      "m.expect.prefix: cannot stand beside \"contains\""
    ),
    ("m: {type: dns}", "m.name: is missing"),
    ("m: {type: dns, name: a, query: B}", "m.query: wants a record type"),
    ("m: {type: dns, name: a, expect: {rcode: 0}}", "m.expect.rcode: wants one of NOERROR,"),
    ("m: {type: dns, name: a, expect: {answer: b}}", "m.expect.answer: is no A data:"),
    (
      "m: {type: dns, name: a, expect: {rcode: REFUSED, answer: 192.0.2.1}}",
      "m.expect.answer: only an answer of NOERROR has data"
    ),
    ("m: {type: grpc, service: ''}", "m.service: wants the name of a service"),
    ("m: {type: agent, proxy_protocol: v1}", "m.proxy_protocol: unknown key"),
    ("m: {type: dns, name: a, proxy_protocol: v1}", "m.proxy_protocol: unknown key"),
    ("m: {type: tcp, proxy_protocol: v3}", "m.proxy_protocol: wants one of off, v1, v2"),
    ("m: {type: agent, optional: 1}", "m.optional: wants true or false"),
    ("m: {type: command}", "m.command: is missing"),
    ("m: {type: command, command: []}", "m.command: wants the program's absolute path and"),
    ("m: {type: command, command: [check]}", "m.command: wants the program's absolute path,"),
    ("m: {type: command, command: [/a], degraded: 0}", "m.degraded: wants a whole number"),
    (
      "m: {type: https, tls: {degraded_before_expiry: 1m}}",
      "m.tls.degraded_before_expiry: wants a duration"
    ),
    ("m: {type: calculated}", "m.of: is missing"),
    ("m: {type: calculated, of: []}", "m.of: wants at least one monitor"),
    ("m: {type: calculated, of: {}}", "m.of: wants at least one monitor"),
    ("m: {type: calculated, of: [x]}", "m.of[0]: there is no monitor \"x\""),
    ("m: {type: calculated, of: [m]}", "m: monitors in a circle: m → m"),
    ("m: {type: calculated, of: [a, a]}, a: {type: tcp}", "m.of: names \"a\" twice"),
    (
      "m: {type: calculated, of: [a], need: 2}, a: {type: tcp}",
      "m: needs 2, and all its children together are 1"
    ),
    ("m: {type: calculated, of: {a: 0}}, a: {type: tcp}", "m.of.a: wants a whole number"),
    ("m: {type: calculated, of: [a], need: some}, a: {type: tcp}", "m.need: wants a number from"),
    ("m: {type: calculated, of: [a], interval: 1s}, a: {type: tcp}", "m.interval: unknown key"),
    (
      "m: {type: calculated, of: [n]}, n: {type: calculated, of: [m]}",
      "m: monitors in a circle: m → n → m"
    ),
  ]

  @Test(arguments: faulty)
  func `faults have their path`(text: String, fault: String) {
    let found = faults(of: "monitors: {\(text)}\n")
    #expect(
      found.count == 1 && found.first?.hasPrefix("a.yaml:1: monitors.\(fault)") == true,
      "\(found)")
  }

  @Test func `nesting and the number of checks are bounded`() {
    let deep = (0...10).map { "  m\($0): {type: calculated, of: [m\($0 + 1)]}\n" }.joined()
    #expect(
      faults(of: "monitors:\n\(deep)  m11: {type: tcp}\n").contains {
        $0.hasSuffix("calculated monitors nest deeper than 8")
      })
    let many = (0...32).map { "  m\($0): {type: tcp}\n" }.joined()
    let names = (0...32).map { "m\($0)" }.joined(separator: ", ")
    #expect(
      faults(of: "monitors:\n\(many)  all: {type: calculated, of: [\(names)]}\n")
        == [
          "a.yaml:35: monitors.all: one endpoint would be checked 33 times; the most are 32"
        ])
  }
}
