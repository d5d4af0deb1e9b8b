import Balancing
import Proxying
import Testing

private let tick: UInt64 = 1 << 23

@Test func `a slot comes out after its deadline and once`() {
  var wheel = TimerWheel(now: 0)
  wheel.schedule(3, at: 10 * tick)
  #expect(wheel.next(now: 10 * tick) == nil)
  #expect(wheel.delay(now: 10 * tick) == tick)
  #expect(wheel.next(now: 11 * tick) == 3)
  #expect(wheel.next(now: 1000 * tick) == nil)
  #expect(wheel.count == 0)
  #expect(wheel.delay(now: 0) == nil)
}

@Test func `only an earlier deadline moves a slot`() {
  var wheel = TimerWheel(now: 0)
  wheel.bringForward(0, to: 50 * tick)
  wheel.bringForward(0, to: 90 * tick)
  #expect(wheel.next(now: 51 * tick) == 0)
  wheel.bringForward(0, to: 90 * tick)
  wheel.bringForward(0, to: 60 * tick)
  #expect(wheel.next(now: 61 * tick) == 0)
}

@Test func `a wheel agrees with a plain list of deadlines`() {
  let seed = UInt64.random(in: 1 ... .max)
  var random = FastRandom(seed: seed)
  var wheel = TimerWheel(now: 0)
  var deadlines: [Int: UInt64] = [:]
  var now: UInt64 = 0
  for _ in 0..<20_000 {
    let slot = Int.random(in: 0..<50, using: &random)
    switch Int.random(in: 0..<10, using: &random) {
    case 0...4:
      let horizon = [tick * 4, tick * 400, tick * 100_000].randomElement(using: &random) ?? tick
      deadlines[slot] = now + UInt64.random(in: 0..<horizon, using: &random)
      wheel.schedule(slot, at: deadlines[slot] ?? 0)
    case 5:
      deadlines[slot] = nil
      wheel.cancel(slot)
    default:
      let step = [tick, tick * 300, tick * 70_000].randomElement(using: &random) ?? tick
      now += UInt64.random(in: 0..<step, using: &random)
      while let due = wheel.next(now: now) {
        let deadline = deadlines.removeValue(forKey: due)
        #expect(deadline.map { $0 <= now } == true, "seed \(seed)")
      }
      let late = deadlines.values.filter { $0 + 2 * tick <= now }
      #expect(late.isEmpty, "seed \(seed)")
    }
    #expect(wheel.count == deadlines.count, "seed \(seed)")
  }
}
