import Balancing
import Proxying
import Testing

private let limits = ConnectionStateMachine.Limits(
  greetingTimeout: 400, connectTimeout: 100, connectBudget: 250, maximumAttempts: 3,
  idleTimeout: 1000, halfClosedTimeout: 500)

/// One line of a story: at this time this event, and what must follow.
private struct Line: CustomStringConvertible {
  var at: UInt64
  var event: ConnectionStateMachine.Event
  var action: ConnectionStateMachine.Action
  var description: String { "at \(at): \(event) → \(action)" }

  init(
    _ at: UInt64, _ event: ConnectionStateMachine.Event, _ action: ConnectionStateMachine.Action
  ) {
    self.at = at
    self.event = event
    self.action = action
  }
}

struct Story: CustomStringConvertible, Sendable {
  var description: String
  fileprivate var lines: [Line]
}

private let connected = [
  Line(0, .accepted, .connect), Line(10, .connected(.first), .relay(.first)),
]

private let stories = [
  Story(
    description: "client finishes first",
    lines: connected + [
      Line(20, .ended(.client), .shutDownWriting(to: .upstream)), Line(25, .ended(.client), .none),
      Line(30, .ended(.upstream), .close(.clientClosed)), Line(31, .reset(.client), .none),
    ]),
  Story(
    description: "endpoint finishes first",
    lines: connected + [
      Line(20, .ended(.upstream), .shutDownWriting(to: .client)),
      Line(30, .ended(.client), .close(.upstreamClosed)),
    ]),
  Story(
    description: "client resets",
    lines: connected + [Line(20, .reset(.client), .close(.clientReset))]),
  Story(
    description: "endpoint resets a half-closed connection",
    lines: connected + [
      Line(20, .ended(.client), .shutDownWriting(to: .upstream)),
      Line(30, .reset(.upstream), .close(.upstreamReset)),
    ]),
  Story(
    description: "client resets before there is an endpoint",
    lines: [Line(0, .accepted, .connect), Line(5, .reset(.client), .close(.clientReset))]),
  Story(
    description: "a greeting takes none of the time to connect",
    lines: [
      Line(0, .greetingExpected, .none), Line(399, .timerExpired, .none),
      Line(399, .greeted, .connect), Line(498, .timerExpired, .none),
      Line(499, .timerExpired, .connect), Line(599, .timerExpired, .connect),
      Line(649, .timerExpired, .close(.connectBudget)),
    ]),
  Story(
    description: "no greeting in its time",
    lines: [
      Line(0, .greetingExpected, .none), Line(400, .timerExpired, .close(.greetingTimeout)),
      Line(401, .greeted, .none),
    ]),
  Story(
    description: "a greeting that is refused",
    lines: [
      Line(0, .greetingExpected, .none), Line(5, .refused(.proxyHeader), .close(.proxyHeader)),
    ]),
  Story(
    description: "a side that breaks a rule of TLS, before or while bytes are moved",
    lines: [
      Line(0, .accepted, .connect), Line(1, .connected(.first), .relay(.first)),
      Line(5, .failed(.clientTruncated), .close(.clientTruncated)),
      Line(6, .failed(.upstreamTLS), .none),
    ]),
  Story(
    description: "no endpoint with a good certificate",
    lines: [
      Line(0, .accepted, .connect), Line(1, .connectFailed(.first, .tls), .connect),
      Line(2, .targetsExhausted, .close(.upstreamTLS)),
    ]),
  Story(
    description: "refused by policy",
    lines: [
      Line(0, .accepted, .connect), Line(0, .refused(.refusedByPolicy), .close(.refusedByPolicy)),
    ]),
  Story(
    description: "two refusals, then an endpoint",
    lines: [
      Line(0, .accepted, .connect), Line(1, .connectFailed(.first, .refused), .connect),
      Line(2, .connectFailed(.first, .unreachable), .connect),
      Line(3, .connected(.first), .relay(.first)),
    ]),
  Story(
    description: "every attempt fails",
    lines: [
      Line(0, .accepted, .connect), Line(1, .connectFailed(.first, .refused), .connect),
      Line(2, .connectFailed(.first, .refused), .connect),
      Line(3, .connectFailed(.first, .refused), .close(.connectFailed)),
    ]),
  Story(
    description: "no endpoint is left",
    lines: [
      Line(0, .accepted, .connect), Line(1, .connectFailed(.first, .refused), .connect),
      Line(1, .targetsExhausted, .close(.connectFailed)),
    ]),
  Story(
    description: "all endpoints are full",
    lines: [Line(0, .accepted, .connect), Line(0, .targetsFull, .close(.endpointsFull))]),
  Story(
    description: "one fails, the others are full",
    lines: [
      Line(0, .accepted, .connect), Line(1, .connectFailed(.first, .refused), .connect),
      Line(1, .targetsFull, .close(.connectFailed)),
    ]),
  Story(
    description: "an attempt takes too long, and no endpoint is left",
    lines: [
      Line(0, .accepted, .connect), Line(99, .timerExpired, .none),
      Line(100, .timerExpired, .connect),
      Line(100, .targetsExhausted, .close(.connectTimedOut)),
    ]),
  Story(
    description: "the budget ends before the attempts",
    lines: [
      Line(0, .accepted, .connect), Line(100, .timerExpired, .connect),
      Line(200, .timerExpired, .connect), Line(249, .timerExpired, .none),
      Line(250, .timerExpired, .close(.connectBudget)),
    ]),
  Story(
    description: "a failure after the budget is not tried again",
    lines: [
      Line(0, .accepted, .connect),
      Line(260, .connectFailed(.first, .refused), .close(.connectBudget)),
    ]),
  Story(
    description: "nothing moves for too long",
    lines: connected + [
      Line(1009, .timerExpired, .none), Line(1010, .timerExpired, .close(.idleTimeout)),
    ]),
  Story(
    description: "half-closed for too long",
    lines: connected + [
      Line(20, .ended(.client), .shutDownWriting(to: .upstream)), Line(509, .timerExpired, .none),
      Line(510, .timerExpired, .close(.halfClosedTimeout)),
    ]),
  Story(description: "the proxy stops", lines: connected + [Line(20, .stopped, .close(.shutdown))]),
]

private let races = [
  Story(
    description: "a rival overtakes an endpoint that does not answer",
    lines: [
      Line(0, .accepted, .connect), Line(24, .timerExpired, .none),
      Line(25, .timerExpired, .race), Line(30, .connected(.rival), .relay(.rival)),
      Line(31, .connected(.first), .none),
    ]),
  Story(
    description: "the first one wins after all",
    lines: [
      Line(0, .accepted, .connect), Line(25, .timerExpired, .race),
      Line(30, .connected(.first), .relay(.first)),
      Line(31, .connectFailed(.rival, .refused), .none),
    ]),
  Story(
    description: "the first one fails: its rival goes on alone, with its own time",
    lines: [
      Line(0, .accepted, .connect), Line(25, .timerExpired, .race),
      Line(100, .timerExpired, .adoptRival), Line(124, .timerExpired, .none),
      Line(125, .timerExpired, .connect),
    ]),
  Story(
    description: "a rival that fails has a successor at once",
    lines: [
      Line(0, .accepted, .connect), Line(25, .timerExpired, .race),
      Line(26, .connectFailed(.rival, .refused), .race),
      Line(27, .connectFailed(.rival, .refused), .none),
      Line(30, .connected(.first), .relay(.first)),
    ]),
  Story(
    description: "nobody is there to race with",
    lines: [
      Line(0, .accepted, .connect), Line(25, .timerExpired, .race), Line(25, .noRival, .none),
      Line(99, .timerExpired, .none), Line(100, .timerExpired, .connect),
    ]),
  Story(
    description: "the client goes during a race",
    lines: [
      Line(0, .accepted, .connect), Line(25, .timerExpired, .race),
      Line(26, .reset(.client), .close(.clientReset)),
    ]),
]

@Test(arguments: races)
func `an endpoint that would have answered by now has a rival`(_ story: Story) {
  var machine = ConnectionStateMachine(acceptedAt: 0)
  for line in story.lines {
    let action = machine.handle(line.event, now: line.at, limits)
    #expect(action == line.action, "\(line)")
    if line.at == 0 && action == .connect { machine.expectAnswer(by: 25) }
  }
}

@Test(arguments: stories)
func `a connection lives as its story says`(_ story: Story) {
  var machine = ConnectionStateMachine(acceptedAt: 0)
  for line in story.lines {
    #expect(machine.handle(line.event, now: line.at, limits) == line.action, "\(line)")
  }
}

@Test func `activity moves the deadline`() {
  var machine = ConnectionStateMachine(acceptedAt: 0)
  #expect(machine.handle(.accepted, now: 0, limits) == .connect)
  #expect(machine.deadline(limits) == 100)
  #expect(machine.handle(.connected(.first), now: 50, limits) == .relay(.first))
  #expect(machine.deadline(limits) == 1050)
  machine.noteActivity(now: 700)
  #expect(machine.deadline(limits) == 1700)
  #expect(machine.handle(.timerExpired, now: 1050, limits) == .none)
  _ = machine.handle(.ended(.upstream), now: 800, limits)
  #expect(machine.deadline(limits) == 1200)
}

@Test func `random schedules keep the rules`() {
  let seed = UInt64.random(in: 1 ... .max)
  var random = FastRandom(seed: seed)
  for _ in 0..<20_000 {
    var schedule = RandomSchedule()
    schedule.run(&random)
    #expect(schedule.fault == nil, "seed \(seed)")
  }
}

/// Any events in any order, and what must hold whatever they are.
private struct RandomSchedule {
  var machine = ConnectionStateMachine(acceptedAt: 0)
  var fault: String?
  private var now: UInt64 = 0
  private var connects = 0
  private var shutDowns = 0
  private var closes = 0

  mutating func run(_ random: inout FastRandom) {
    for _ in 0..<30 {
      now += UInt64.random(in: 0..<200, using: &random)
      let event = RandomSchedule.events.randomElement(using: &random) ?? .stopped
      let before = machine
      let action = machine.handle(event, now: now, limits)
      if [.connect, .connectAgain, .adoptRival].contains(action) {
        machine.expectAnswer(by: now + UInt64.random(in: 0..<90, using: &random))
      }
      if case .relay = action { machine.setRepeatable(Bool.random(using: &random)) }
      check(event, before, action)
    }
    // However it went: once its deadline has come, a timer ends it or asks for the next attempt.
    for _ in 0..<10 where machine.phase != .closed && machine.phase != .accepted {
      now = max(now, machine.deadline(limits))
      if machine.handle(.timerExpired, now: now, limits) == .none { fault = "stuck at \(now)" }
    }
    if machine.phase == .greeting || machine.phase == .connecting || machine.phase == .relaying {
      fault = "never closed"
    }
  }

  private mutating func check(
    _ event: ConnectionStateMachine.Event, _ before: ConnectionStateMachine,
    _ action: ConnectionStateMachine.Action
  ) {
    switch action {
    case .none, .relay, .adoptRival: break
    case .connect, .connectAgain, .race: connects += 1
    case .shutDownWriting: shutDowns += 1
    case .close(let reason):
      closes += 1
      if reason.isOrderly && shutDowns != 1 { fault = "orderly without a FIN passed on" }
    }
    if before.phase == .closed && action != .none { fault = "\(action) after the end" }
    // An attempt for which there was no endpoint is none.
    if case .noRival = event, machine.attemptCount < before.attemptCount { connects -= 1 }
    if connects > Int(limits.maximumAttempts) { fault = "too many attempts" }
    if shutDowns > 1 { fault = "more than one FIN passed on" }
    if closes > 1 { fault = "closed twice" }
    if before.phase != .closed && machine.phase == .closed && closes != 1 { fault = "no close" }
    let isRepeated = before.isRepeatable && event == .reset(.upstream)
    if case .reset = event, before.phase != .closed, closes != 1 {
      if isRepeated && action == .connectAgain { shutDowns = 0 } else { fault = "reset ignored" }
    }
  }

  private static let events: [ConnectionStateMachine.Event] = [
    .accepted, .accepted, .greetingExpected, .greeted, .connected(.first), .connected(.rival),
    .noRival,
    .connectFailed(.rival, .refused), .connectFailed(.first, .refused),
    .connectFailed(.first, .local),
    .ended(.client), .ended(.upstream), .timerExpired, .timerExpired, .targetsExhausted,
    .targetsFull, .reset(.client), .reset(.upstream), .reset(.upstream),
    .refused(.refusedByPolicy), .stopped,
  ]
}
