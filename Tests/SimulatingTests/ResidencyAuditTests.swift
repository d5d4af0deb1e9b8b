import Compiling
import Places
import Routing
import Settings
import Simulating
import TestSupport
import Testing

@Suite struct `An audit of the fences` {
  private func audit(
    _ compiled: CompiledSettings, model: RoutingModel? = nil, maps: CohortMaps? = nil
  ) -> ResidencyReport {
    ResidencyAudit(
      settings: compiled.settings, model: model ?? compiled.model, maps: maps ?? compiled.maps,
      healthyBoard: compiled.healthyBoard
    ).report()
  }

  @Test(arguments: [
    "on_all_down: fail_open", "on_all_down: {backup: virginia}", "on_all_down: last_good",
    "on_all_down: nodata, failover: {spread: 0s}",
  ])
  func `proves it for every last resort`(service: String) throws {
    for whenEmpty in ["on_all_down", "refuse", "serve_unhealthy_inside", "{static: [dublin]}"] {
      let report = audit(
        try SmallWorld.compiled(
          service: service,
          extra: """
            fences:
              eu-data:
                clients: {eu: true}
                regions: {tags: [eu]}
                when_empty: \(whenEmpty)
            """))
      #expect(report.isProven, "\(report.text)")
      let fence = try #require(report.fences.first)
      #expect(fence.choices > 0 && fence.choices == report.failures * fence.cohorts)
    }
  }

  @Test func `tries every subset of up to three regions in every manner, and more of a fence`()
    throws
  {
    let report = audit(try SmallWorld.compiled(extra: SmallWorld.fence))
    // 1 + 4 + 6 + 4 subsets of four regions and all four, in four manners.
    #expect(report.failures == 16 * 4)
    #expect(report.regions == 4)
  }

  @Test(arguments: [
    ("{type: proximity}", "on_all_down: {backup: virginia}", "{static: [dublin]}"),
    ("{type: proximity}", "on_all_down: last_good, failover: {spread: 0s}", "on_all_down"),
    (
      "{type: weighted, shares: {tokyo: 1, frankfurt: 2, dublin: 1}}", "on_all_down: fail_open",
      "serve_unhealthy_inside"
    ),
  ])
  func `gives each cohort what a whole compilation gives it, failure by failure`(
    policy: String, service: String, whenEmpty: String
  ) throws {
    let compiled = try SmallWorld.compiled(
      policy: policy, service: service,
      extra: """
        fences:
          eu-data:
            clients: {eu: true}
            regions: {tags: [eu]}
            when_empty: \(whenEmpty)
        """)
    let model = compiled.model
    for failure in ResidencyAudit(compiled).failures() {
      let whole = VerdictCompiler(
        model: model, service: 0, board: failure.applied(to: compiled.healthyBoard, model: model))
      let all = whole.compile()
      for cohort in model.maps[0].cohorts.indices {
        let mattering = whole.regionsThatMatter(toCohort: cohort)
        let part = Failure(
          regions: failure.regions.filter(mattering.contains), manner: failure.manner)
        let one = VerdictCompiler(
          model: model, service: 0, board: part.applied(to: compiled.healthyBoard, model: model)
        ).compile(onlyCohorts: [cohort])
        #expect(
          all.retryOrders[all.retryOrderOfCohort[cohort]] == one.retryOrders[0],
          "\(failure)")
        #expect(slots(all, of: cohort) == slots(one, of: 0), "\(failure)")
      }
    }
  }

  /// The outcome of each slot.
  private func slots(_ set: VerdictSet, of cohort: Int) -> [Outcome] {
    let verdict = set.verdicts[cohort]
    return verdict.isDrawn
      ? set.slotTables[verdict.index].map { set.outcomes[Int($0)] } : [set.outcomes[verdict.index]]
  }

  @Test func `compiles no failure of regions that do not matter`() throws {
    let fence = try #require(
      audit(try SmallWorld.compiled(extra: SmallWorld.fence)).fences.first)
    // Of frankfurt and dublin: none, one, the other, both; unhealthy or taken out.
    #expect(fence.distinctChoices == 7 * fence.cohorts)
  }

  @Test func `counts who stands in the fence`() throws {
    let fence = try #require(
      audit(try SmallWorld.compiled(extra: SmallWorld.fence)).fences.first)
    #expect(fence.ipv4Addresses == 2 << 16)
    #expect(fence.ipv6Networks == 1)
    #expect(fence.regionsInside == ["frankfurt", "dublin"])
    #expect((85e6...95e6).contains(fence.people), "Germany and Ireland: \(fence.people)")
  }

  @Test func `a service that a fence does not name is not held`() throws {
    let compiled = try SmallWorld.compiled(
      extra: "fences: {eu-data: {clients: {eu: true}, regions: {tags: [eu]}, services: []}}")
    #expect(audit(compiled).fences.first?.choices == 0)
  }

  @Test func `finds a planner that forgot its fences, and says how to see it`() throws {
    let compiled = try SmallWorld.compiled(extra: SmallWorld.fence)
    var model = compiled.model
    let forgetful = Planner(
      regions: model.regions,
      policy: .proximity(
        Policy.Proximity(regions: [0, 1, 2, 3], biases: [0, 0, 0, 0], unknown: [0])), fences: [])
    model.maps[0] = SteeringMap(planner: forgetful, places: model.places)
    let report = audit(
      compiled, model: model,
      maps: CohortMaps([model.places.addresses.mapValues(model.maps[0].cohortOfPlace)]))
    #expect(!report.isProven)
    let violation = try #require(report.fences.first?.violations.first)
    #expect(Set(violation.reached).isDisjoint(with: ["frankfurt", "dublin"]))
    #expect(violation.address.hasPrefix("10.") || violation.address.hasPrefix("2001:db8:2:"))
    #expect(report.text.contains("VIOLATED"))
  }

  @Test func `finds a map that sends one prefix to another's cohort`() throws {
    let compiled = try SmallWorld.compiled(extra: SmallWorld.fence)
    var cohorts = compiled.model.maps[0].cohortOfPlace
    let munich = compiled.model.places.place(of: ClientAddress(ipv4: 10 << 24 | 2 << 16)).place
    let newYork = compiled.model.places.place(of: ClientAddress(ipv4: 10 << 24 | 3 << 16)).place
    cohorts[munich] = cohorts[newYork]
    let report = audit(
      compiled, maps: CohortMaps([compiled.model.places.addresses.mapValues(cohorts)]))
    #expect(!report.isProven)
  }

  @Test func `finds a fence whose regions were compiled wrongly`() throws {
    // The settings say frankfurt and dublin; the map was compiled for whatever carries `us`.
    let wrong = SmallWorld.fence.replacing("tags: [eu]", with: "tags: [us]")
    let other = try SmallWorld.compiled(extra: wrong)
    let compiled = try SmallWorld.compiled(extra: SmallWorld.fence)
    #expect(!audit(compiled, model: other.model, maps: other.maps).isProven)
  }

  @Test(arguments: [
    ("{eu: true}", 1), ("{country: DE}", 1), ("{prefix: 10.2.0.0/16}", 0), ("{asn: 64500}", 0),
  ])
  func `is no answer to an override that says less than another: check warns of it`(
    clients: String, count: Int
  ) throws {
    let prefixes = """
      geo:
        prefixes:
          - "10.2.0.0/16 at=48.1,11.6 country=DE eu=true"
          - "10.2.7.0/24 regions=tokyo"
      """
    let compiled = try SmallWorld.compiled(
      extra: "fences: {eu-data: {clients: \(clients), regions: {tags: [eu]}}}", prefixes: prefixes)
    let warnings = compiled.warnings()
    #expect(warnings.count == count)
    if let warning = warnings.first {
      #expect(warning.origin.line == 4)
      #expect(warning.message.contains("10.2.7.0/24") && warning.message.contains("10.2.0.0/16"))
    }
  }
}
