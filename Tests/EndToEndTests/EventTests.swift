import Crypto
import Foundation
import TestSupport
import Testing

extension EndToEndWaiting {
  @Suite struct `Events` {
    /// A world that keeps its state in the folder of its configuration.
    private static func world(_ more: String = "") throws -> World {
      try World { $0 + "\nstate: state\n" + more }
    }

    /// A reader by curl, from the first event on or from those after one.
    private func follow(_ world: World, after id: String? = nil) throws -> RunningProcess {
      let url = "http://127.0.0.1:\(world.ports.admin)/v1/events"
      let header = id.map { ["-H", "Last-Event-ID: \($0)"] } ?? []
      return try RunningProcess("/usr/bin/curl", ["-sN"] + header + [url])
    }

    private func ids(_ reader: RunningProcess) -> [String] {
      reader.output.matches(of: #/(?m)^id: (\d+)$/#).map { String($0.1) }
    }

    private struct Feed: Decodable {
      struct Entry: Decodable, Equatable {
        var id: UInt64
        var kind: String
        var subject: String
      }
      var events: [Entry]
      var incomplete: Bool
      var last: UInt64
    }

    private func feed(_ world: World, after id: UInt64 = 0) throws -> Feed {
      try HTTPConnection(port: world.ports.admin).request(
        "GET", "/v1/events?since=\(id)", headers: ["Accept": "application/json"]
      ).decoded(as: Feed.self)
    }

    @Test func `a reader that was away misses nothing, and gets nothing twice`() throws {
      let world = try Self.world()
      let first = try follow(world)
      _ = try world.override("tokyo", state: "drain")
      eventually("the event") { first.output.contains("event: override_set") }
      #expect(first.output.contains(#""author":"tests""#))
      first.signal(SIGKILL)
      let seen = ids(first)
      for state in ["up", "auto", "down", "auto"] {
        _ = try world.override("tokyo", state: state)
      }
      let second = try follow(world, after: seen.last)
      let all = try feed(world).events.map { "\($0.id)" }
      eventually("the rest") { seen + ids(second) == all }
      #expect(seen + ids(second) == all)
      // Whoever still reads does not hold up the end.
      world.process.signal(SIGTERM)
      eventually("the end", within: .seconds(8)) { !world.process.isRunning }
      #expect(world.process.status == 0, "\(world.process.all)")
      eventually("the reader's end") { !second.isRunning }
    }

    @Test func `outlive a restart`() throws {
      let world = try Self.world()
      _ = try world.override("tokyo", state: "drain")
      world.regions["sydney"]?.stop()
      eventually("the loss") {
        try feed(world).events.contains {
          $0.kind == "region_health" && $0.subject == "sydney/web"
        }
      }
      let before = try feed(world)
      world.process.signal(SIGTERM)
      eventually("the end", within: .seconds(8)) { !world.process.isRunning }
      let next = try RunningProcess(Program.path, ["serve", world.file.path])
      eventually("readiness") { world.isReady }
      let after = try feed(world)
      #expect(try world.admin("GET", "/v1/overrides").text.contains("\"tokyo\""))
      #expect(Array(after.events.prefix(before.events.count)) == before.events)
      let new = try feed(world, after: before.last)
      #expect(!new.incomplete && !new.events.isEmpty)
      #expect(new.events.allSatisfy { $0.id > before.last })
      withExtendedLifetime(next) {}
    }

    @Test(arguments: ["since=x", "since=-1", "follow=maybe", "sinse=3"])
    func `a question that means nothing is a problem`(query: String) throws {
      let world = try Self.world()
      #expect(try world.admin("GET", "/v1/events?\(query)").status == 400)
    }

    @Test func `reach a webhook in order, signed, and once it takes them`() throws {
      let file = try temporaryFolder().appending(path: "taken").path
      let port = Ports.free()
      let world = try Self.world(
        """
        events:
          webhooks:
            - url: "http://127.0.0.1:\(port)/hook"
              kinds: [override_set, override_removed]
              secret: s3cret
        """)
      let receiver = try RunningProcess(
        "/usr/bin/python3",
        ["\(Program.root)/Tests/EndToEndTests/Harness/webhook_receiver.py", "\(port)", file, "1"])
      for state in ["drain", "up"] { _ = try world.override("tokyo", state: state) }
      _ = try world.admin("DELETE", "/v1/overrides/tokyo", token: World.token)
      let wanted = ["override_set", "override_set", "override_removed"]
      func taken() -> [(signature: String, body: String)] {
        let text = (try? String(contentsOfFile: file, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").map { line in
          let parts = line.split(separator: " ", maxSplits: 1).map(String.init)
          return (parts[0], parts[1])
        }
      }
      func kinds() -> [String] {
        taken().flatMap { entry in
          entry.body.matches(of: #/"kind":"(\w+)"/#).map { String($0.1) }
        }
      }
      eventually("the deliveries", within: .seconds(30)) { kinds() == wanted }
      #expect(kinds() == wanted)
      for entry in taken() {
        let code = HMAC<SHA256>.authenticationCode(
          for: Data(entry.body.utf8), using: SymmetricKey(data: Data("s3cret".utf8)))
        let text = code.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        #expect(entry.signature == "sha256=\(text)")
      }
      let metrics = try world.admin("GET", "/metrics").text
      #expect(metrics.contains(#/azimuth_webhook_requests_total\{[^}]*delivered[^}]*\} [1-9]/#))
      withExtendedLifetime(receiver) {}
    }
  }
}
