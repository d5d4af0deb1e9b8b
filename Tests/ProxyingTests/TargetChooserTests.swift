import Editions
import Places
import Proxying
import Routing
import Testing
import Zones

@Suite struct `A chooser of targets` {
  /// Two endpoints, the first with thrice the weight.
  private var targets: ArraySlice<TargetTable.Target> {
    var model = model(regions: [[loopback(port: 1), loopback(port: 2)]])
    model.endpoints[0].weight = 3
    let fine = EndpointCondition(health: .healthy, lastGood: .max)
    let edition = Edition(
      number: 1, revision: 1, zones: .empty,
      maps: CohortMaps([AddressTable()]), model: model,
      board: HealthBoard(conditions: [fine, fine]), isReady: true)
    return edition.targets.targets(service: 0, region: 0, basis: .healthy)
  }

  @Test func `goes by weight while nothing is open`() {
    var chooser = TargetChooser(seed: 1)
    let chosen = (0..<4000).map { _ in
      chooser.choose(among: targets, isEligible: { _ in true }, openCount: { _ in 0 })?.endpoint
    }
    #expect(abs(chosen.count { $0 == 0 } - 3000) < 150, "seed 1")
  }

  @Test func `takes the other where the one that was drawn has more than its part`() {
    var chooser = TargetChooser(seed: 1)
    for (open, endpoint) in [
      ([3, 0], 1), ([0, 1], 0), ([1, 1], 0), ([28, 9], 0), ([30, 8], 1),
    ] {
      for _ in 0..<100 {
        let chosen = chooser.choose(
          among: targets, isEligible: { _ in true }, openCount: { open[$0.endpoint] })
        #expect(chosen?.endpoint == endpoint, "\(open)")
      }
    }
  }
}
