import TestSupport
import Testing
import Transferring

@Suite struct `The refresh of a secondary` {
  /// Whether a check begins.
  private func begins(_ machine: inout RefreshStateMachine, _ now: Double) -> Bool {
    machine.begin(now: now)
  }

  private func machine(at now: Double = 0) throws -> RefreshStateMachine {
    RefreshStateMachine(try authority(1), confirmedAt: now, now: now)
  }

  @Test func `RFC 1034 §4.3.5: it refreshes, retries and expires by the SOA's timers`() throws {
    var machine = RefreshStateMachine(now: 0)
    #expect(machine.state(now: 0) == .absent)
    #expect(begins(&machine, 0))
    #expect(!begins(&machine, 0))
    machine.succeeded(try authority(1), now: 1, jitter: 0)
    #expect(machine.state(now: 1) == .current && machine.nextCheck == 3601)
    #expect(!begins(&machine, 3600))
    #expect(begins(&machine, 3601))
    machine.failed(now: 3602, jitter: 0)
    #expect(machine.state(now: 3602) == .stale && machine.nextCheck == 4202)
    #expect(machine.expiresAt == 86_401)
    #expect(machine.state(now: 86_400.9) == .stale)
    #expect(machine.state(now: 86_401) == .expired)
    #expect(begins(&machine, 90_000))
    machine.succeeded(try authority(2), now: 90_001, jitter: 0)
    #expect(machine.state(now: 90_001) == .current)
  }

  @Test func `of a zone that never came the waits grow, to a limit`() {
    var machine = RefreshStateMachine(now: 0)
    var now = 0.0
    var waits: [Double] = []
    for _ in 0..<12 {
      _ = machine.begin(now: now)
      machine.failed(now: now, jitter: 0)
      waits.append(machine.nextCheck - now)
      now = machine.nextCheck
    }
    #expect(waits.prefix(4) == [2, 4, 8, 16] && waits.last == 300)
  }

  @Test func `RFC 1996 §3.11: a NOTIFY makes a check due, but not many of them many`() throws {
    var machine = try machine()
    #expect(begins(&machine, 0))
    machine.succeeded(try authority(1), now: 0, jitter: 0)
    machine.notified(now: 100)
    machine.notified(now: 100)
    #expect(begins(&machine, 100))
    machine.notified(now: 100.1)
    #expect(!begins(&machine, 100.1))
    machine.succeeded(try authority(2), now: 100.2, jitter: 0)
    #expect(!begins(&machine, 100.5))
    #expect(begins(&machine, 101))
    machine.succeeded(try authority(2), now: 101, jitter: 0)
    #expect(machine.nextCheck == 3701)
  }

  @Test(
    arguments: [
      (0, 0, 0), (.infinity, .infinity, .infinity), (-1, -1, -1), (.nan, .nan, .nan), (1e9, 0, 0),
    ] as [(Double, Double, Double)])
  func `timers are kept sane`(refresh: Double, retry: Double, expire: Double) {
    let timers = RefreshStateMachine.Timers(refresh: refresh, retry: retry, expire: expire)
    #expect(RefreshStateMachine.Timers.refreshLimits.contains(timers.refresh))
    #expect(RefreshStateMachine.Timers.retryLimits.contains(timers.retry))
    #expect(timers.expire >= timers.refresh + timers.retry)
  }

  @Test func `in any schedule there is one check at a time, spaced, and none is forgotten`() throws
  {
    let seed: UInt64 = 1996
    for seed in seed..<(seed + 200) {
      var generator = SeededGenerator(seed: seed)
      var machine = try machine()
      var now = 0.0
      var lastStart = -Double.infinity
      var confirmed = 0.0
      for _ in 0..<300 {
        now +=
          Double.random(in: 0...2000, using: &generator)
          * Double.random(in: 0...1, using: &generator)
        if Int.random(in: 0..<4, using: &generator) == 0 { machine.notified(now: now) }
        let jitter = Double.random(in: 0...1, using: &generator)
        if machine.isChecking {
          #expect(!begins(&machine, now), "seed \(seed)")
          if Bool.random(using: &generator) {
            machine.succeeded(try authority(1), now: now, jitter: jitter)
            confirmed = now
          } else {
            machine.failed(now: now, jitter: jitter)
          }
        } else if machine.begin(now: now) {
          #expect(now - lastStart >= RefreshStateMachine.notifySpacing, "seed \(seed)")
          lastStart = now
        }
        #expect(machine.expiresAt == confirmed + 86_400, "seed \(seed)")
        #expect(machine.isChecking || machine.nextCheck <= now + 3600, "seed \(seed)")
      }
    }
  }
}
