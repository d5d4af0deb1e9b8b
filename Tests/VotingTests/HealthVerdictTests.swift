import Routing
import TestSupport
import Testing
import Voting

private let rules = VotingRules()

/// `tokyo: x h h` as votes.
private func votes(_ text: String) -> [Vote] {
  text.split(separator: ";").flatMap { part in
    let words = part.split(separator: " ").map(String.init)
    return words.dropFirst().map { word in
      let health: Health =
        switch word.first {
        case "x": .unhealthy
        case "d": .degraded
        default: .healthy
        }
      return Vote(
        region: words[0], isIsolated: word.hasSuffix("!"),
        opinion: Opinion(
          health: health, lastGood: health == .unhealthy ? 5 : .max, sharePercent: 100))
    }
  }
}

private func verdict(_ text: String, home: String = "lima", in region: String) -> HealthVerdict? {
  HealthVerdict.counting(votes(text), home: home, region: region, local: nil, rules: rules)
}

struct HealthVerdictTests {
  @Test(
    arguments: [
      // Most of its own region, whatever the others say.
      ("tokyo x h h; oslo h", "tokyo", Health.healthy, HealthVerdict.Basis.ownRegion),
      ("tokyo x x h; oslo h h h", "tokyo", .unhealthy, .ownRegion),
      ("tokyo x x h; oslo h h h", "oslo", .healthy, .ownRegion),
      ("tokyo h; oslo x x x; rome x x x", "tokyo", .healthy, .ownRegion),
      // Half is not most.
      ("tokyo x h", "tokyo", .healthy, .ownRegion),
      ("tokyo x d", "tokyo", .degraded, .ownRegion),
      ("tokyo d d h", "tokyo", .degraded, .ownRegion),
      ("tokyo d h h", "tokyo", .healthy, .ownRegion),
      // One alone: what it reaches is up; what it does not, only if half of the regions agree.
      ("tokyo x; oslo h; rome h", "tokyo", .healthy, .regions),
      ("tokyo x; oslo h h h", "tokyo", .unhealthy, .ownRegion),
      ("tokyo x; oslo x; rome h; bonn h", "tokyo", .unhealthy, .ownRegion),
      ("tokyo d; oslo x; rome x; bonn x", "tokyo", .degraded, .ownRegion),
      ("lima x; oslo h; rome h", "lima", .unhealthy, .ownRegion),
      // Nobody of the region: most of the regions, one voice each.
      ("oslo x x x x x; rome h; bonn h", "tokyo", .healthy, .regions),
      ("oslo x; rome x; bonn h h h h", "tokyo", .unhealthy, .regions),
      ("oslo x; rome h h", "tokyo", .healthy, .regions),
      // Who is isolated counts for nothing.
      ("tokyo x! x! x!; oslo h; rome h", "tokyo", .healthy, .regions),
      ("tokyo x! h h; oslo h", "tokyo", .healthy, .ownRegion),
      ("tokyo x! x h; oslo h", "tokyo", .healthy, .ownRegion),
      // Fewer than two: what there is.
      ("oslo x", "tokyo", .unhealthy, .regions),
    ]
  )
  func `what counts is`(
    text: String, region: String, health: Health, basis: HealthVerdict.Basis
  ) {
    let found = verdict(text, in: region)
    #expect(found?.opinion.health == health && found?.basis == basis, "\(text)")
  }

  @Test func `an isolated region's word on its own endpoints counts for itself alone`() {
    let text = "tokyo h! h!; oslo x; rome x"
    #expect(verdict(text, home: "tokyo", in: "tokyo")?.opinion.health == .healthy)
    #expect(verdict(text, home: "tokyo", in: "oslo")?.opinion.health == .unhealthy)
    #expect(verdict(text, home: "tokyo", in: "lima")?.opinion.health == .unhealthy)
  }

  @Test func `with fewer than the least number of observers the node's own view counts`() {
    let down = Opinion(health: .unhealthy, lastGood: 3, sharePercent: 100)
    let alone = HealthVerdict.counting(
      votes("tokyo x"), home: "lima", region: "tokyo", local: down, rules: rules)
    #expect(alone?.basis == .local && alone?.opinion == down)
    let none = HealthVerdict.counting([], home: "lima", region: "tokyo", local: nil, rules: rules)
    #expect(none == nil)
  }

  @Test func `a higher quorum asks for more`() {
    let strict = VotingRules(quorum: 0.7)
    let text = "tokyo x x h"
    let found = HealthVerdict.counting(
      votes(text), home: "lima", region: "tokyo", local: nil, rules: strict)
    // Most find it down, though not enough: it is used after others.
    #expect(found?.opinion.health == .degraded)
    #expect(found?.voices == 3 && found?.voicesDown == 2)
  }

  @Test func `what was lost is ordered by when it was good, the same on every node`() {
    let opinions = [5, 9, 0, 7].map {
      Opinion(health: .unhealthy, lastGood: $0, sharePercent: 100)
    }
    for shuffled in [opinions, opinions.reversed()] {
      #expect(Opinion.majority(of: shuffled, quorum: 0.5)?.lastGood == 9)
    }
  }

  @Test func `the order of reports does not matter, and a minority takes nothing from others`() {
    var generator = SeededGenerator(seed: 11)
    let names = ["tokyo", "oslo", "lima", "rome"]
    for _ in 0..<20_000 {
      let ballot = (0..<Int.random(in: 1...12, using: &generator)).map { _ -> Vote in
        let health = [Health.healthy, .degraded, .unhealthy].randomElement(using: &generator)
        return Vote(
          region: names.randomElement(using: &generator) ?? "",
          isIsolated: Int.random(in: 0..<8, using: &generator) == 0,
          opinion: Opinion(
            health: health ?? .healthy,
            lastGood: health == .unhealthy ? .random(in: 0...9, using: &generator) : .max,
            sharePercent: .random(in: 0...200, using: &generator)))
      }
      let shuffled = ballot.shuffled(using: &generator)
      for region in names {
        let found = HealthVerdict.counting(
          ballot, home: "lima", region: region, local: nil, rules: rules)
        let again = HealthVerdict.counting(
          shuffled, home: "lima", region: region, local: nil, rules: rules)
        #expect(found == again)
        let own = ballot.filter { $0.region == region && (!$0.isIsolated || region == "lima") }
        let down = own.count { $0.opinion.health == .unhealthy }
        let counted = ballot.count { !$0.isIsolated || $0.region == region && region == "lima" }
        guard !own.isEmpty, counted >= rules.minimumObservers else { continue }
        guard own.count > 1 || down == 0 || region == "lima" else { continue }
        #expect((found?.opinion.health == .unhealthy) == (down * 2 > own.count))
      }
    }
  }
}
