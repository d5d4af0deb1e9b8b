import Admin
import Compiling
import Editions
import Publishing
import Routing
import Simulating
import TestSupport
import Testing

@Suite struct `GET /v1/catchments` {
  private func world() throws -> AdminWorld {
    var world = try AdminWorld()
    let publisher = world.publisher
    world.sources.catchments = { question in
      let (compiled, edition) = await publisher.current
      return try Simulation(compiled, board: edition.board).catchments(
        question, edition: edition, population: MappedPopulation(compiled.model.places))
    }
    return world
  }

  @Test func `says who gets which region, and without one`() async throws {
    let world = try world()
    await world.heal()
    let reply = try await world.get("/v1/catchments?service=web&without=tokyo")
    #expect(reply.status == 200, "\(reply.text)")
    #expect(reply.json["service"].string == "web")
    #expect(reply.json["services"].items.map(\.string) == ["web", "eu"])
    let tokyo = reply.json["regions"][0]
    #expect(tokyo["name"].string == "tokyo" && tokyo["share_after"].number == 0)
    #expect(tokyo["share_before"].number == reply.json["moved_share"].number)
    #expect(reply.json["squares"].items.allSatisfy { $0.items.count == 5 })
  }

  @Test(arguments: ["?service=none", "?without=atlantis", "?service=web&without=tokyo,atlantis"])
  func `names what nothing is called`(query: String) async throws {
    let reply = try await world().get("/v1/catchments\(query)")
    #expect(reply.status == 422)
    #expect(reply.text.contains("none") || reply.text.contains("atlantis"), "\(reply.text)")
  }

  @Test func `takes no other question`() async throws {
    #expect(try await world().get("/v1/catchments?with=tokyo").status == 400)
  }
}
