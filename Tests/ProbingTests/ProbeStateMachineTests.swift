import Probing
import Routing
import TestSupport
import Testing

@Suite struct ProbeStateMachineTests {
  /// S: success, D: degraded, F: failure, P: a connection failed, I: inconclusive.
  static let tables: [(rise: Int, fall: Int, events: String, healths: String)] = [
    // The first result decides at once.
    (2, 3, "S", "h"), (2, 3, "F", "x"), (2, 3, "D", "d"), (2, 3, "P", "x"), (2, 3, "IIS", "uuh"),
    // Down after `fall` in a row, up after `rise` in a row.
    (2, 3, "SFFF", "hhhx"), (2, 3, "SFFSFFF", "hhhhhhx"), (2, 3, "FSS", "xxh"),
    (2, 3, "FSFSS", "xxxxh"), (1, 1, "SFSF", "hxhx"), (3, 2, "SFFSSS", "hhxxxh"),
    // Failed connections count as failed probes, alone or with them.
    (2, 3, "SPPP", "hhhx"), (2, 3, "SFPF", "hhhx"), (2, 3, "SPPS", "hhhh"),
    (2, 3, "FSPSS", "xxxxh"),
    // Degraded.
    (2, 3, "SDDD", "hhhd"), (2, 3, "SDFD", "hhhd"), (2, 3, "SDDSD", "hhhhh"),
    (2, 3, "DSS", "ddh"), (2, 3, "DSDSS", "ddddh"), (2, 3, "DFFF", "dddx"),
    (2, 3, "FDD", "xxd"), (2, 3, "FSDS", "xxdd"), (2, 3, "FDSS", "xxdh"),
    // What says nothing changes nothing, and breaks no row.
    (2, 3, "SFFIF", "hhhhx"), (2, 3, "FSIS", "xxxh"),
  ]

  @Test(arguments: tables.indices) func `health follows the counts`(_ row: Int) {
    let (rise, fall, events, healths) = Self.tables[row]
    var generator = SeededGenerator(seed: 1)
    var machine = ProbeStateMachine(
      timing: timing(rise: rise, fall: fall), now: .zero, spread: .zero, using: &generator)
    var seen = ""
    var now = Duration.zero
    for event in events {
      let before = machine.health
      let transition = play(event, on: &machine, now: &now, using: &generator)
      #expect(transition?.from == (machine.health == before ? nil : before))
      #expect(transition?.to == (machine.health == before ? nil : machine.health))
      seen.append(letter(machine.health))
    }
    #expect(seen == healths, "rise \(rise), fall \(fall), \(events)")
  }

  @Test func `several failed connections at once complete the fall`() {
    var generator = SeededGenerator(seed: 1)
    var machine = healthyMachine(using: &generator)
    let transition = machine.noteConnectionFailures(3, now: .seconds(5))
    #expect(
      transition
        == HealthTransition(
          from: .healthy, to: .unhealthy, cause: "3 connections failed", at: .seconds(5)))
    #expect(machine.noteConnectionFailures(.max, now: .seconds(5)) == nil)
    #expect(machine.noteConnectionFailures(0, now: .seconds(5)) == nil)
  }

  @Test func `a transition names the cause of the last failure`() {
    var generator = SeededGenerator(seed: 1)
    var machine = healthyMachine(using: &generator)
    var last: HealthTransition?
    for cause in ["a", "b", "connection refused"] {
      machine.begin(now: .seconds(20))
      last = machine.finish(.failure(cause), now: .seconds(21), using: &generator)
    }
    #expect(last?.cause == "connection refused")
    #expect(last?.at == .seconds(21))
  }

  @Test func `the fast interval holds between states only`() {
    var generator = SeededGenerator(seed: 1)
    var machine = healthyMachine(using: &generator)
    let steps: [(ProbeOutcome, wait: Int)] = [
      (.success, 10), (.failure(""), 1), (.failure(""), 1), (.success, 10), (.failure(""), 1),
      (.failure(""), 1), (.failure(""), 10), (.failure(""), 10), (.success, 1), (.success, 10),
      (.degraded(""), 1), (.degraded(""), 1), (.degraded(""), 10), (.inconclusive(""), 10),
    ]
    var now = Duration.seconds(100)
    for (index, step) in steps.enumerated() {
      machine.begin(now: now)
      #expect(machine.due == nil)
      // From start to start, however long the probe took.
      _ = machine.finish(step.0, now: now + .milliseconds(300), using: &generator)
      #expect(machine.due == now + .seconds(step.wait), "step \(index)")
      now += .seconds(step.wait)
    }
  }

  @Test func `a probe longer than the fast interval is followed at once`() {
    var generator = SeededGenerator(seed: 1)
    var machine = healthyMachine(using: &generator)
    machine.begin(now: .seconds(20))
    _ = machine.finish(.failure(""), now: .seconds(23), using: &generator)
    #expect(machine.due == .seconds(23))
  }

  @Test func `a failed connection brings the next probe forward`() {
    var generator = SeededGenerator(seed: 1)
    var machine = healthyMachine(using: &generator)
    machine.begin(now: .seconds(20))
    _ = machine.finish(.success, now: .seconds(20), using: &generator)
    // Not closer than a fast interval to the last probe…
    _ = machine.noteConnectionFailures(1, now: .milliseconds(20_400))
    #expect(machine.due == .seconds(21))
    machine.begin(now: .seconds(21))
    _ = machine.finish(.success, now: .seconds(21), using: &generator)
    #expect(machine.due == .seconds(31))
    // …else at once.
    _ = machine.noteConnectionFailures(1, now: .seconds(25))
    #expect(machine.due == .seconds(25))
    machine.begin(now: .seconds(25))
    // A success that began before the connection failed is not the last word.
    _ = machine.noteConnectionFailures(1, now: .milliseconds(25_100))
    _ = machine.finish(.success, now: .milliseconds(25_200), using: &generator)
    #expect(machine.due == .seconds(26))
    #expect(machine.health == .healthy)
  }

  @Test func `first probes are spread, later waits only shortened`() {
    var generator = SeededGenerator(seed: 7)
    var waits: [Double] = []
    for _ in 0..<2000 {
      var machine = ProbeStateMachine(
        timing: timing(jitter: 0.2), now: .seconds(5), spread: .seconds(1), using: &generator)
      let first = machine.due ?? .zero
      #expect(first >= .seconds(5) && first < .seconds(6))
      for _ in 0..<2 {
        machine.begin(now: .seconds(10))
        _ = machine.finish(.success, now: .seconds(10), using: &generator)
      }
      let wait = (machine.due ?? .zero) - .seconds(10)
      #expect(wait > .seconds(8) && wait <= .seconds(10))
      waits.append(wait / .seconds(1))
    }
    #expect(abs(waits.reduce(0, +) / 2000 - 9) < 0.05)
  }

  @Test(arguments: 0..<40) func `no schedule changes health on too little`(_ seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let rise = Int.random(in: 1...4, using: &generator)
    let fall = Int.random(in: 1...4, using: &generator)
    var machine = ProbeStateMachine(
      timing: timing(rise: rise, fall: fall, jitter: 0.3), now: .zero, spread: .seconds(1),
      using: &generator)
    var history = ""
    var now = Duration.zero
    for _ in 0..<500 {
      let event = "SSSDFFFPI".randomElement(using: &generator) ?? "S"
      let before = machine.health
      _ = play(event, on: &machine, now: &now, using: &generator)
      if event != "I" { history.append(event == "P" ? "F" : event) }
      let note: Comment = "seed \(seed), rise \(rise), fall \(fall), \(history.suffix(8))"
      switch (before, machine.health) {
      case (.unknown, .unknown): #expect(history.isEmpty, note)
      case (.unknown, _): #expect(history.count == 1, note)
      case (.healthy, .unhealthy), (.degraded, .unhealthy):
        #expect(history.suffix(fall).allSatisfy { $0 == "F" }, note)
      case (.unhealthy, .healthy), (.degraded, .healthy):
        #expect(history.suffix(rise).allSatisfy { $0 == "S" }, note)
      case (.unhealthy, .degraded):
        #expect(history.suffix(rise).allSatisfy { $0 != "F" }, note)
      case (.healthy, .degraded):
        #expect(history.suffix(fall).allSatisfy { $0 != "S" }, note)
      default: #expect(before == machine.health, note)
      }
      if history.count > fall && history.suffix(fall).allSatisfy({ $0 == "F" }) {
        #expect(machine.health == .unhealthy, note)
      }
    }
  }

  @Test(arguments: 0..<200) func `a failure is detected within its bound`(_ seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let fall = Int.random(in: 1...5, using: &generator)
    let fast = Duration.milliseconds(Int.random(in: 200...2000, using: &generator))
    let interval = fast * Int.random(in: 1...5, using: &generator)
    let timeout = fast * Double.random(in: 0.1...1, using: &generator)
    let monitor = tcpMonitor(interval: interval, fast: fast, timeout: timeout, fall: fall)
    let moment = interval * Double.random(in: 3...6, using: &generator)
    var simulation = Simulation(
      targets: [target("a", monitor: monitor)], maximumConcurrent: 1,
      jitter: Double.random(in: 0...0.5, using: &generator), seed: seed)
    simulation.run(until: moment + interval * 10) { _, now, _ in
      now >= moment ? (timeout, .failure("timed out")) : (timeout * 0.1, .success)
    }
    #expect(simulation.changes.map(\.transition.to) == [.healthy, .unhealthy])
    let detected = (simulation.changes.last?.transition.at ?? .zero) - moment
    #expect(detected <= interval + fast * (fall - 1) + timeout, "seed \(seed)")
  }

  private func timing(rise: Int = 2, fall: Int = 3, jitter: Double = 0) -> ProbeTiming {
    ProbeTiming(
      interval: .seconds(10), fastInterval: .seconds(1), rise: rise, fall: fall, jitter: jitter)
  }

  private func healthyMachine(using generator: inout SeededGenerator) -> ProbeStateMachine {
    var machine = ProbeStateMachine(
      timing: timing(), now: .zero, spread: .zero, using: &generator)
    machine.begin(now: .zero)
    _ = machine.finish(.success, now: .zero, using: &generator)
    return machine
  }

  private func play(
    _ event: Character, on machine: inout ProbeStateMachine, now: inout Duration,
    using generator: inout SeededGenerator
  ) -> HealthTransition? {
    now += .seconds(1)
    if event == "P" { return machine.noteConnectionFailures(1, now: now) }
    machine.begin(now: now)
    let outcomes: [Character: ProbeOutcome] = [
      "S": .success, "D": .degraded("d"), "F": .failure("f"), "I": .inconclusive("i"),
    ]
    return machine.finish(outcomes[event] ?? .success, now: now, using: &generator)
  }

  private func letter(_ health: Health) -> Character {
    switch health {
    case .unknown: "u"
    case .healthy: "h"
    case .degraded: "d"
    case .unhealthy: "x"
    }
  }
}
