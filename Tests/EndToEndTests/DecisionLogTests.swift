import Foundation
import Testing

extension EndToEnd {
  @Suite struct `The decision log` {
    private struct Line: Decodable {
      var kind: String
      var client: String
      var name: String?
      var listener: String?
      var region: String?
      var reason: String
      var fences: [String]
      var candidates: [Candidate]
      var edition: Int

      struct Candidate: Decodable { var region: String }
    }

    private func lines(_ file: URL) throws -> [Line] {
      try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map {
        try JSONDecoder().decode(Line.self, from: Data($0.utf8))
      }
    }

    @Test func `has a line for every decision, of DNS and of the proxy, with its fence`() throws {
      let file = try temporaryFolder().appending(path: "decisions.json")
      let world = try World {
        $0.replacing(
          "\ndns:\n", with: "\ndecision_log: {file: \(file.path), sample: 1}\n\ndns:\n")
      }
      _ = try world.ask(DNSQuestion("www.example.org", subnet: "133.11.0.0", bits: 24))
      _ = try world.ask(DNSQuestion("eu.example.org", subnet: "141.2.0.0", bits: 24))
      // What steers nothing makes no line.
      _ = try world.ask(DNSQuestion("sip.example.org"))
      _ = try HTTPConnection(port: world.ports.proxy, from: "127.81.0.1").request("GET", "/")
      eventually("three lines") { try lines(file).count >= 3 }
      let told = try lines(file)
      #expect(told.count == 3)
      let www = try #require(told.first { $0.name == "www.example.org." })
      #expect(www.kind == "dns" && www.client == "133.11.0.0/24" && www.region == "tokyo")
      #expect(www.reason.hasPrefix("chosen") && www.fences.isEmpty && www.edition > 0)
      let fenced = try #require(told.first { $0.name == "eu.example.org." })
      #expect(fenced.region == "frankfurt" && !fenced.fences.isEmpty)
      let proxied = try #require(told.first { $0.kind == "proxy" })
      #expect(proxied.listener == "web" && proxied.client == "127.81.0.0/24")
      #expect(proxied.region == "tokyo" && proxied.candidates.count > 1)
    }
  }
}
