import Compiling
import Foundation
package import Latency
package import Places
import Publishing
import Settings
import StateFiles

// What nodes of a fleet tell each other.
//
//     samples ─→ own ─→ word ─→ the store ─→ words of others ─┐
//        └─────→ model ───────────────────────────────────────┴→ joined ─→ maps
//
// Own samples alone make the word, so that nobody hears again what he has said himself.

extension LatencyKeeper {
  static let wordsFileName = "fleet-latencies.json"
  /// More than a word takes: the networks of which most is known are found among these.
  static let ownLimits = 4 * LatencyWord.mostCells

  /// Takes what nodes have told. Of this node's own word, what it said before it was started is
  /// taken back, once.
  ///
  /// - Parameter words: of all nodes whose words the store has.
  package func take(_ words: [String: LatencyWord]) async {
    guard let nodeID else { return }
    guard hasStarted else {
      heard = words
      return
    }
    await adoptConfiguration()
    for (node, word) in words where node != nodeID {
      if shared.take(word, of: node, now: seconds()) { isJoinDue = true }
    }
    if let word = words[nodeID] { await takeBack(word) }
  }

  private func takeBack(_ word: LatencyWord) async {
    let places = await publisher.compiled.places
    guard !hasTakenBack, own != nil else { return }
    hasTakenBack = true
    own?.restore(word, now: seconds()) { _ in nil }
    model?.restore(word, now: seconds()) { LatencyClient(of: $0, in: places) }
    isJoinDue = true
  }

  /// What this node has to tell; nil: nothing that was not told.
  ///
  /// - Parameter isRepeated: it is wanted even so.
  package func word(isRepeated: Bool) async -> LatencyWord? {
    guard hasStarted else { return nil }
    await adoptConfiguration()
    guard own?.publish(at: seconds()) == true || isRepeated, let own else { return nil }
    let word = own.word(now: seconds())
    return word.cells.isEmpty ? nil : word
  }

  /// The words of others that count, by node.
  package var words: [String: LatencyWord] { shared.byNode }

  /// Lays what others say over what this node knows, and lets estimates follow.
  ///
  /// - Returns: whether any of them may have changed.
  func publishJoined(_ places: PlaceTable, maximumAge: UInt32) -> Bool {
    guard let model else { return false }
    let now = seconds()
    if shared.forgetOld(now: now, maximumAge: maximumAge) { isJoinDue = true }
    // What nobody adds to fades all the same.
    guard isJoinDue || now > joinedAt + Self.longestJoinPause || now < joinedAt else {
      return false
    }
    isJoinDue = false
    joinedAt = now
    var next = model.joined(with: shared, now: now) { LatencyClient(of: $0, in: places) }
    let hasMoved = next.publish(at: now, following: joined ?? model)
    joined = next
    counts.networks = next.networkCount
    return hasMoved
  }

  /// Seconds.
  private static let longestJoinPause: UInt32 = 300
}

// MARK: - over a restart

extension LatencyKeeper {
  /// Takes up what is kept of a fleet's words, this node's own among them.
  func restoreWords() async {
    guard let nodeID, let folder = await publisher.compiled.settings.stateFolder else { return }
    var kept = LatencyWords(keptIn: folder)
    if let word = kept.byNode[nodeID] {
      own?.restore(word, now: seconds()) { _ in nil }
      kept.forget(nodeID)
    }
    shared.merge(kept)
    isJoinDue = true
  }

  /// Of a fleet alone.
  func saveWords(in folder: String) throws {
    guard let nodeID else { return }
    var kept = shared
    if let word = own?.word(now: seconds()) { kept.take(word, of: nodeID, now: seconds()) }
    try kept.save(in: folder)
  }
}

extension LatencyWords {
  /// None where nothing was kept, and without what is not understood.
  init(keptIn folder: String) {
    self.init()
    let file = StateFile(LatencyKeeper.wordsFileName, in: folder)
    guard let contents = file.contents,
      let kept = try? JSONDecoder().decode([String: Data].self, from: contents)
    else { return }
    for (node, bytes) in kept {
      if let word = LatencyWord(Array(bytes)) { take(word, of: node, now: .max) }
    }
  }

  fileprivate func save(in folder: String) throws {
    let contents = try JSONEncoder().encode(byNode.mapValues { Data($0.bytes) })
    try StateFile(LatencyKeeper.wordsFileName, in: folder).replace(with: contents)
  }
}

// MARK: - for people

extension LatencyKeeper {
  /// One figure of a network, and who has measured it.
  package struct Source: Sendable, Equatable {
    package var node: String
    package var region: String
    package var milliseconds: Double
    /// As they have faded.
    package var samples: Double
    /// Seconds; nil: this node's own, of now.
    package var age: UInt32?
  }

  /// Who has measured a network, by region and node. What tables say counts as this node's own.
  ///
  /// - Parameter node: the name of this node.
  package func sources(of network: LatencyNetwork, node: String) -> [Source] {
    guard let model else { return [] }
    let now = seconds()
    var sources = model.cells(of: network, now: now).map {
      Source(
        node: node, region: model.sites[$0.region].name, milliseconds: $0.milliseconds,
        samples: $0.samples)
    }
    for (other, word) in shared.byNode {
      for cell in word.cells(of: network) {
        sources.append(
          Source(
            node: other, region: word.regions[Int(cell.region)], milliseconds: cell.milliseconds,
            samples: model.faded(cell.samples, since: word.writtenAt, now: now),
            age: now - min(now, word.writtenAt)))
      }
    }
    return sources.sorted { ($0.region, $0.node) < ($1.region, $1.node) }
  }

  /// Of which something is known; nil where no policy asks for latencies.
  package var networkCount: Int? { (joined ?? model)?.networkCount }

  /// What is expected of a client, as decisions see it.
  package func estimates(
    of client: ClientAddress
  ) async -> [(region: String, estimate: LatencyEstimate)] {
    let places = await publisher.compiled.places
    guard let known = joined ?? model else { return [] }
    let network = LatencyNetwork(of: client)
    let estimates = known.estimates(
      from: LatencyClient(of: network, in: places), network: network)
    return zip(known.sites, estimates).compactMap { site, estimate in
      estimate.map { (site.name, $0) }
    }
  }
}
