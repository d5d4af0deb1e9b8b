import Admitting
import Testing

private let rules = FlapDamper.Rules(
  suppressAt: 2.5, reuseAt: 1, halfLife: .seconds(120), longest: .seconds(600))

@Suite struct `Flap damping (RFC 2439 §4.2)` {
  @Test func `the third loss in a short time is flapping, the first two are not`() {
    var damper = FlapDamper()
    for (second, isFlapping) in [(0, false), (20, false), (40, true)] {
      damper.noteLoss(now: .seconds(second), rules: rules)
      #expect(damper.isFlapping == isFlapping, "at \(second) s")
    }
  }

  @Test func `losses far apart never are`() {
    var damper = FlapDamper()
    for number in 0..<50 {
      damper.noteLoss(now: .seconds(number * 240), rules: rules)
      #expect(!damper.isFlapping)
    }
  }

  @Test func `it is steady again exactly when it says, and not before`() throws {
    var damper = FlapDamper()
    for second in 0..<3 { damper.noteLoss(now: .seconds(second), rules: rules) }
    let due = try #require(damper.due(rules: rules))
    // log2 of about 2.98 half-lives.
    #expect((185...195).contains(due / .seconds(1)))
    damper.advance(now: due - .milliseconds(50), rules: rules)
    #expect(damper.isFlapping)
    damper.advance(now: due, rules: rules)
    #expect(!damper.isFlapping)
    #expect(damper.due(rules: rules) == nil)
  }

  @Test func `however often it was lost, it stays flapping for the longest time at most`() throws {
    var damper = FlapDamper()
    for second in 0..<1000 { damper.noteLoss(now: .seconds(second), rules: rules) }
    let due = try #require(damper.due(rules: rules))
    #expect(abs((due - .seconds(999)) / .seconds(1) - 600) < 1)
  }

  @Test func `switched off, nothing flaps`() {
    var damper = FlapDamper()
    for second in 0..<100 { damper.noteLoss(now: .seconds(second), rules: .off) }
    #expect(!damper.isFlapping && damper.penalty == 0)
  }

  @Test func `time that stands still or goes back changes nothing`() {
    var damper = FlapDamper()
    damper.noteLoss(now: .seconds(100), rules: rules)
    let before = damper
    damper.advance(now: .seconds(50), rules: rules)
    #expect(damper == before)
  }
}
