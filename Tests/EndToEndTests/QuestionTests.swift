import Foundation
import Places
import TestSupport
import Testing

extension EndToEnd {
  /// Questions on the command line and of the running program, and the gate for new databases.
  @Suite struct `Questions` {
    private static let shipped = "\(Program.root)/config/azimuth.yaml"
    private static let database = "\(Program.root)/geodata/azimuth-city.mmdb"

    private struct Residency: Decodable {
      struct Fence: Decodable {
        var name: String
        var choices: Int
        var violationCount: Int
        var people: Double
      }
      var failures: Int
      var fences: [Fence]
    }

    private struct Simulated: Decodable {
      struct Region: Decodable {
        var name: String
        var shareBefore: Double
        var shareAfter: Double
      }
      struct Flow: Decodable {
        var from: String
        var to: String
      }
      struct Service: Decodable {
        var name: String
        var movedShare: Double
        var regions: [Region]
        var flows: [Flow]
      }
      var services: [Service]
    }

    private struct Planned: Decodable {
      struct Entry: Decodable {
        var name: String
        var totalSeconds: Double?
      }
      var entries: [Entry]
    }

    private func decoded<Answer: Decodable>(_ text: String, as type: Answer.Type) throws -> Answer {
      let decoder = JSONDecoder()
      decoder.keyDecodingStrategy = .convertFromSnakeCase
      return try decoder.decode(type, from: Data(text.utf8))
    }

    @Test func `audit residency proves the demo's fence and prints the evidence`() throws {
      let told = try Program.run(["audit", "residency", Self.shipped])
      #expect(told.status == 0, "\(told.all)")
      #expect(told.output.contains("fence eu-data") && told.output.contains("proven"))
      let finished = try Program.run(["audit", "residency", Self.shipped, "--output", "json"])
      let report = try decoded(finished.output, as: Residency.self)
      // 1 + 9 + 36 + 84 subsets of nine regions and all nine, in four manners.
      #expect(report.failures == 131 * 4)
      let fence = try #require(report.fences.first)
      #expect(fence.name == "eu-data" && fence.choices > 500 && fence.violationCount == 0)
      #expect((400e6...500e6).contains(fence.people), "\(fence.people)")
    }

    @Test func `simulate tells who moves, as table, JSON and picture`() throws {
      let picture = try temporaryFolder().appending(path: "picture.svg").path
      let arguments = ["simulate", Self.shipped, "--down", "tokyo,sydney", "--service", "web"]
      let told = try Program.run(arguments + ["--picture", picture])
      #expect(told.status == 0 && told.output.contains("tokyo → singapore"), "\(told.all)")
      #expect(try String(contentsOfFile: picture, encoding: .utf8).hasPrefix("<svg"))
      let finished = try Program.run(arguments + ["--output", "json"])
      let report = try decoded(finished.output, as: Simulated.self)
      let service = try #require(report.services.first)
      #expect(report.services.count == 1 && service.name == "web")
      let gone = service.regions.filter { ["tokyo", "sydney"].contains($0.name) }
      #expect(gone.allSatisfy { $0.shareAfter == 0 && $0.shareBefore > 0 })
      #expect(abs(service.regions.reduce(0) { $0 + $1.shareAfter } - 1) < 1e-6)
    }

    @Test(arguments: [
      ["--down", "tokio"], ["--bias", "tokyo"], ["--bias", "tokyo=100"], ["--service", "wob"],
      ["--log", "/there/is/no.csv"], ["--mmdb", "/there/is/no.mmdb"], ["--load", "-1"],
      ["--candidate", "/there/is/no.yaml"], ["--dial", "tokyo=0.5"], ["--dial", "tokyo=101%"],
    ])
    func `simulate refuses what it does not understand`(options: [String]) throws {
      let finished = try Program.run(["simulate", Self.shipped] + options)
      #expect(finished.status != 0 && !finished.errors.isEmpty)
    }

    @Test func `plan rto has every steered name and listener`() throws {
      let finished = try Program.run(["plan", "rto", Self.shipped, "--output", "json"])
      #expect(finished.status == 0, "\(finished.all)")
      let plan = try decoded(finished.output, as: Planned.self)
      #expect(plan.entries.count == 10 && plan.entries.last?.name == "web")
      // interval 1s + timeout 500ms + 50ms + ttl 20s.
      #expect(plan.entries.first { $0.name == "www.example.org." }?.totalSeconds == 21.55)
    }

    @Test func `what a running node foretells is what happens`() throws {
      let world = try World()
      let clients = ["133.11.0.1", "141.2.0.1", "200.144.248.41", "8.8.8.8", "1.1.1.1"]
      for region in ["tokyo", "frankfurt"] {
        let foretold = try clients.map { client in
          let response = try world.admin(
            "POST", "/v1/simulate",
            body: """
              {"drain": ["\(region)"], "services": ["web"], "clients": [{"address": "\(client)"}]}
              """, token: World.token)
          try #require(response.status == 200, "\(response.text)")
          let service = try #require(
            try decoded(response.text, as: Simulated.self).services.first)
          return service.regions.filter { $0.shareAfter > 0 }.map(\.name)
        }
        #expect(try world.override(region, state: "drain").status / 100 == 2)
        for (client, regions) in zip(clients, foretold) {
          #expect(try world.route(client).outcome.regions == regions, "\(client) without \(region)")
        }
        #expect(try world.override(region, state: "auto").status / 100 == 2)
      }
      #expect(try world.admin("POST", "/v1/simulate", body: "{}").status == 401)
    }

    /// Every network in Japan: what a broken database looks like.
    private func brokenDatabase() throws -> [UInt8] {
      var writer = DatabaseWriter()
      let prefix = try #require(AddressPrefix("0.0.0.0/1"))
      writer.add(
        prefix,
        .map([
          ("country", .map([("iso_code", .text("JP"))])),
          ("location", .map([("latitude", .double(35.7)), ("longitude", .double(139.7))])),
        ]))
      return writer.file
    }

    @Test func `a database that moves very many people is refused unless it is forced`() throws {
      let file = try temporaryFolder().appending(path: "city.mmdb")
      try Data(contentsOf: URL(filePath: Self.database)).write(to: file)
      let world = try World {
        $0.replacing("\(Program.root)/geodata/azimuth-city.mmdb", with: file.path)
      }
      let revision = try world.route("141.2.0.1").revision
      try Data(try brokenDatabase()).write(to: file, options: .atomic)
      let checked = try Program.run(["check", world.file.path, "--against", Self.database])
      #expect(checked.status == 1 && checked.output.contains("BEYOND"), "\(checked.all)")

      let refused = try world.reload()
      #expect(refused.status == 422, "\(refused.text)")
      #expect(refused.text.contains("would move") && refused.text.contains("max_moved"))
      let before = try world.route("141.2.0.1")
      #expect(before.revision == revision && before.outcome.regions == ["frankfurt"])
      let asked = try world.admin(
        "POST", "/v1/simulate", body: #"{"configuration": "file", "services": ["web"]}"#,
        token: World.token)
      let moved = try decoded(asked.text, as: Simulated.self).services.first?.movedShare ?? 0
      #expect(moved > 0.3, "\(asked.text)")

      let forced = try world.admin("POST", "/v1/reload?force=true", token: World.token)
      #expect(forced.status == 200, "\(forced.text)")
      #expect(try world.route("8.8.8.8").outcome.regions == ["tokyo"])
    }
  }
}
