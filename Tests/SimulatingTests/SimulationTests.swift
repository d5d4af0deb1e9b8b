import Compiling
import Editions
import Places
import Routing
import Settings
import Simulating
import TestSupport
import Testing

@Suite struct `A simulation` {
  private let log = """
    10.1.0.1,30
    10.2.0.1,40
    10.3.0.1,20
    10.4.0.1,10
    """

  private func report(
    _ compiled: CompiledSettings, board: HealthBoard? = nil, load: Double? = nil,
    _ change: (inout Scenario) -> Void
  ) throws -> SimulationReport {
    var scenario = Scenario()
    change(&scenario)
    return try Simulation(compiled, board: board).report(
      of: scenario, population: try Population(log: log, name: "log"), load: load)
  }

  private func shares(_ report: SimulationReport) throws -> [String: [Double]] {
    let service = try #require(report.services.first)
    return Dictionary(
      uniqueKeysWithValues: service.regions.map {
        ($0.name, [$0.shareBefore, $0.shareAfter].map { ($0 * 1000).rounded() / 1000 })
      })
  }

  @Test func `without a change moves nobody`() throws {
    let report = try report(try SmallWorld.compiled()) { _ in }
    let service = try #require(report.services.first)
    #expect(service.movedShare == 0 && service.flows.isEmpty)
    #expect(service.latencyBefore == service.latencyAfter)
    #expect(try shares(report)["tokyo"] == [0.3, 0.3])
  }

  @Test(arguments: [true, false])
  func `of a lost region moves its clients and no others`(isDrained: Bool) throws {
    let report = try report(try SmallWorld.compiled(service: "failover: {spread: 0s}")) {
      if isDrained { $0.drained = ["frankfurt"] } else { $0.down = ["frankfurt"] }
    }
    let service = try #require(report.services.first)
    #expect(try shares(report)["frankfurt"] == [0.4, 0])
    #expect(try shares(report)["dublin"] == [0.1, 0.5])
    #expect(abs(service.movedShare - 0.4) < 1e-9 && service.movedLoad == 40)
    #expect(service.flows.map { [$0.from, $0.to] } == [["frankfurt", "dublin"]])
    let (before, after) = (service.latencyBefore, service.latencyAfter)
    #expect(try #require(after).meanMilliseconds > #require(before).meanMilliseconds)
  }

  @Test func `counts load in the unit that was given`() throws {
    let report = try report(try SmallWorld.compiled(), load: 5000) { $0.down = ["tokyo"] }
    let region = try #require(report.services.first?.regions.first)
    #expect(abs(region.loadBefore - 1500) < 1e-6 && region.loadAfter == 0)
  }

  @Test func `of a fence tells who is inside, moves, and is refused`() throws {
    let fence = """
      fences:
        eu-data: {clients: {eu: true}, regions: {tags: [eu]}, when_empty: refuse}
      """
    let compiled = try SmallWorld.compiled(service: "failover: {spread: 0s}", extra: fence)
    let one = try #require(try report(compiled) { $0.down = ["frankfurt"] }.services.first)
    #expect(one.fences.map(\.weight) == [50] && one.fences.map(\.movedWeight) == [40])
    let both = try #require(
      try report(compiled) { $0.down = ["frankfurt", "dublin"] }.services.first)
    #expect(both.fences.map(\.refusedAfter) == [50] && both.fences.map(\.refusedBefore) == [0])
    #expect(both.refused.shareAfter == 0.5)
  }

  @Test func `of a loaded region spills over what it has no room for`() throws {
    let compiled = try SmallWorld.compiled(
      service: "failover: {spread: 0s}",
      capacities: ["frankfurt": 100, "dublin": 45, "virginia": 1000])
    // Of 100 connections 40 are frankfurt's and 10 dublin's, which has room for 45 in all.
    let fits = try report(compiled, load: 90) { $0.down = ["frankfurt"] }
    #expect(fits.capacities.allSatisfy { !$0.isExceededAfter })
    let report = try clients(compiled, load: 100) { $0.down = ["frankfurt"] }
    let dublin = try #require(report.capacities.first { $0.region == "dublin" })
    #expect(abs(dublin.loadBefore - 10) < 0.01 && dublin.openingBefore == 1)
    #expect(abs(dublin.loadAfter - 40.5) < 0.5 && dublin.openingAfter < 1)
    let virginia = try #require(report.capacities.first { $0.region == "virginia" })
    #expect(virginia.loadAfter > virginia.loadBefore + 5 && !virginia.isExceededAfter)
    let load = try #require(report.services.first?.regions.first { $0.name == "dublin" }?.loadAfter)
    #expect(abs(load - 40.5) < 5, "drawn by the clients themselves")
    #expect(report.text.contains("full, the rest goes elsewhere"))
  }

  @Test func `tells what is beyond all room`() throws {
    let compiled = try SmallWorld.compiled(
      capacities: ["frankfurt": 5, "dublin": 5, "tokyo": 5, "virginia": 5])
    let report = try clients(compiled, load: 100) { _ in }
    #expect(report.capacities.filter(\.isExceededAfter).count == 4)
    #expect(report.text.contains("EXCEEDED"))
  }

  @Test func `without a load knows no spill-over`() throws {
    let report = try report(try SmallWorld.compiled(capacities: ["frankfurt": 1])) { _ in }
    #expect(report.capacities.isEmpty)
  }

  @Test func `of measured demand spills over without a load`() throws {
    let compiled = try SmallWorld.compiled(capacities: ["frankfurt": 100])
    let demands = [compiled.model.maps[0].cohorts.map { _ in 300.0 }]
    let report = try Simulation(compiled, demands: demands).report(
      of: Scenario(), population: try Population(log: log, name: "log"))
    let frankfurt = try #require(report.capacities.first)
    #expect(abs(frankfurt.loadAfter - 90) < 1 && frankfurt.openingAfter < 1)
  }

  @Test func `of a dial lets in its share`() throws {
    let report = try clients(try SmallWorld.compiled()) { $0.dials = ["frankfurt": 0.25] }
    let region = try #require(report.services.first?.regions.first { $0.name == "frankfurt" })
    // Drawn by /20, of which there are sixteen.
    #expect((0.39...0.41).contains(region.shareBefore))
    #expect((0.02...0.25).contains(region.shareAfter))
    #expect(report.text.contains("dial of frankfurt 25.0 %"))
  }

  @Test func `of another configuration keeps what operators said and what is held`() throws {
    let compiled = try SmallWorld.compiled()
    var board = compiled.healthyBoard
    board.admissions.returns = [
      [.complete, RegionReturn(hold: .flapping), .complete, .complete]
    ]
    let report = try report(compiled, board: board) {
      $0.configuration = compiled.settings
    }
    #expect(try shares(report)["frankfurt"] == [0, 0])
    #expect(try #require(report.services.first).movedShare == 0)
  }

  /// The same with each address of the log as 250 clients near it.
  private func clients(
    _ compiled: CompiledSettings, load: Double? = nil, _ change: (inout Scenario) -> Void
  ) throws -> SimulationReport {
    var scenario = Scenario()
    change(&scenario)
    let weights: [UInt32: Double] = [1: 30, 2: 40, 3: 20, 4: 10]
    let clients = weights.sorted { $0.key < $1.key }.flatMap { network, weight in
      (0..<250).map { (subnet: UInt32) in
        Population.Client(
          address: IPAddress.ipv4(10 << 24 | network << 16 | subnet << 8 | 1),
          weight: weight / 250)
      }
    }
    return try Simulation(compiled).report(
      of: scenario, population: Population(clients: clients, source: "clients"), load: load)
  }

  @Test func `of a bias moves the border`() throws {
    let report = try report(try SmallWorld.compiled()) { $0.biases = ["dublin": 85] }
    #expect(try shares(report)["dublin"] == [0.1, 0.5])
  }

  @Test func `of another configuration compares services by name`() throws {
    let compiled = try SmallWorld.compiled()
    let other = try SmallWorld.compiled(policy: "{type: failover, order: [virginia]}")
    let report = try report(compiled) { $0.configuration = other.settings }
    #expect(try shares(report)["virginia"] == [0.2, 1])
  }

  @Test func `keeps the health that endpoints have, over a changed configuration too`() throws {
    let compiled = try SmallWorld.compiled(service: "failover: {spread: 0s}")
    let board = Failure(regions: [0], manner: .unhealthy)
      .applied(to: compiled.healthyBoard, model: compiled.model)
    let report = try report(compiled, board: board) { $0.biases = ["virginia": 1] }
    #expect(try shares(report)["tokyo"] == [0, 0])
  }

  @Test func `says what is wrong with a changed database`() throws {
    let compiled = try SmallWorld.compiled()
    #expect(throws: Faults.self) {
      try report(compiled) { $0.databases = ["/there/is/none.mmdb"] }
    }
    var scenario = Scenario()
    scenario.down = ["tokio"]
    scenario.biases = ["tokyo": 100]
    #expect(scenario.faults(regions: ["tokyo"]).count == 2)
  }

  /// The shares that the simulator adds up are those that the router gives, client by client, and
  /// those that the verdict's slots say.
  @Test func `of a lost first choice agrees with the shares of the verdict`() throws {
    let compiled = try RegionSet.continents.compiled()
    var scenario = Scenario()
    scenario.down = ["tokyo"]
    let report = try Simulation(compiled).report(of: scenario)
    let service = try #require(report.services.first)
    let tokyo = try #require(service.regions.first { $0.name == "tokyo" })
    #expect(tokyo.shareBefore > 0.05 && tokyo.shareAfter == 0)
    let board = scenario.board(from: compiled.healthyBoard, model: compiled.model)
    let expected = try expectedShares(compiled, board: board)
    for (region, share) in zip(service.regions, expected) {
      #expect(abs(region.shareAfter - share) < 0.01, "\(region.name): \(share)")
    }
    #expect(abs(service.movedShare - tokyo.shareBefore) < 0.001)
  }

  private func expectedShares(
    _ compiled: CompiledSettings, board: HealthBoard
  ) throws -> [Double] {
    let set = VerdictCompiler(model: compiled.model, service: 0, board: board).compile()
    let population = Population(peopleOf: compiled.model.places)
    var weights = [Double](repeating: 0, count: compiled.model.regions.count)
    for client in population.clients {
      let place = compiled.model.places.place(of: client.address.client).place
      let verdict = set.verdicts[Int(compiled.model.maps[0].cohortOfPlace[place])]
      let outcomes =
        verdict.isDrawn ? set.slotTables[verdict.index].map { Int($0) } : [verdict.index]
      for outcome in outcomes {
        for region in set.outcomes[outcome].regions {
          weights[region] += client.weight / Double(outcomes.count)
        }
      }
    }
    return weights.map { $0 / population.weight }
  }

  @Test func `draws a picture that is well-formed and names every region`() throws {
    let report = try report(try SmallWorld.compiled()) { $0.down = ["tokyo"] }
    let picture = report.picture
    #expect(picture.hasPrefix("<svg") && picture.hasSuffix("</svg>\n"))
    for name in ["tokyo", "frankfurt", "dublin", "virginia"] {
      #expect(picture.contains(">\(name)<"))
    }
    #expect(picture.count { $0 == "<" } == picture.count { $0 == ">" })
  }
}
