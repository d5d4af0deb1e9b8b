import Foundation
import Routing
import Settings
import StateFiles

/// What a node knew of health, and what operators had said, when it last wrote it down: so that a
/// start is not blind until the checks have come round.
package struct BoardMemory: Sendable, Equatable, Codable {
  /// Seconds since 1970.
  package var savedAt: Double
  var overrides: [Word]
  /// By id.
  var endpoints: [String: Endpoint]

  struct Endpoint: Equatable, Codable {
    var health: String
    /// Orders those that are not healthy by when they last were; 0: never.
    var lastGood: UInt64
  }

  struct Word: Equatable, Codable {
    var target: String
    var state: String
    var dial: Double?
    var reason: String
    var author: String
    var expiresAt: Double?
    var setAt: Double
  }

  /// What is in a folder; nil where there is nothing that can be read.
  package init?(folder: String) {
    guard let data = Self.file(in: folder).contents,
      let memory = try? JSONDecoder().decode(BoardMemory.self, from: data)
    else { return nil }
    self = memory
  }

  /// Replaces what is in a folder.
  package func save(in folder: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    try Self.file(in: folder).replace(with: encoder.encode(self))
  }

  private static func file(in folder: String) -> StateFile { StateFile("board.json", in: folder) }

  init(_ overrides: [Override], _ health: [String: EndpointCondition], now: Double) {
    savedAt = now
    self.overrides = overrides.map {
      Word(
        target: $0.target.description, state: $0.state.rawValue, dial: $0.dial,
        reason: $0.reason, author: $0.author, expiresAt: $0.expiresAt, setAt: $0.setAt)
    }
    endpoints = health.filter { $0.value.health != .unknown }.mapValues {
      Endpoint(health: $0.health.rawValue, lastGood: $0.lastGood)
    }
  }

  /// The overrides that still count.
  func overrides(_ limits: Settings.Remembering, now: Double) -> [Override] {
    guard now - savedAt <= limits.overrides / .seconds(1) else { return [] }
    return overrides.compactMap { word in
      guard let target = Override.Target(word.target),
        let state = OverrideState(rawValue: word.state), word.expiresAt.map({ $0 > now }) ?? true
      else { return nil }
      return Override(
        target: target, state: state, dial: word.dial, reason: word.reason, author: word.author,
        expiresAt: word.expiresAt, setAt: word.setAt)
    }
  }

  /// Health that is not too old, by endpoint; empty where the clock has gone back.
  func conditions(_ limits: Settings.Remembering, now: Double) -> [String: EndpointCondition] {
    guard (0...(limits.health / .seconds(1))).contains(now - savedAt) else { return [:] }
    // The order of losses is kept; their numbers begin anew with each start.
    let lost = endpoints.filter { $0.value.lastGood != 0 && $0.value.lastGood != .max }
      .sorted { ($0.value.lastGood, $0.key) < ($1.value.lastGood, $1.key) }.map(\.key)
    let ranks = Dictionary(
      uniqueKeysWithValues: lost.enumerated().map { ($1, UInt64($0 + 1)) })
    return endpoints.compactMapValues { endpoint in
      Health(rawValue: endpoint.health).map { EndpointCondition(health: $0) }
    }.reduce(into: [:]) { result, entry in
      let before = endpoints[entry.key]?.lastGood ?? 0
      var condition = entry.value
      condition.lastGood = before == .max ? .max : ranks[entry.key] ?? 0
      result[entry.key] = condition
    }
  }
}
