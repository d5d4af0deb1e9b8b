import Gating
import Testing

/// A node, and time that a test lets pass.
private struct Node {
  var gate: AnycastGate
  var evidence = AnycastGate.Evidence()
  var now = Duration.zero

  init(handed: AnycastStanding? = nil) {
    gate = AnycastGate(.init(holdUp: .seconds(10), fall: 3), handed: handed, now: .zero)
  }

  /// So many seconds, each with an own question.
  mutating func pass(_ seconds: Int, right: Bool = true) {
    for _ in 0..<seconds {
      now += .seconds(1)
      gate.noteAnswer(isRight: right, now: now)
      gate.settle(evidence, now: now)
    }
  }

  mutating func settle() { gate.settle(evidence, now: now) }
  var standing: AnycastStanding { gate.standing }
}

@Suite struct `The anycast gate` {
  @Test func `a node is announced when it has been well for the hold-up, and not sooner`() {
    var node = Node()
    node.settle()
    #expect(node.standing == .waiting && !node.standing.isAnnounced)
    node.pass(10)
    #expect(node.standing == .waiting)
    node.pass(1)
    #expect(node.standing == .announced && node.gate.since == .seconds(11))
  }

  @Test func `each failure begins the hold-up anew, and one alone does not withdraw`() {
    var node = Node()
    node.pass(9)
    node.pass(1, right: false)
    node.pass(10)
    #expect(node.standing == .waiting)
    node.pass(1)
    #expect(node.standing == .announced)
    node.pass(2, right: false)
    node.pass(1)
    node.pass(2, right: false)
    #expect(node.standing == .announced)
    node.pass(1, right: false)
    #expect(node.standing == .failing)
  }

  @Test func `a node that ends is withdrawn at once and for ever`() {
    var node = Node()
    node.pass(11)
    node.gate.end(now: node.now)
    #expect(node.standing == .ending)
    node.evidence.others = [.failing]
    node.pass(60)
    #expect(node.standing == .ending)
  }

  @Test func `a node that is drained comes back at once when it has been well all the time`() {
    var node = Node()
    node.pass(11)
    node.evidence.isDrained = true
    node.settle()
    #expect(node.standing == .drained)
    node.pass(5)
    node.evidence.isDrained = false
    node.settle()
    #expect(node.standing == .announced)
    // Whatever goes wrong meanwhile counts all the same.
    node.evidence.isDrained = true
    node.pass(3, right: false)
    node.evidence.isDrained = false
    node.pass(2)
    #expect(node.standing == .waiting)
  }

  @Test func `an isolated node is withdrawn, and must be well for the hold-up again`() {
    var node = Node()
    node.pass(11)
    node.evidence.isIsolated = true
    node.settle()
    #expect(node.standing == .isolated)
    node.pass(20)
    node.evidence.isIsolated = false
    node.pass(20)
    #expect(node.standing == .waiting, "it flaps: twice the hold-up")
    node.pass(2)
    #expect(node.standing == .announced)
  }

  @Test func `the last one goes on, and takes its leave when another one is well`() {
    var node = Node()
    node.evidence.others = [.failing, .ending, .isolated]
    node.pass(11)
    #expect(node.standing == .announced)
    node.pass(3, right: false)
    #expect(node.standing == .lastHope)
    node.evidence.others = [.lastHope, .waiting]
    node.pass(1, right: false)
    #expect(node.standing == .lastHope, "a last hope is no reason to go")
    node.evidence.others = [.announced, .waiting]
    node.settle()
    #expect(node.standing == .failing)
  }

  @Test func `a node that is well does not wait while all others fail`() {
    var node = Node()
    node.evidence.others = [.failing, .failing]
    node.settle()
    #expect(node.standing == .waiting, "it was not asked yet")
    node.pass(1)
    #expect(node.standing == .lastHope)
    node.pass(10)
    #expect(node.standing == .announced)
  }

  @Test(
    arguments: [
      // Nobody else is known; those that end go on purpose; whoever waits will be there.
      ([], true, .failing), ([.ending, .ending], true, .failing), ([.waiting], true, .lastHope),
      ([.drained], true, .lastHope), ([.announced, .failing], true, .failing),
      // What is known of the others stays while the store is lost.
      ([.failing], false, .lastHope), ([.announced], false, .failing),
    ] as [([AnycastStanding], Bool, AnycastStanding)])
  func `a node that fails holds on where nobody else announces`(
    others: [AnycastStanding], isConnected: Bool, wanted: AnycastStanding
  ) {
    var node = Node()
    node.evidence.others = others
    node.evidence.isConnected = isConnected
    node.pass(3, right: false)
    #expect(node.standing == wanted)
  }

  @Test func `a fleet that starts waits, all of it`() {
    var node = Node()
    node.evidence.others = [.waiting, .waiting, .drained]
    node.pass(10)
    #expect(node.standing == .waiting)
    node.pass(1)
    #expect(node.standing == .announced)
  }

  @Test func `where all have failed and are well again, nobody waits`() {
    var node = Node()
    node.pass(11)
    node.evidence.others = [.waiting]
    node.pass(3, right: false)
    #expect(node.standing == .lastHope)
    node.pass(1)
    #expect(node.standing == .lastHope)
    node.evidence.others = [.announced]
    node.settle()
    #expect(node.standing == .waiting)
  }

  @Test func `whoever is cut off from the others and from the store is no hope`() {
    var node = Node()
    node.evidence = .init(isIsolated: true, isConnected: false, others: [.failing])
    node.pass(3)
    #expect(node.standing == .isolated)
    node.evidence.isConnected = true
    node.settle()
    #expect(node.standing == .lastHope)
    node.evidence.isDrained = true
    node.settle()
    #expect(node.standing == .drained)
  }

  @Test func `a node that flaps waits longer each time, up to sixteen hold-ups`() {
    var node = Node()
    node.pass(11)
    let waits = (0..<6).map { _ in
      node.pass(3, right: false)
      let start = node.now
      while node.standing != .announced { node.pass(1) }
      return Int((node.now - start) / .seconds(10))
    }
    #expect(waits == [2, 4, 8, 16, 16, 16])
    node.pass(100)
    node.pass(3, right: false)
    node.pass(11)
    #expect(node.standing == .announced, "it was steady")
  }

  @Test func `a successor goes on as its predecessor stood`() {
    var node = Node(handed: .announced)
    node.settle()
    #expect(node.standing == .announced)
    node.pass(3, right: false)
    #expect(node.standing == .failing)

    var hope = Node(handed: .lastHope)
    hope.settle()
    #expect(hope.standing == .lastHope)
    hope.pass(1)
    #expect(hope.standing == .waiting)

    var lost = Node(handed: .failing)
    lost.settle()
    #expect(lost.standing == .waiting)
  }
}
