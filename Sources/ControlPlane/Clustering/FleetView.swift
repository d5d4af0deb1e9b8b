import Announcing
package import Engine
import Settings

/// What one node sees of all of them: what each says of itself, against the layers that are meant
/// for it.
package struct FleetView: Sendable {
  /// What is meant for a node is to be in force within two of its heartbeats, and told.
  package static let patience = Duration.seconds(12)
  /// What a key has that was taken away is forgotten after so long.
  private static let memory = Duration.seconds(3600)

  private struct Seen: Sendable {
    /// 0: it is gone.
    var revision: Int64
    var since: Duration
  }

  private let fleet: String
  private let prefix: String
  private var nodes: FleetSection<NodeWord>
  /// The sizes of layers, in bytes.
  private var layers: FleetSection<Int>
  /// Since when each has said what it says now, by this node's clock.
  private var heard: [String: Seen] = [:]
  private var laid: [String: Seen] = [:]
  private var rollout: StoredRollout?
  private var isRolloutMalformed = false
  /// Since when the rollout stands as it does, or has gone.
  private var rolledSince = Duration.zero

  /// - Parameters:
  ///   - fleet: its name.
  ///   - prefix: of all its keys.
  package init(fleet: String, prefix: String) {
    self.fleet = fleet
    self.prefix = prefix
    nodes = FleetSection(prefix: "\(prefix)node/") { NodeWord(json: $0) }
    layers = FleetSection(prefix: "\(prefix)config/") { $0.count }
  }

  /// - Parameter now: on a clock that only goes forward.
  package mutating func take(_ picture: StorePicture, now: Duration) {
    if nodes.take(picture) { Self.note(nodes, in: &heard, now: now) }
    if layers.take(picture) { Self.note(layers, in: &laid, now: now) }
    let next = StoredRollout(picture, prefix: prefix)
    if next != rollout { rolledSince = now }
    rollout = next
    isRolloutMalformed =
      next == nil && picture.entries["\(prefix)\(StoredRollout.statePath)"] != nil
  }

  /// - Parameters:
  ///   - node: who says so.
  ///   - store: how that one stands with it.
  package func report(
    by node: String, store: FleetReport.Store, now: Duration
  ) -> FleetReport {
    var takers: [String: Int] = [:]
    let reports = nodes.values.sorted { $0.key < $1.key }.map { id, entry in
      let names = layerNames(of: id, entry.value)
      for name in names { takers[name, default: 0] += 1 }
      return report(of: id, entry.value, layerNames: names, now: now)
    }
    return FleetReport(
      fleet: fleet, node: node, store: store, nodes: reports,
      layers: layers.values.sorted { $0.key < $1.key }.map {
        FleetReport.Layer(
          name: $0, revision: $1.revision, bytes: $1.value, nodes: takers[$0, default: 0])
      },
      malformed: nodes.malformed.sorted().map { "node/\($0)" }
        + (isRolloutMalformed ? [StoredRollout.statePath] : []))
  }

  /// How all other nodes stand that have anycast addresses, in the words of the gate.
  package func anycastStandings(besides node: String) -> [String] {
    nodes.values.filter { $0.key != node }.compactMap(\.value.value.anycast)
  }

  private func report(
    of id: String, _ word: NodeWord, layerNames: [String], now: Duration
  ) -> FleetReport.Node {
    let rolled = rollout.flatMap { stored -> (layer: String, revision: Int64)? in
      guard stored.rollout.isInForce(in: word.region) else { return nil }
      return ("\(stored.rollout.plan.layer)", stored.textRevision)
    }
    let wanted =
      layerNames.compactMap { name in
        rolled?.layer == name ? rolled?.revision : layers.values[name]?.revision
      }.max() ?? 0
    let since = max(rolledSince, layerNames.compactMap { laid[$0]?.since }.max() ?? .zero)
    let age = now - (heard[id]?.since ?? now)
    return FleetReport.Node(
      id: id, region: word.region, zone: word.zone, version: word.version, admin: word.admin,
      startedAt: Timestamp(seconds: Double(word.startedAt)),
      connectedSince: word.connectedSince.map { Timestamp(seconds: Double($0)) },
      heartbeatAgeSeconds: (age / .milliseconds(100)).rounded() / 10,
      revision: word.revision, wantedRevision: wanted, valid: word.valid, serving: word.serving,
      anycast: word.anycast,
      straggles: straggling(word, wanted: wanted, waits: now - since, age: age))
  }

  /// Why a node is not as it should be; nil: it is.
  private func straggling(
    _ word: NodeWord, wanted: Int64, waits: Duration, age: Duration
  ) -> String? {
    if !word.serving { return "waits for its first configuration" }
    if !word.valid { return "refuses what the store says; its log says why" }
    if age > Self.patience { return "was not heard of for \(Int(age / .seconds(1))) s" }
    if word.revision != wanted && waits > Self.patience {
      return "has had revision \(wanted) to take for \(Int(waits / .seconds(1))) s"
    }
    return nil
  }

  private func layerNames(of id: String, _ word: NodeWord) -> [String] {
    LayerReader(region: word.region, zone: word.zone, node: id).names.map(\.description)
  }

  private static func note<Value>(
    _ section: FleetSection<Value>, in seen: inout [String: Seen], now: Duration
  ) {
    for (name, entry) in section.values where seen[name]?.revision != entry.revision {
      seen[name] = Seen(revision: entry.revision, since: now)
    }
    for (name, before) in seen where section.values[name] == nil {
      if before.revision != 0 {
        seen[name] = Seen(revision: 0, since: now)
      } else if now - before.since > memory {
        seen[name] = nil
      }
    }
  }
}
