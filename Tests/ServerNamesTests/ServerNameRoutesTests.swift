import ServerNames
import TestSupport
import Testing

private func routes(_ patterns: [String]) throws -> ServerNameRoutes {
  ServerNameRoutes(
    try zip(patterns, patterns.indices).map {
      (pattern: try #require(ServerNamePattern($0.0)), route: $0.1)
    })
}

private func route(_ name: String, in table: ServerNameRoutes) -> Int? {
  let octets = Array(name.utf8)
  return table.route(of: octets.span.bytes)
}

@Suite struct `Routes by server name` {
  @Test(arguments: [
    ("*.example.com", "acme.example.com", "acme"),
    ("*.example.com", "www.acme.example.com", "acme"),
    ("www.example.com", "www.example.com", "www"), ("*", "a.b", "a"), ("*", "a", "a"),
    ("*.com", "example.com", "example"),
  ])
  func `tell the tenant by the label next to the wildcard`(
    pattern: String, name: String, key: String
  ) throws {
    let octets = Array(name.utf8)
    let label = try #require(ServerNamePattern(pattern)).keyLabel(of: octets.span.bytes)
    #expect(String(decoding: octets[label], as: UTF8.self) == key)
  }

  @Test(arguments: [
    ("www.example.com", 0), ("example.com", 1), ("a.example.com", 2), ("b.a.example.com", 2),
    ("x.www.example.com", 2), ("a.deep.example.com", 3), ("b.a.deep.example.com", 3),
    ("deep.example.com", 2), ("example.org", 4), ("com", 4), ("", 4), ("wexample.com", 4),
    (".example.com", 2),
  ])
  func `are exact first, then by the longest wildcard, then the default`(
    name: String, wanted: Int
  ) throws {
    let table = try routes([
      "www.example.com", "example.com", "*.example.com", "*.deep.example.com", "*",
    ])
    #expect(route(name, in: table) == wanted)
  }

  @Test func `are none without a default`() throws {
    let table = try routes(["www.example.com"])
    #expect(route("www.example.org", in: table) == nil)
    #expect(route("", in: table) == nil)
    #expect(route("a.b", in: try routes([])) == nil)
  }

  @Test func `take the first of two equal patterns`() throws {
    let table = try routes(["*", "a.b", "*.a.b", "A.b.", "*.A.B", "*"])
    #expect(route("a.b", in: table) == 1)
    #expect(route("c.a.b", in: table) == 2)
    #expect(route("c.b", in: table) == 0)
  }

  @Test(arguments: [
    ("www.Example.COM", "www.example.com"), ("example.com.", "example.com"),
    ("*.example.com", "*.example.com"), ("*", "*"), ("xn--bcher-kva.example", nil),
    ("a_b.example", "a_b.example"), ("localhost", "localhost"),
  ])
  func `are read in any case`(text: String, shown: String?) throws {
    #expect(try #require(ServerNamePattern(text)).description == shown ?? text)
  }

  @Test(arguments: [
    "", ".", "*.", "a..b", ".a", "a.*.b", "*a.b", "**.b", "bücher.example", "a b", "192.0.2.1",
    "2001:db8::1", "*.1", "a:443", String(repeating: "a", count: 64),
    Array(repeating: "abcdefg", count: 32).joined(separator: "."),
  ])
  func `are refused where no hello could name them`(text: String) {
    #expect(ServerNamePattern(text) == nil)
  }

  /// By the definition: walk over all patterns.
  private static func plainRoute(_ name: String, _ patterns: [String]) -> Int? {
    if let index = patterns.firstIndex(of: name) { return index }
    let parents = patterns.indices.filter {
      patterns[$0].hasPrefix("*.") && name.hasSuffix(patterns[$0].dropFirst())
    }
    let longest = parents.map { patterns[$0].count }.max()
    return parents.first { patterns[$0].count == longest } ?? patterns.firstIndex(of: "*")
  }

  @Test func `are as the definition says, for many names and tables`() throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    var generator = SeededGenerator(seed: seed)
    func name() -> String {
      (0..<Int.random(in: 1...4, using: &generator)).map { _ in
        ["a", "b", "aa", "ab", "x-y"].randomElement(using: &generator) ?? "a"
      }.joined(separator: ".")
    }
    for _ in 0..<300 {
      let patterns = (0..<Int.random(in: 0...60, using: &generator)).map { _ in
        switch Int.random(in: 0...9, using: &generator) {
        case 0: "*"
        case 1...4: "*." + name()
        default: name()
        }
      }
      let table = try routes(patterns)
      for _ in 0..<100 {
        let asked = name()
        #expect(
          route(asked, in: table) == Self.plainRoute(asked, patterns),
          "seed \(seed): \(asked) in \(patterns)")
      }
    }
  }
}
