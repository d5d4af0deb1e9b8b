import Compiling
import Editions
import Foundation
import Latency
import Places
import Routing
import Settings
import TestSupport
import Testing

@Suite struct `Latencies are compiled` {
  private let munich = "141.84.0.1"

  private func compiled(_ table: String, _ regions: String = "") throws -> CompiledSettings {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "azimuth-latency-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let files = [("table.csv", table), ("regions.csv", regions)].map { name, text in
      let path = folder.appendingPathComponent(name).path
      return (path, FileManager.default.createFile(atPath: path, contents: Data(text.utf8)))
    }
    return try RegionSet.continents.compiled(
      policy: "{type: latency}",
      extra: "latency: {tables: \(files[0].0), region_tables: \(files[1].0)}")
  }

  private func edition(_ compiled: CompiledSettings) -> Edition {
    Edition(
      number: 1, revision: 1, zones: compiled.zones, maps: compiled.maps, model: compiled.model,
      board: compiled.healthyBoard, rules: compiled.rules, isReady: true)
  }

  private func first(_ client: String, of edition: Edition) throws -> Explanation.Candidate {
    let client = try #require(IPAddress(client)).client
    return try #require(edition.explain(client, service: 0)?.candidates.first)
  }

  @Test func `a table decides for its networks only`() throws {
    let edition = edition(
      try compiled(
        """
        prefix,region,milliseconds,samples
        # a comment
        141.84.0.0/23, dublin, 2.5, 100
        2a02:2e0::/48,tokyo,1,50
        """))
    let model = edition.model
    func region(_ client: String) throws -> String {
      model.regions[try first(client, of: edition).region].name
    }
    #expect(try region(munich) == "dublin" && region("141.84.1.200") == "dublin")
    #expect(try region("2a02:2e0:0:1::1") == "tokyo")
    #expect(try first(munich, of: edition).latencyBasis == .network)
    #expect(try first("141.84.9.1", of: edition).latencyBasis != .network)
  }

  @Test func `what is learned later is compiled into maps of the same kind`() throws {
    let before = try compiled("")
    let old = edition(before)
    let view = try #require(before.model.latency)
    var model = view.model
    let client = try #require(IPAddress(munich)).client
    let network = LatencyNetwork(of: client)
    let sydney = try #require(before.model.regions.firstIndex { $0.name == "sydney" })
    model.add(
      milliseconds: 1, count: 20, from: LatencyClient(of: network, in: before.places),
      network: network, to: sydney, now: 1000)
    _ = model.publish(at: 1000)
    let after = before.learning(LatencyView(model, generation: view.generation + 1))
    let new = Edition(
      number: 2, revision: 1, zones: after.zones, maps: after.maps, model: after.model,
      board: after.healthyBoard, rules: after.rules, isReady: true, previous: old)
    #expect(try first(munich, of: old).region != sydney)
    let learned = try first(munich, of: new)
    #expect(learned.region == sydney && learned.isChosen)
    #expect(after.model.places.places.count > before.model.places.places.count)
  }

  @Test func `every wrong line is a fault with its number`() {
    let error = #expect(throws: Faults.self) {
      try compiled(
        """
        192.0.2.0/24,nowhere,1,1
        192.0.2.1/24,tokyo,1
        10.0.0.0/8,tokyo,1
        192.0.2.0/24,tokyo,-1
        192.0.2.0/24,tokyo,1,0
        192.0.2.0/24
        """, "tokyo,dublin")
    }
    let lines = error?.faults.map(\.origin.line)
    #expect(lines == [1, 2, 3, 4, 5, 6, 1], "\(String(describing: error))")
  }

  @Test func `regions of a table are known to each other`() throws {
    let compiled = try compiled("", "from,to,milliseconds\ntokyo,dublin,234.5\n")
    let names = compiled.model.regions.map(\.name)
    let tokyo = try #require(names.firstIndex(of: "tokyo"))
    let dublin = try #require(names.firstIndex(of: "dublin"))
    #expect(compiled.model.latency?.model.roundTrip(from: dublin, to: tokyo) == 234.5)
  }
}
