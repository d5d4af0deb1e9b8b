package import Announcing

/// A fleet as one of its nodes sees it: `GET /v1/fleet`.
package struct FleetReport: Codable, Sendable, Equatable {
  /// How the node that says so stands with the store.
  package struct Store: Codable, Sendable, Equatable {
    package var connected: Bool
    /// The member that it follows.
    package var member: String
    /// The cluster has vouched for what is known of it.
    package var verified: Bool
    package var revision: Int64?
    /// Since an own heartbeat was last seen on the watch.
    package var lagSeconds: Double?
    /// The last one since anything came.
    package var fault: String?

    package init(
      connected: Bool, member: String, verified: Bool, revision: Int64?, lagSeconds: Double?,
      fault: String?
    ) {
      self.connected = connected
      self.member = member
      self.verified = verified
      self.revision = revision
      self.lagSeconds = lagSeconds
      self.fault = fault
    }
  }

  package struct Node: Codable, Sendable, Equatable {
    package var id: String
    package var region: String?
    /// Its availability zone.
    package var zone: String?
    package var version: String
    /// Where its admin server listens.
    package var admin: String?
    package var startedAt: Timestamp
    /// To the store.
    package var connectedSince: Timestamp?
    /// Since its last heartbeat came here.
    package var heartbeatAgeSeconds: Double
    /// Of the newest layer in force.
    package var revision: Int64
    /// Of the newest layer that is meant for it.
    package var wantedRevision: Int64
    package var valid: Bool
    package var serving: Bool
    /// How it stands with its anycast addresses; nil: it has none.
    package var anycast: String?
    /// Why it is not as it should be; nil: it is.
    package var straggles: String?
  }

  package struct Layer: Codable, Sendable, Equatable {
    /// What follows `config/` in its key.
    package var name: String
    package var revision: Int64
    package var bytes: Int
    /// How many nodes take it; where none does, its name may be mistaken.
    package var nodes: Int
  }

  /// A text that is on its way through the fleet.
  package struct Rollout: Codable, Sendable, Equatable {
    package var layer: String
    /// Of the text.
    package var revision: Int64
    package var bytes: Int
    /// `baking` or `stopped`.
    package var state: String
    /// The step that has begun last, from 1.
    package var step: Int
    /// The regions of each step.
    package var order: [[String]]
    /// Those whose nodes read the text.
    package var regions: [String]
    package var bakeSeconds: Double
    /// How long all of these nodes have been well, as the node sees it that says so.
    package var bakedSeconds: Double?
    package var maxErrors: Double
    /// What the step waits for, besides time.
    package var waits: String?
    package var author: String
    package var reason: String
    /// Who stopped or resumed it last.
    package var last: Clustering.Rollout.Word?

    package init(_ stored: StoredRollout, baked: Duration?, waits: String?) {
      let rollout = stored.rollout
      layer = "\(rollout.plan.layer)"
      revision = stored.textRevision
      bytes = stored.text.utf8.count
      state = rollout.phase.rawValue
      step = rollout.step + 1
      order = rollout.plan.order
      regions = rollout.phase == .baking ? rollout.begun : []
      bakeSeconds = rollout.plan.bake / .seconds(1)
      bakedSeconds = baked.map { (min($0, rollout.plan.bake) / .milliseconds(100)).rounded() / 10 }
      maxErrors = rollout.plan.maximumErrors
      self.waits = waits
      author = rollout.start.author
      reason = rollout.start.reason
      last = rollout.last
    }
  }

  /// The fleet's name.
  package var fleet: String
  /// Who says all this.
  package var node: String
  package var store: Store
  package var nodes: [Node]
  package var layers: [Layer]
  /// nil: there is none.
  package var rollout: Rollout?
  /// Keys that hold what they should not.
  package var malformed: [String]
}

// MARK: - for people

extension FleetReport {
  package var text: String {
    var parts = ["fleet \(fleet), as \(node) sees it\nstore \(store.text)"]
    // Only where it says something.
    let hasAnycast = nodes.contains { $0.anycast != nil }
    parts.append(
      Self.table(
        ["NODE", "REGION", "ZONE", "VERSION", "REVISION", "VALID"]
          + (hasAnycast ? ["ANYCAST"] : []) + ["HEARD", ""],
        nodes.map { node in
          [
            node.id, node.region ?? "-", node.zone ?? "-", node.version, "\(node.revision)",
            node.valid ? "yes" : "no",
          ] + (hasAnycast ? [node.anycast ?? "-"] : [])
            + [
              "\(node.heartbeatAgeSeconds) s ago",
              node.straggles.map { "STRAGGLES: \($0)" } ?? "",
            ]
        }))
    parts.append(
      Self.table(
        ["LAYER", "REVISION", "BYTES", "NODES", ""],
        layers.map {
          [
            $0.name, "\($0.revision)", "\($0.bytes)", "\($0.nodes)",
            $0.nodes == 0 ? "no node takes it" : "",
          ]
        }))
    if let rollout { parts.append(rollout.text) }
    parts += malformed.map { "not understood: \($0)" }
    return parts.joined(separator: "\n\n")
  }

  private static func table(_ titles: [String], _ rows: [[String]]) -> String {
    let widths = titles.indices.map { column in
      ([titles] + rows).map { $0[column].count }.max() ?? 0
    }
    return ([titles] + rows).map { row in
      let cells = zip(row, widths).map { cell, width in
        cell + String(repeating: " ", count: width - cell.count)
      }
      let line = cells.joined(separator: "  ")
      return String(
        line[..<(line.lastIndex { $0 != " " }.map { line.index(after: $0) } ?? line.startIndex)])
    }.joined(separator: "\n")
  }
}

extension FleetReport.Rollout {
  /// Such as `rollout of global, revision 930: step 1 of 2 (tokyo) bakes, 35 of 600 s`.
  package var text: String {
    var lines: [String] = []
    let progress =
      state == "baking"
      ? "bakes, \(Int(bakedSeconds ?? 0)) of \(Int(bakeSeconds)) s" : "STOPPED: no region has it"
    let regions = order.indices.contains(step - 1) ? order[step - 1].joined(separator: ", ") : ""
    lines.append(
      "rollout of \(layer), revision \(revision): step \(step) of \(order.count) (\(regions)) "
        + progress)
    if let waits { lines.append("  waits: \(waits)") }
    lines.append("  begun by \(author): \(reason)")
    if let last { lines.append("  last word of \(last.author): \(last.reason)") }
    return lines.joined(separator: "\n")
  }
}

extension FleetReport.Store {
  fileprivate var text: String {
    var words = [connected ? "connected to \(member)" : "not connected, asks \(member)"]
    words.append(verified ? "verified" : "not verified")
    if let revision { words.append("revision \(revision)") }
    if let lagSeconds { words.append("own heartbeat \(lagSeconds) s ago") }
    if let fault { words.append(fault) }
    return words.joined(separator: ", ")
  }
}
