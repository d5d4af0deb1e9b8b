import Foundation
import TestSupport
import Testing

@testable import Settings

@Suite struct `A URL` {
  static let good = [
    "http://a", "https://a.example/", "http://a_b:1/x?y=z#f", "http://10.0.0.1:65535/load",
    "https://[2001:db8::1]", "https://[::ffff:192.0.2.1]:2379/x", "http://a?b",
  ]
  /// What is wrong with each is in its fault.
  static let bad = [
    ("http://10.0.0.1:70000/load", "\"70000\""), ("http://a:65536", "\"65536\""),
    ("http://a:0", "\"0\""), ("http://a:080", "\"080\""), ("http://a:", "\"\""),
    ("http://a:-1", "\"-1\""), ("http://a:1e3/", "\"1e3\""),
    ("http://a:99999999999999999999", "1 to"),
    ("http://", "no host"), ("http:///x", "no host"), ("http://:80/", "no host"),
    ("ftp://a/", "begins with"), ("a:80", "begins with"), ("", "begins with"),
    ("http:/a", "begins with"), ("http://a b/", "spaces"), ("http://a/\u{7}", "spaces"),
    ("http://ä/", "ASCII"), ("http://[::1/", "brackets"), ("http://::1/", "brackets"),
    ("http://2001:db8::1:80/", "brackets"), ("http://[10.0.0.1]/", "brackets"),
    ("http://[]/", "brackets"), ("http://[::1]x/", "only a port"), ("http://a]/", "no name"),
    ("http://ada:word@a/", "no user"), ("http://a%41/", "no name"),
    ("http://999.0.0.1/", "no address"),
  ]

  @Test(arguments: good)
  func `is taken`(text: String) {
    #expect(throws: Never.self) { try URLText(text, for: .http) }
    #expect(throws: Never.self) { try URLText(text, for: .number) }
  }

  @Test(arguments: bad)
  func `is refused when it is read, and not when it is first asked`(text: String, why: String) {
    for use in [URLText.Use.http, .number, .server] {
      let fault = #expect(throws: URLText.Fault.self) { try URLText(text, for: use) }
      #expect(fault?.description.contains(why) == true, "\(fault as Any)")
    }
  }

  @Test func `has a host and a port`() throws {
    let url = try URLText("tcp://[2001:db8::1]:9100", for: .number)
    #expect(url.scheme == .tcp && url.host == "2001:db8::1" && url.port == 9100)
    #expect(try URLText("https://a.example/x:1", for: .http).port == nil)
  }

  @Test(arguments: ["tcp://a", "tcp://a:70000", "tcp://a:1/", "tcp://a:1/x", "tcp://:1"])
  func `of TCP is a host and a port`(text: String) {
    #expect(throws: URLText.Fault.self) { try URLText(text, for: .number) }
  }

  @Test(arguments: ["https://a:1/", "https://a?x", "https://a#x", "tcp://a:1"])
  func `of a server has no path`(text: String) {
    #expect(throws: URLText.Fault.self) { try URLText(text, for: .server) }
  }

  @Test func `is judged alike wherever it stands, and what it hides is not shown`() {
    let url = "http://10.0.0.1:70000/load?key=word"
    let places = [
      "events: {webhooks: [{url: '\(url)'}]}": "events.webhooks[0].url",
      "fleet: {name: a, members: ['\(url)', 'http://a:0']}": "fleet.members[0]",
      "regions: {a: {capacity: {reported_load: {url: '\(url)'}}}}":
        "regions.a.capacity.reported_load.url",
      """
      regions: {a: {}, b: {}}
      policies: {p: {type: primary, order: [a, b], lag: {rpo: 1s, urls: {a: '\(url)', b: x}}}}
      """: "policies.p.lag.urls.a",
    ]
    for (text, path) in places {
      let found = faults(of: text + "\n").filter { $0.contains(" \(path): ") }
      #expect(found.count == 1, "\(faults(of: text))")
      #expect(found.first?.contains("word") == false)
    }
  }

  @Test func `is to the schema what it is to the loader`() throws {
    let schema = try JSONSerialization.jsonObject(
      with: Data(contentsOf: URL(filePath: "\(repository)/config/azimuth.schema.json")))
    let definitions = try #require((schema as? [String: Any])?["$defs"] as? [String: Any])
    let uses = [("url", URLText.Use.http), ("serverURL", .server), ("numberURL", .number)]
    // What a pattern cannot tell.
    let beyond = ["http://[10.0.0.1]/", "http://999.0.0.1/", "https://[10.0.0.1]"]
    for (name, use) in uses {
      let branches = try #require(
        (definitions[name] as? [String: Any])?["anyOf"] as? [[String: Any]])
      let pattern = try NSRegularExpression(
        pattern: try #require(branches[0]["pattern"] as? String))
      for text in Self.good + Self.bad.map(\.0) + [
        "tcp://a:1", "tcp://a:1/", "tcp://a", "http://a:9",
      ]
      where !beyond.contains(text) {
        let range = NSRange(text.startIndex..., in: text)
        let isOfSchema = pattern.firstMatch(in: text, range: range) != nil
        let isOfLoader = (try? URLText(text, for: use)) != nil
        #expect(isOfSchema == isOfLoader, "\(name): \(text)")
      }
    }
  }
}
