/// What is to become of a rollout, from what the nodes of the fleet say of themselves.
///
/// Nobody leads: every node runs it over the picture that it has, and what it says is done by
/// compare and swap on the rollout's key, so that of those who would take a step exactly one does.
/// Time is that of the node that looks, since it saw the rollout as it is: a clock that is wrong, a
/// node that slept, or one that was cut off begins its bake anew and never cuts another's short.
package struct RolloutStateMachine: Sendable {
  /// What a node knows.
  package struct Sight: Sendable {
    package var stored: StoredRollout?
    package var clusterID: UInt64
    /// Of the layer that the text is to replace; 0: there is none.
    package var layerRevision: Int64
    package var nodes: [String: (value: NodeWord, revision: Int64)]
    /// The store answers, and its cluster vouches for the picture.
    package var isCurrent: Bool

    package init(
      stored: StoredRollout?, clusterID: UInt64, layerRevision: Int64,
      nodes: [String: (value: NodeWord, revision: Int64)], isCurrent: Bool
    ) {
      self.stored = stored
      self.clusterID = clusterID
      self.layerRevision = layerRevision
      self.nodes = nodes
      self.isCurrent = isCurrent
    }
  }

  package enum Action: Sendable, Equatable {
    case wait
    /// In place of the rollout as it was seen.
    case write(Rollout)
    /// The text becomes the layer, and the rollout goes.
    case finish
  }

  /// So long a node may be gone, or behind with the text: a restart takes no longer.
  package static let patience = Duration.seconds(30)
  /// A node that has not been heard of for so long says nothing of how it is.
  package static let longestSilence = Duration.seconds(12)
  /// Who did not look for so long has not watched the bake.
  package static let longestGap = Duration.seconds(15)
  /// Fewer answers that fail prove nothing.
  package static let fewestFailures = 5

  private var seen: (clusterID: UInt64, revision: Int64)?
  private var lastLook = Duration.zero
  private var heard: [String: (revision: Int64, at: Duration)] = [:]
  private var wellSince: Duration?
  private var lateSince: Duration?
  /// What the step waits for, besides time; nil: for nothing.
  package private(set) var waits: String?

  package init() {}

  /// How long all nodes have been well; nil: they are not, or there is nothing to bake.
  package func baked(now: Duration) -> Duration? { wellSince.map { now - $0 } }

  /// - Parameter now: on a clock that only goes forward.
  package mutating func step(_ sight: Sight, now: Duration) -> Action {
    waits = nil
    hear(sight.nodes, now: now)
    defer { lastLook = now }
    guard let stored = sight.stored, sight.isCurrent, stored.rollout.phase == .baking else {
      forget()
      return .wait
    }
    let isAnother = seen.map { $0 != (sight.clusterID, stored.revision) } ?? true
    if isAnother || now - lastLook > Self.longestGap {
      forget()
      seen = (sight.clusterID, stored.revision)
    }
    let rollout = stored.rollout
    guard sight.layerRevision == rollout.base else {
      return .write(rollout.stopped("the layer was changed by somebody else"))
    }
    if let failing = failing(stored, sight.nodes) { return .write(rollout.stopped(failing)) }
    guard isWell(stored, sight.nodes, now: now) else {
      let since = lateSince ?? now
      lateSince = since
      wellSince = nil
      guard now - since >= Self.patience, let waits else { return .wait }
      let seconds = Int(Self.patience / .seconds(1))
      return .write(rollout.stopped("\(waits) for \(seconds) s"))
    }
    lateSince = nil
    let since = wellSince ?? now
    wellSince = since
    return proceed(rollout, sight.nodes, wellSince: since, now: now)
  }

  private mutating func forget() {
    seen = nil
    wellSince = nil
    lateSince = nil
  }

  private mutating func hear(
    _ nodes: [String: (value: NodeWord, revision: Int64)], now: Duration
  ) {
    for (id, node) in nodes where heard[id]?.revision != node.revision {
      heard[id] = (node.revision, now)
    }
    for id in heard.keys where nodes[id] == nil { heard[id] = nil }
  }

  /// The bake is over when every node has said after it that all is well.
  private mutating func proceed(
    _ rollout: Rollout, _ nodes: [String: (value: NodeWord, revision: Int64)],
    wellSince: Duration, now: Duration
  ) -> Action {
    let end = wellSince + rollout.plan.bake
    guard now >= end else { return .wait }
    let begun = members(of: rollout.begun, nodes)
    if let last = begun.first(where: { heard[$0.id].map { $0.at < end } ?? true }) {
      waits = "\(last.id) of \(last.word.region ?? "") is to say once more that it is well"
      return .wait
    }
    guard !rollout.isLastStep else { return .finish }
    let words = nodes.mapValues(\.value)
    let regions = rollout.plan.order[rollout.step + 1]
    waits = Self.unfitness(of: regions, words) ?? silence(of: regions, nodes, now: now)
    return waits == nil ? .write(rollout.advanced(words)) : .wait
  }

  private func members(
    of regions: [String], _ nodes: [String: (value: NodeWord, revision: Int64)]
  ) -> [(id: String, word: NodeWord)] {
    nodes.filter { $0.value.value.region.map(regions.contains) ?? false }
      .map { (id: $0, word: $1.value) }.sorted { $0.id < $1.id }
  }

  /// Why nothing new may begin in some regions; nil: it may.
  package static func unfitness(
    of regions: [String], _ nodes: [String: NodeWord]
  ) -> String? {
    for region in regions where !nodes.values.contains(where: { $0.region == region }) {
      return "no node of \(region) lives"
    }
    for (id, word) in nodes.sorted(by: { $0.key < $1.key }) {
      guard let region = word.region, regions.contains(region) else { continue }
      if !word.valid { return "\(id) of \(region) refuses what the store says" }
      if !word.serving { return "\(id) of \(region) waits for its first configuration" }
    }
    return nil
  }

  private func silence(
    of regions: [String], _ nodes: [String: (value: NodeWord, revision: Int64)], now: Duration
  ) -> String? {
    members(of: regions, nodes).first { isSilent($0.id, now: now) }
      .map { "\($0.id) of \($0.word.region ?? "") is not heard of" }
  }

  private func isSilent(_ id: String, now: Duration) -> Bool {
    heard[id].map { now - $0.at > Self.longestSilence } ?? true
  }

  /// What a node says that no patience mends; nil: nothing.
  private func failing(
    _ stored: StoredRollout, _ nodes: [String: (value: NodeWord, revision: Int64)]
  ) -> String? {
    let rollout = stored.rollout
    for (id, word) in members(of: rollout.begun, nodes) where word.serving {
      let name = "\(id) of \(word.region ?? "")"
      if !word.valid { return "\(name) refuses what the store says; its log says why" }
      // What it says is of the text.
      guard word.rollout == stored.textRevision, let figures = word.figures else { continue }
      let before = rollout.before[id]?.figures ?? rollout.worstBefore
      if figures.down > before.down {
        return "\(name) finds \(figures.down) pools of regions down, and \(before.down) before"
      }
      if figures.failed >= Self.fewestFailures,
        figures.errors > before.errors + rollout.plan.maximumErrors
      {
        return "\(name) fails \(percent(figures.errors)) of what it is asked, and "
          + "\(percent(before.errors)) before"
      }
    }
    return nil
  }

  /// Every node that was there when its step began, or has come since, has the text in force.
  private mutating func isWell(
    _ stored: StoredRollout, _ nodes: [String: (value: NodeWord, revision: Int64)], now: Duration
  ) -> Bool {
    let rollout = stored.rollout
    let gone = rollout.before.filter { id, before in
      nodes[id] == nil && rollout.begun.contains(before.region)
    }
    if let (id, before) = gone.min(by: { $0.key < $1.key }) {
      waits = "\(id) of \(before.region) is gone"
      return false
    }
    // Where nobody lives nobody bakes.
    let alive = Set(nodes.values.compactMap(\.value.region))
    if let empty = rollout.begun.first(where: { !alive.contains($0) }) {
      waits = "no node of \(empty) lives"
      return false
    }
    for (id, word) in members(of: rollout.begun, nodes) {
      let name = "\(id) of \(word.region ?? "")"
      if isSilent(id, now: now) {
        waits = "\(name) is not heard of"
      } else if !word.serving || word.rollout != stored.textRevision {
        waits = "\(name) has not taken the text"
      }
      if waits != nil { return false }
    }
    return true
  }
}

extension Rollout {
  /// Of itself.
  fileprivate func stopped(_ reason: String) -> Rollout {
    stopped(by: Word(author: "azimuth", reason: reason))
  }

  /// What a node is held to that has come since its step began.
  fileprivate var worstBefore: NodeFigures {
    before.values.map(\.figures).reduce(NodeFigures()) { worst, figures in
      var next = figures.errors > worst.errors ? figures : worst
      next.down = max(worst.down, figures.down)
      return next
    }
  }
}

private func percent(_ share: Double) -> String { "\((share * 1000).rounded() / 10) %" }
