import Places
import Probing
import Routing
import TestSupport

@testable import Settings

func tcpMonitor(
  interval: Duration = .seconds(10), fast: Duration = .seconds(1),
  timeout: Duration = .milliseconds(500), rise: Int = 2, fall: Int = 3
) -> Settings.Monitor {
  Settings.Monitor(
    name: "m", kind: .tcp, port: nil, interval: interval, fastInterval: fast, timeout: timeout,
    rise: rise, fall: fall)
}

func target(
  _ name: String, monitor: Settings.Monitor? = tcpMonitor(), port: UInt16 = 1
) -> ProbeTarget {
  ProbeTarget(
    endpointID: name, address: SocketAddress(address: .ipv4(0x7F00_0001), port: port),
    monitor: monitor)
}

/// A scheduler in virtual time: probes take as long and find what the world says.
struct Simulation {
  var scheduler: ProbeScheduler
  var now = Duration.zero
  var generator: SeededGenerator
  var starts: [(endpointID: String, at: Duration)] = []
  var changes: [HealthChange] = []
  var highestInFlight = 0
  private var underway:
    [(began: Duration, end: Duration, start: ProbeScheduler.Start, outcome: ProbeOutcome)] = []

  init(targets: [ProbeTarget], maximumConcurrent: Int, jitter: Double, seed: UInt64) {
    generator = SeededGenerator(seed: seed)
    scheduler = ProbeScheduler(maximumConcurrent: maximumConcurrent, jitter: jitter)
    scheduler.replaceTargets(
      targets, maximumConcurrent: maximumConcurrent, jitter: jitter, now: .zero,
      using: &generator)
  }

  /// - Parameter world: how long a probe that starts now takes, and what it finds.
  mutating func run(
    until end: Duration,
    world: (String, Duration, inout SeededGenerator) -> (took: Duration, outcome: ProbeOutcome)
  ) {
    while true {
      let (starts, changes) = scheduler.advance(now: now)
      self.changes += changes
      for start in starts {
        let (took, outcome) = world(start.target.endpointID, now, &generator)
        underway.append((now, now + took, start, outcome))
        self.starts.append((start.target.endpointID, now))
      }
      highestInFlight = max(highestInFlight, scheduler.inFlightCount)
      let ending = underway.indices.min { underway[$0].end < underway[$1].end }
      let next = [scheduler.nextDue, ending.map { underway[$0].end }].compactMap { $0 }.min()
      guard let next, next <= end else {
        now = end
        return
      }
      now = max(now, next)
      guard let ending, underway[ending].end <= now else { continue }
      let ended = underway.remove(at: ending)
      let change = scheduler.finish(
        ended.start.token, outcome: ended.outcome, took: ended.end - ended.began, now: now,
        using: &generator)
      if let change { self.changes.append(change) }
    }
  }
}

/// Whether counts in equal bins look drawn from one uniform distribution (p above 0.001).
func isUniform(_ times: [Duration], from: Duration, to: Duration) -> Bool {
  // The quantile of chi-square for 19 degrees of freedom.
  let (binCount, limit) = (20, 43.82)
  var bins = Array(repeating: 0, count: binCount)
  for time in times where time >= from && time < to {
    bins[Int((time - from) / (to - from) * Double(binCount))] += 1
  }
  let expected = Double(bins.reduce(0, +)) / Double(binCount)
  guard expected > 5 else { return false }
  return bins.reduce(0.0) { $0 + (Double($1) - expected) * (Double($1) - expected) / expected }
    < limit
}
