package import Engine
import FoundationEssentials
package import Settings

/// A new text of a layer on its way through the fleet: region by region, and back where it fails.
///
///     baking ── the bake of the last step is over ──▶ the text is the layer's
///      │  ▲
///      │  └── an operator resumes: from the first step
///      ▼
///     stopped ── an operator abandons ──▶ the layer is as it was
///
/// Nodes in the regions whose step has begun read the text in place of the layer while it bakes,
/// all others the layer; while it is stopped, all read the layer.
package struct Rollout: Sendable, Equatable {
  package enum Phase: String, Sendable, Codable { case baking, stopped }

  /// What an operator wants.
  package struct Plan: Sendable, Equatable {
    package var layer: SharedLayerName
    /// The regions of each step.
    package var order: [[String]]
    /// How long all nodes of the steps that have begun must be well before the next one begins.
    package var bake: Duration
    /// How much more of a node's answers and connections may fail than before its step, 0...1.
    package var maximumErrors: Double

    package init(
      layer: SharedLayerName, order: [[String]], bake: Duration, maximumErrors: Double
    ) {
      self.layer = layer
      self.order = order
      self.bake = bake
      self.maximumErrors = maximumErrors
    }
  }

  /// Who wants something, and why.
  package struct Word: Sendable, Equatable, Codable {
    package var author: String
    package var reason: String

    package init(author: String, reason: String) {
      self.author = author
      self.reason = reason
    }
  }

  package struct Before: Sendable, Equatable, Codable {
    package var region: String
    package var figures: NodeFigures

    package init(region: String, figures: NodeFigures) {
      self.region = region
      self.figures = figures
    }
  }

  package let plan: Plan
  /// The revision of the layer that the text is to replace; 0: there is none.
  package let base: Int64
  /// Who began it.
  package let start: Word
  package private(set) var phase = Phase.baking
  /// The last one that has begun, from 0.
  package private(set) var step = 0
  /// Nodes as they were before their region's step: of the regions that have begun, those that are
  /// held to it; of others, what is known from before a stop.
  package private(set) var before: [String: Before]
  /// Who stopped or resumed it last; nil: nobody.
  package private(set) var last: Word?

  /// Begins with the first step.
  package init(_ plan: Plan, base: Int64, by start: Word, nodes: [String: NodeWord]) {
    self.plan = plan
    self.base = base
    self.start = start
    before = [:]
    note(nodes)
  }

  /// Takes note of who is there in the regions of the step. What a node did with the text before a
  /// stop may still be in its figures, so what was better once counts.
  private mutating func note(_ nodes: [String: NodeWord]) {
    let known = before
    let regions = plan.order[step]
    before = known.filter { !regions.contains($0.value.region) }
    for (id, word) in nodes {
      guard let region = word.region, regions.contains(region) else { continue }
      let figures = word.figures ?? NodeFigures()
      before[id] = Before(
        region: region, figures: known[id].map { $0.figures.better(figures) } ?? figures)
    }
  }

  /// The regions whose step has begun.
  package var begun: [String] { plan.order[...step].flatMap { $0 } }

  package var isLastStep: Bool { step == plan.order.count - 1 }

  /// Whether nodes of a region read the text.
  package func isInForce(in region: String?) -> Bool {
    phase == .baking && (region.map(begun.contains) ?? false)
  }

  /// With the next step begun.
  package func advanced(_ nodes: [String: NodeWord]) -> Rollout {
    var next = self
    next.step += 1
    next.note(nodes)
    return next
  }

  package func stopped(by word: Word) -> Rollout {
    var next = self
    next.phase = .stopped
    next.last = word
    return next
  }

  /// From the first step: a stop has taken the text back everywhere.
  package func resumed(by word: Word, nodes: [String: NodeWord]) -> Rollout {
    var next = self
    next.phase = .baking
    next.step = 0
    next.last = word
    next.note(nodes)
    return next
  }
}

/// As it stands in the store.
extension Rollout {
  private struct Body: Codable {
    var layer: String
    var order: [[String]]
    var bakeSeconds: Double
    var maxErrors: Double
    var base: Int64
    var start: Word
    var phase: Phase
    var step: Int
    var before: [String: Before]
    var last: Word?
  }

  /// A hundred bytes for each of some thousand nodes.
  private static let mostBytes = 1 << 20
  package static let mostRegions = 256
  package static let longestBake = Duration.seconds(7 * 86_400)

  /// nil: it is not understood, or out of bounds.
  package init?(json: [UInt8]) {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    guard json.count <= Self.mostBytes,
      let body = try? decoder.decode(Body.self, from: Data(json)),
      let layer = SharedLayerName(path: body.layer),
      (0...Self.longestBake / .seconds(1)).contains(body.bakeSeconds),
      (0...1).contains(body.maxErrors), body.base >= 0
    else { return nil }
    plan = Plan(
      layer: layer, order: body.order,
      bake: .milliseconds(Int64(body.bakeSeconds * 1000)), maximumErrors: body.maxErrors)
    guard plan.isOrderWellFormed, body.order.indices.contains(body.step) else { return nil }
    base = body.base
    start = body.start
    phase = body.phase
    step = body.step
    before = body.before
    last = body.last
  }

  package var json: [UInt8] {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let body = Body(
      layer: "\(plan.layer)", order: plan.order, bakeSeconds: plan.bake / .seconds(1),
      maxErrors: plan.maximumErrors, base: base, start: start, phase: phase, step: step,
      before: before, last: last)
    // Texts and finite numbers: nothing that JSON does not have.
    return (try? encoder.encode(body)).map { Array($0) } ?? []
  }
}

extension Rollout.Plan {
  /// Every step has a region, and no region has two.
  package var isOrderWellFormed: Bool {
    let regions = order.flatMap { $0 }
    return !order.isEmpty && order.allSatisfy { !$0.isEmpty } && !regions.contains("")
      && regions.count <= Rollout.mostRegions && Set(regions).count == regions.count
  }
}

/// A rollout with its text, as a picture of the store has them.
package struct StoredRollout: Sendable, Equatable {
  package var rollout: Rollout
  /// Of the rollout's last change, for compare and swap.
  package var revision: Int64
  package var text: String
  /// Of the text: it says which one it is while the steps go on.
  package var textRevision: Int64

  /// nil: there is none, or it is not understood: then the layers are as they stand.
  ///
  /// - Parameter prefix: of all that the fleet shares.
  package init?(_ picture: StorePicture, prefix: String) {
    guard let state = picture.entries["\(prefix)\(Self.statePath)"],
      let rollout = Rollout(json: state.value),
      let text = picture.entries["\(prefix)\(Self.textPath)"]
    else { return nil }
    self.rollout = rollout
    revision = state.revision
    self.text = String(decoding: text.value, as: UTF8.self)
    textRevision = text.revision
  }

  /// Below the fleet's prefix.
  package static let path = "rollout/"
  package static let statePath = "rollout/state"
  package static let textPath = "rollout/text"
}
