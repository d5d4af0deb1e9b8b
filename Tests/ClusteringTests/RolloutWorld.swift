import Clustering
import Engine
import Settings
import TestSupport

/// Three regions of two nodes each, a store, and a text on its way: one schedule of what may happen
/// to them, second by second.
struct RolloutWorld {
  /// What the text does to the nodes of a region.
  enum Fate: CaseIterable { case serves, refused, fails, losesPools, kills }

  struct Node {
    let id: String
    let region: String
    var machine = RolloutStateMachine()
    var isAlive = true
    var isConnected = true
    /// What it believes of that; it takes its time to notice.
    var believesUntil = 0
    /// Its clock is wrong by so much.
    let clock: Duration
    var sleepsUntil = 0
    /// Of the text in force; nil: the layer is.
    var taken: Int64?
    var isValid = true
    var figures = RolloutWorld.usual
    var lastWord: Int
    var seen: RolloutStateMachine.Sight
    /// What it has sent, and when that arrives.
    var sent: (transaction: StoreTransaction, at: Int)?
    var diedAt = 0
  }

  /// What nodes do for their clients by the layer.
  static let usual = NodeFigures(asked: 1000, failed: 3, down: 1)
  static let prefix = "/f/"
  static let order = [["a"], ["b"], ["c"]]
  static let plan = Rollout.Plan(
    layer: SharedLayerName(path: "global")!, order: order, bake: .seconds(20),
    maximumErrors: 0.01)
  static let start = Rollout.Word(author: "o", reason: "r")

  private(set) var entries: [String: StoreEntry] = [
    "/f/config/global": StoreEntry(value: Array("old".utf8), revision: 1)
  ]
  private(set) var words: [String: (value: NodeWord, revision: Int64)] = [:]
  private(set) var stored: StoredRollout?
  private(set) var nodes: [Node] = []
  private(set) var finishes = 0
  /// The last step that has ever begun.
  private(set) var furthest = 0
  /// What should never be.
  private(set) var wrongs: [String] = []
  let fates: [String: Fate]
  let isCalm: Bool
  let hasOperator: Bool
  private var revision: Int64 = 1
  private(set) var time = 0
  private var stateSince = 0
  private var generator: SeededGenerator

  /// - Parameter isCalm: nothing happens but what the text does.
  init(seed: UInt64, fates: [String: Fate] = [:], isCalm: Bool, hasOperator: Bool = false) {
    generator = SeededGenerator(seed: seed)
    self.fates = fates
    self.isCalm = isCalm
    self.hasOperator = hasOperator
    let empty = RolloutStateMachine.Sight(
      stored: nil, clusterID: 1, layerRevision: 1, nodes: [:], isCurrent: true)
    for (index, region) in ["a", "a", "b", "b", "c", "c"].enumerated() {
      nodes.append(
        Node(
          id: "\(region)\(index)", region: region,
          clock: .seconds(Int.random(in: 0...1_000_000, using: &generator)),
          lastWord: -Int.random(in: 0..<5, using: &generator), seen: empty))
    }
    for index in nodes.indices { speak(index) }
    let rollout = Rollout(
      Self.plan, base: 1, by: Self.start, nodes: words.mapValues(\.value))
    _ = commit(
      StoredRollout.beginning(
        rollout, text: "new",
        over: StorePicture(clusterID: 1, revision: 1, entries: entries, isVerified: true),
        prefix: Self.prefix))
  }

  var layer: String { String(decoding: entries["/f/config/global"]?.value ?? [], as: UTF8.self) }

  mutating func run(seconds: Int) {
    for _ in 0..<seconds {
      time += 1
      if !isCalm { happen() }
      if hasOperator, chance(0.02) { operate() }
      for index in nodes.indices { live(index) }
    }
  }

  /// All live and are connected, and nothing more happens.
  mutating func heal(seconds: Int) {
    for index in nodes.indices {
      if !nodes[index].isAlive { restart(index) }
      nodes[index].isConnected = true
      nodes[index].sleepsUntil = 0
    }
    for _ in 0..<seconds {
      time += 1
      for index in nodes.indices {
        if !nodes[index].isAlive, time - nodes[index].diedAt > 10 { restart(index) }
        live(index)
      }
    }
  }

  private mutating func chance(_ share: Double) -> Bool {
    Double.random(in: 0..<1, using: &generator) < share
  }

  // MARK: what happens

  private mutating func happen() {
    for index in nodes.indices {
      if nodes[index].isAlive, chance(0.002) { die(index) }
      if !nodes[index].isAlive, chance(0.05) { restart(index) }
      if nodes[index].isConnected, chance(0.003) {
        nodes[index].isConnected = false
        nodes[index].believesUntil = time + Int.random(in: 0...15, using: &generator)
      } else if !nodes[index].isConnected, chance(0.03) {
        nodes[index].isConnected = true
      }
      if chance(0.003) {
        nodes[index].sleepsUntil = time + Int.random(in: 1...60, using: &generator)
      }
    }
    if stored != nil, chance(0.0005) {
      revision += 1
      entries["/f/config/global"] = StoreEntry(value: Array("others'".utf8), revision: revision)
    }
  }

  private mutating func operate() {
    guard let stored else { return }
    let word = Rollout.Word(author: "o", reason: "operates")
    let rollout = stored.rollout
    let next =
      rollout.phase == .stopped
      ? rollout.resumed(by: word, nodes: words.mapValues(\.value)) : rollout.stopped(by: word)
    _ = commit(stored.transaction(to: next, prefix: Self.prefix))
  }

  private mutating func die(_ index: Int) {
    nodes[index].isAlive = false
    nodes[index].diedAt = time
    nodes[index].sent = nil
  }

  private mutating func restart(_ index: Int) {
    nodes[index].isAlive = true
    nodes[index].machine = RolloutStateMachine()
    nodes[index].taken = nil
    nodes[index].isValid = true
    nodes[index].figures = Self.usual
  }

  private mutating func live(_ index: Int) {
    let node = nodes[index]
    // The lease of who does not renew it ends.
    let isHeard = node.isAlive && node.isConnected && node.sleepsUntil <= time
    if !isHeard, time - node.lastWord > 15 { words[node.id] = nil }
    guard node.isAlive, node.sleepsUntil <= time else { return }
    if node.isConnected, chance(0.8) { look(index) }
    take(index)
    guard nodes[index].isAlive else { return }
    if nodes[index].isConnected, time - node.lastWord >= 5 { speak(index) }
    if nodes[index].isConnected, let sent = nodes[index].sent, sent.at <= time {
      nodes[index].sent = nil
      _ = commit(sent.transaction)
    }
    nodes[index].seen.isCurrent = node.isConnected || time < node.believesUntil
    let action = nodes[index].machine.step(
      nodes[index].seen, now: node.clock + .seconds(time))
    guard nodes[index].sent == nil, let known = nodes[index].seen.stored else { return }
    let at = time + Int.random(in: 0...3, using: &generator)
    switch action {
    case .wait: break
    case .write(let next):
      nodes[index].sent = (known.transaction(to: next, prefix: Self.prefix), at)
    case .finish: nodes[index].sent = (known.finish(prefix: Self.prefix), at)
    }
  }

  private mutating func look(_ index: Int) {
    nodes[index].seen = RolloutStateMachine.Sight(
      stored: stored, clusterID: 1,
      layerRevision: entries["/f/config/global"]?.revision ?? 0, nodes: words, isCurrent: true)
  }

  /// What it reads, and what that does to it.
  private mutating func take(_ index: Int) {
    let region = nodes[index].region
    guard let known = nodes[index].seen.stored, known.rollout.isInForce(in: region) else {
      nodes[index].taken = nil
      nodes[index].isValid = true
      nodes[index].figures = Self.usual
      return
    }
    guard nodes[index].taken != known.textRevision else { return }
    switch fates[region] ?? .serves {
    case .refused: nodes[index].isValid = false
    case .kills: die(index)
    case .serves, .fails, .losesPools: nodes[index].taken = known.textRevision
    }
  }

  private mutating func speak(_ index: Int) {
    let node = nodes[index]
    revision += 1
    nodes[index].lastWord = time
    words[node.id] = (
      NodeWord(
        version: "1", region: node.region, zone: nil, admin: nil, revision: node.taken ?? 1,
        valid: node.isValid, serving: true, rollout: node.taken, figures: node.figures,
        startedAt: 0, connectedSince: 0, at: time), revision
    )
    // What it counts, it says with its next word.
    guard node.taken != nil else { return }
    switch fates[node.region] ?? .serves {
    case .fails: nodes[index].figures.failed = 200
    case .losesPools: nodes[index].figures.down = 2
    default: break
    }
  }

  // MARK: the store

  private mutating func commit(_ transaction: StoreTransaction) -> Bool {
    guard transaction.expected.allSatisfy({ entries[$0]?.revision ?? 0 == $1 }) else {
      return false
    }
    revision += 1
    for write in transaction.writes {
      switch write {
      case .put(let key, let value, _): entries[key] = StoreEntry(value: value, revision: revision)
      case .delete(let key): entries[key] = nil
      }
    }
    let before = stored
    stored = StoredRollout(
      StorePicture(clusterID: 1, revision: revision, entries: entries, isVerified: true),
      prefix: Self.prefix)
    check(from: before, to: stored)
    stateSince = time
    return true
  }

  private mutating func check(from before: StoredRollout?, to after: StoredRollout?) {
    guard let before else { return }
    let hasBaked = time - stateSince >= 20
    guard let after else {
      finishes += 1
      if before.rollout.phase != .baking || !before.rollout.isLastStep {
        wrongs.append("finished out of \(before.rollout.phase), step \(before.rollout.step)")
      }
      if !hasBaked { wrongs.append("finished after \(time - stateSince) s") }
      if layer != "new" { wrongs.append("finished, and the layer is \(layer)") }
      return
    }
    guard after.rollout.phase == .baking, before.rollout.phase == .baking else { return }
    furthest = max(furthest, after.rollout.step)
    if after.rollout.step != before.rollout.step + 1 {
      wrongs.append("from step \(before.rollout.step) to \(after.rollout.step)")
    }
    if !hasBaked { wrongs.append("step \(after.rollout.step) after \(time - stateSince) s") }
  }
}
