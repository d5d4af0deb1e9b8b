import Compiling
import Editions
import Routing
import Simulating
import TestSupport
import Testing

@Suite struct `Catchments` {
  /// What the two questions are asked of.
  private struct World {
    let compiled: CompiledSettings
    let edition: Edition
    let population: MappedPopulation

    /// - Parameter lost: a region whose checks fail now.
    init(_ compiled: CompiledSettings, lost: String? = nil) {
      self.compiled = compiled
      var scenario = Scenario()
      scenario.down = lost.map { [$0] } ?? []
      let board = scenario.board(from: compiled.healthyBoard, model: compiled.model)
      edition = Edition(
        number: 7, revision: 1, zones: compiled.zones, maps: compiled.maps, model: compiled.model,
        board: board, isReady: true)
      population = MappedPopulation(compiled.model.places)
    }

    func catchments(_ question: CatchmentQuestion = .init()) throws -> CatchmentReport {
      try Simulation(compiled, board: edition.board).catchments(
        question, edition: edition, population: population)
    }
  }

  @Test func `are those that a simulation counts`() throws {
    let world = try World(SmallWorld.compiled())
    let report = try world.catchments(CatchmentQuestion(without: ["frankfurt"]))
    var scenario = Scenario()
    scenario.down = ["frankfurt"]
    let simulated = try #require(
      try Simulation(world.compiled).report(of: scenario).services.first)
    #expect(report.regions.map(\.name) == simulated.regions.map(\.name) + ["refused"])
    for (one, other) in zip(report.regions, simulated.regions) {
      #expect(abs(one.shareBefore - other.shareBefore) < 1e-6, "\(one.name)")
      #expect(abs(one.shareAfter - other.shareAfter) < 1e-6, "\(one.name)")
    }
    #expect(abs(report.movedShare - simulated.movedShare) < 1e-6 && report.movedShare > 0)
    #expect(report.flows.map(\.to).contains("dublin"))
    #expect(report.edition == 7)
  }

  @Test func `of a lost region are beside how it would be if all were well`() throws {
    let world = try World(SmallWorld.compiled(), lost: "tokyo")
    let report = try world.catchments()
    let tokyo = try #require(report.regions.first)
    #expect(tokyo.shareBefore > 0.1 && tokyo.shareAfter == 0)
    #expect(tokyo.medianMs == nil)
    #expect(Set(report.flows.map(\.from)) == ["tokyo"])
    #expect(report.before == "all well" && report.after == "now")
  }

  @Test func `are squares of the map with those whom most people there get`() throws {
    let world = try World(SmallWorld.compiled())
    let report = try world.catchments(CatchmentQuestion(without: ["tokyo"]))
    // Japan, Germany, the United States and Ireland, each in one place.
    #expect(report.squares.count == 4)
    let people = report.squares.map { $0[2] }.reduce(0, +)
    #expect(abs(people - report.people) < report.people / 1e6)
    let japan = try #require(report.squares.first { $0[1] > 100 })
    #expect(japan[0] == 35.7 && japan[1] == 139.7)
    #expect(report.regions[Int(japan[3])].name == "tokyo")
    #expect(report.regions[Int(japan[4])].name != "tokyo")
  }

  @Test func `tell who is refused`() throws {
    let fence = """
      fences:
        eu-data: {clients: {eu: true}, regions: {tags: [eu]}, when_empty: refuse}
      """
    let world = try World(SmallWorld.compiled(extra: fence))
    let report = try world.catchments(CatchmentQuestion(without: ["frankfurt", "dublin"]))
    let refused = try #require(report.regions.last)
    #expect(refused.name == "refused" && refused.shareBefore == 0 && refused.shareAfter > 0.1)
    #expect(report.flows.contains { $0.to == "refused" })
  }

  @Test func `tell the round trip to expect`() throws {
    let report = try World(SmallWorld.compiled()).catchments()
    for region in report.regions where region.shareAfter > 0 {
      // Of the prior: 10 ms and 16.5 ms per 1000 km.
      let median = try #require(region.medianMs)
      let worst = try #require(region.p95Ms)
      #expect((10..<60).contains(median) && worst >= median, "\(region.name)")
    }
  }

  @Test func `of names that nothing has are refused, with the names`() throws {
    let world = try World(SmallWorld.compiled())
    #expect(throws: SimulationRefusal.self) {
      try world.catchments(CatchmentQuestion(service: "none"))
    }
    #expect(throws: SimulationRefusal.self) {
      try world.catchments(CatchmentQuestion(without: ["atlantis"]))
    }
  }
}
