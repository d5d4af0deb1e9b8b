import Latency
import Learning
import TestSupport
import Testing

@Suite struct `When a node tells what it has measured` {
  @Test func `it waits half a minute, and longer after a long word`() {
    var schedule = LatencySchedule()
    #expect(schedule.isDue(now: .zero))
    schedule.wrote(byteCount: 100, now: .seconds(1))
    #expect(!schedule.isDue(now: .seconds(30.9)) && schedule.isDue(now: .seconds(31)))
    schedule.wrote(byteCount: 22_528, now: .seconds(31))
    #expect(!schedule.isDue(now: .seconds(481)) && schedule.isDue(now: .seconds(482)))
  }

  @Test(arguments: 0..<20 as Range<UInt64>)
  func `its words come to fifty bytes a second, besides one`(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var schedule = LatencySchedule()
    var now = Duration.zero
    var bytes = 0
    for _ in 0..<2_000 {
      now += .milliseconds(Int.random(in: 0...40_000, using: &generator))
      guard schedule.isDue(now: now) else { continue }
      let size = Int.random(in: 10...LatencyWord.mostBytes, using: &generator)
      schedule.wrote(byteCount: size, now: now)
      bytes += size
      let most = Double(LatencySchedule.bytesPerSecond) * (now / .seconds(1))
      #expect(Double(bytes) <= most + Double(LatencyWord.mostBytes), "seed \(seed)")
    }
  }
}
