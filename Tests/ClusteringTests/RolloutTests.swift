import Clustering
import Engine
import Settings
import TestSupport
import Testing

struct RolloutTests {
  private static let regions = ["a", "b", "c"]

  @Test func `where all is well a text reaches every region in turn, and is the layer once`() {
    for seed in 0..<100 as Range<UInt64> {
      var world = RolloutWorld(seed: seed, isCalm: true)
      world.run(seconds: 240)
      let isFinished = world.finishes == 1 && world.layer == "new" && world.stored == nil
      guard isFinished, world.furthest == 2, world.wrongs.isEmpty else {
        Issue.record("seed \(seed): \(world.finishes) ends, \(world.wrongs), \(world.layer)")
        return
      }
    }
  }

  @Test(arguments: RolloutWorld.Fate.allCases.filter { $0 != .serves }, 0..<3)
  func `a text that harms a region stops there, and all go back`(
    fate: RolloutWorld.Fate, region: Int
  ) {
    for seed in 0..<40 as Range<UInt64> {
      var world = RolloutWorld(
        seed: seed, fates: [Self.regions[region]: fate], isCalm: true)
      world.run(seconds: 240)
      world.heal(seconds: 30)
      let isStopped = world.stored?.rollout.phase == .stopped
      let areBack = world.nodes.allSatisfy { $0.taken == nil && $0.isValid }
      guard isStopped, areBack, world.furthest == region, world.layer == "old",
        world.wrongs.isEmpty
      else {
        Issue.record("seed \(seed): step \(world.furthest), \(world.wrongs), back: \(areBack)")
        return
      }
    }
  }

  /// Nodes die, sleep, are cut off and have wrong clocks; what they write comes late.
  @Test(arguments: 0..<8)
  func `whatever happens, steps come one by one, each after its bake, and never past a harm`(
    part: UInt64
  ) {
    for seed in part * 150..<(part + 1) * 150 {
      let fate = RolloutWorld.Fate.allCases[Int(seed % 5)]
      let region = Int(seed / 5 % 3)
      var world = RolloutWorld(
        seed: seed, fates: [Self.regions[region]: fate], isCalm: false,
        hasOperator: seed % 4 == 0)
      world.run(seconds: 300)
      world.heal(seconds: 240)
      var wrongs = world.wrongs
      if fate != .serves, world.furthest > region || world.finishes > 0 {
        wrongs.append("past \(fate) in \(region)")
      }
      switch world.stored?.rollout.phase {
      case nil: if world.finishes != 1 { wrongs.append("\(world.finishes) ends") }
      case .stopped:
        if world.nodes.contains(where: { $0.taken != nil }) { wrongs.append("some have the text") }
      case .baking: wrongs.append("it does not end")
      }
      guard wrongs.isEmpty else {
        Issue.record("seed \(seed): \(wrongs)")
        return
      }
    }
  }
}

// MARK: - what stands in the store

private let tokyo = Rollout.Plan(
  layer: SharedLayerName(path: "global")!, order: [["tokyo"], ["oslo", "lima"]],
  bake: .milliseconds(1500), maximumErrors: 0.05)

private func word(_ region: String, valid: Bool = true, figures: NodeFigures? = nil) -> NodeWord {
  NodeWord(
    version: "1", region: region, zone: nil, admin: nil, revision: 1, valid: valid, serving: true,
    figures: figures, startedAt: 0, connectedSince: nil, at: 0)
}

struct StoredRolloutTests {
  private static let begun = Rollout(
    tokyo, base: 7, by: Rollout.Word(author: "mia", reason: "new policy"),
    nodes: ["t": word("tokyo", figures: .init(asked: 10, failed: 1, down: 2)), "o": word("oslo")])

  @Test func `what is written is read, and nothing that is out of bounds`() {
    let stopped = Self.begun.advanced(["o": word("oslo")])
      .stopped(by: Rollout.Word(author: "azimuth", reason: "t fails"))
    for rollout in [Self.begun, stopped] { #expect(Rollout(json: rollout.json) == rollout) }
    #expect(
      Self.begun.before
        == ["t": .init(region: "tokyo", figures: .init(asked: 10, failed: 1, down: 2))])
    let text = String(decoding: stopped.json, as: UTF8.self)
    for (from, to) in [
      ("\"step\":1", "\"step\":2"), ("\"step\":1", "\"step\":-1"), ("stopped", "flying"),
      ("global", "planet"), ("[\"tokyo\"]", "[]"), ("\"lima\"", "\"tokyo\""),
      ("\"bake_seconds\":1.5", "\"bake_seconds\":-1"),
      ("\"bake_seconds\":1.5", "\"bake_seconds\":1e9"),
      ("\"max_errors\":0.05", "\"max_errors\":2"), ("\"base\":7", "\"base\":-7"),
    ] {
      #expect(text.contains(from), "\(from)")
      #expect(Rollout(json: Array(text.replacing(from, with: to).utf8)) == nil, "\(to)")
    }
    #expect(Rollout(json: []) == nil && Rollout(json: Array("{}".utf8)) == nil)
  }

  @Test func `a resumed one begins with its first step, and its text is another revision`() {
    let stored = stored(Self.begun.advanced([:]).stopped(by: .init(author: "m", reason: "n")))
    let next = stored.rollout.resumed(by: .init(author: "m", reason: "n"), nodes: [:])
    #expect(next.step == 0 && next.phase == .baking && next.start == Self.begun.start)
    #expect(stored.transaction(to: next, prefix: "/f/").writes.count == 2)
    let stopped = stored.rollout.stopped(by: .init(author: "m", reason: "n"))
    #expect(stored.transaction(to: stopped, prefix: "/f/").writes.count == 1)
    // What the text has done to a node is no measure for it.
    let harmed = word("tokyo", figures: .init(asked: 10, failed: 9, down: 3))
    let again = stored.rollout.resumed(by: Self.begun.start, nodes: ["t": harmed])
    #expect(again.before["t"] == Self.begun.before["t"])
  }

  @Test func `it ends by one transaction, and only if the layer is what it was`() {
    let finish = stored(Self.begun).finish(prefix: "/f/")
    #expect(
      finish.expected == ["/f/config/global": 7, "/f/rollout/state": 8, "/f/rollout/text": 9])
    #expect(
      finish.writes == [
        .put("/f/config/global", Array("new".utf8), lease: 0), .delete("/f/rollout/state"),
        .delete("/f/rollout/text"),
      ])
  }

  @Test func `the wish of an operator names each region once`() {
    for order in [[], [[]], [["a"], ["a"]], [["a", "a"]], [[""]]] as [[[String]]] {
      let plan = Rollout.Plan(layer: tokyo.layer, order: order, bake: .zero, maximumErrors: 0)
      #expect(!plan.isOrderWellFormed, "\(order)")
    }
    #expect(tokyo.isOrderWellFormed)
  }

  private func stored(_ rollout: Rollout) -> StoredRollout {
    let picture = StorePicture(
      clusterID: 1, revision: 9,
      entries: [
        "/f/rollout/state": StoreEntry(value: rollout.json, revision: 8),
        "/f/rollout/text": StoreEntry(value: Array("new".utf8), revision: 9),
      ], isVerified: true)
    return StoredRollout(picture, prefix: "/f/")!
  }
}

// MARK: - the machine, case by case

struct RolloutStateMachineTests {
  private static let rollout = Rollout(
    RolloutWorld.plan, base: 7, by: RolloutWorld.start, nodes: ["a1": word("a")])

  private struct Watched {
    var machine = RolloutStateMachine()
    var rollout = RolloutStateMachineTests.rollout
    var layerRevision: Int64 = 7
    var isCurrent = true
    var words = ["a1": word("a"), "b1": word("b"), "c1": word("c")]
    var revision: Int64 = 10

    /// All nodes that live speak, and the machine looks.
    mutating func look(at second: Int, silent: Set<String> = []) -> RolloutStateMachine.Action {
      revision += 1
      let picture = StorePicture(
        clusterID: 1, revision: 9,
        entries: [
          "/f/rollout/state": StoreEntry(value: rollout.json, revision: 8),
          "/f/rollout/text": StoreEntry(value: [], revision: 9),
        ], isVerified: true)
      for id in words.keys where !silent.contains(id) { revisions[id] = revision }
      return machine.step(
        RolloutStateMachine.Sight(
          stored: StoredRollout(picture, prefix: "/f/"), clusterID: 1,
          layerRevision: layerRevision,
          nodes: Dictionary(
            uniqueKeysWithValues: words.map { ($0, (value: $1, revision: revisions[$0] ?? 1)) }),
          isCurrent: isCurrent),
        now: .seconds(second))
    }

    private var revisions: [String: Int64] = [:]

    mutating func take() { words["a1"]?.rollout = 9 }

    /// nil: it is not stopped.
    mutating func reason(at second: Int) -> String? {
      guard case .write(let next) = look(at: second), next.phase == .stopped else { return nil }
      return next.last?.reason
    }
  }

  @Test func `a bake begins when all have the text, and ends when they have spoken after it`() {
    var watched = Watched()
    #expect(
      watched.look(at: 0) == .wait && watched.machine.waits == "a1 of a has not taken the text")
    watched.take()
    #expect(watched.look(at: 5) == .wait && watched.machine.waits == nil)
    #expect(watched.machine.baked(now: .seconds(9)) == .seconds(4))
    #expect(watched.look(at: 15) == .wait)
    #expect(watched.look(at: 24) == .wait)
    #expect(watched.look(at: 25, silent: ["a1"]) == .wait)
    let words = watched.words
    #expect(watched.look(at: 26) == .write(Self.rollout.advanced(words)))
  }

  @Test func `who did not look, or had no store, begins the bake anew`() {
    for isCurrent in [true, false] {
      var watched = Watched()
      watched.take()
      #expect(watched.look(at: 0) == .wait)
      watched.isCurrent = isCurrent
      if !isCurrent { #expect(watched.look(at: 10) == .wait) }
      watched.isCurrent = true
      #expect(watched.look(at: isCurrent ? 30 : 12) == .wait)
      #expect(watched.look(at: isCurrent ? 40 : 22) == .wait)
      #expect(watched.look(at: isCurrent ? 50 : 32) != .wait)
    }
  }

  @Test func `who is gone or late stops it, after a while`() {
    var late = Watched()
    #expect(late.look(at: 0) == .wait)
    #expect(late.look(at: 15) == .wait)
    #expect(late.look(at: 29) == .wait)
    #expect(late.reason(at: 30) == "a1 of a has not taken the text for 30 s")
    var gone = Watched()
    gone.words["a1"] = nil
    for second in [0, 15, 29] { #expect(gone.look(at: second) == .wait) }
    #expect(gone.reason(at: 30) == "a1 of a is gone for 30 s")
  }

  @Test func `who refuses, fails or loses pools stops it at once`() {
    var refusing = Watched()
    refusing.words["a1"]?.valid = false
    #expect(refusing.reason(at: 0)?.contains("a1 of a refuses") == true)
    var failing = Watched()
    failing.take()
    failing.words["a1"]?.figures = NodeFigures(asked: 100, failed: 4, down: 0)
    #expect(failing.look(at: 0) == .wait)
    failing.words["a1"]?.figures = NodeFigures(asked: 100, failed: 5, down: 0)
    #expect(failing.reason(at: 1) == "a1 of a fails 5.0 % of what it is asked, and 0.0 % before")
    var down = Watched()
    down.take()
    down.words["a1"]?.figures = NodeFigures(asked: 0, failed: 0, down: 1)
    #expect(down.reason(at: 0)?.contains("1 pools of regions down") == true)
  }

  @Test func `what failed before its step is not held against the text`() {
    var watched = Watched()
    let before = NodeFigures(asked: 100, failed: 50, down: 3)
    watched.rollout = Rollout(
      RolloutWorld.plan, base: 7, by: RolloutWorld.start,
      nodes: ["a1": word("a", figures: before)])
    watched.take()
    watched.words["a1"]?.figures = before
    #expect(watched.look(at: 0) == .wait)
    watched.words["a1"]?.figures = NodeFigures(asked: 100, failed: 52, down: 3)
    #expect(watched.reason(at: 1) != nil)
  }

  @Test func `nothing begins in a region that is not well before`() {
    var watched = Watched()
    watched.take()
    watched.words["b1"]?.valid = false
    for second in [0, 10, 20, 30] { #expect(watched.look(at: second) == .wait) }
    #expect(watched.machine.waits == "b1 of b refuses what the store says")
    watched.words["b1"] = nil
    #expect(watched.look(at: 31) == .wait && watched.machine.waits == "no node of b lives")
    watched.words["b1"] = word("b")
    #expect(watched.look(at: 32) != .wait)
  }

  @Test func `a layer that somebody else has changed stops it, and what is stopped stays so`() {
    var watched = Watched()
    watched.layerRevision = 12
    #expect(watched.reason(at: 0)?.contains("changed by somebody else") == true)
    watched.rollout = watched.rollout.stopped(by: RolloutWorld.start)
    for second in [1, 15, 30, 60] { #expect(watched.look(at: second) == .wait) }
  }

  @Test func `errors are those of the last minute`() {
    var window = ErrorWindow()
    for second in stride(from: 0, through: 300, by: 5) {
      window.take(
        asked: UInt64(second), failed: UInt64(min(second, 100)), now: .seconds(second))
      if second == 100 { #expect(window.asked == 60 && window.failed == 60) }
    }
    #expect(window.asked == 60 && window.failed == 0)
    #expect(NodeFigures(asked: 0, failed: 3).errors == 0)
    #expect(NodeFigures(asked: 4, failed: 1).errors == 0.25)
  }
}
