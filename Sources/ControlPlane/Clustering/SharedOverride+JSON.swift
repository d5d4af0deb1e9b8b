import Foundation
package import Publishing
import Routing

/// As it stands in the store and on the disk:
///
///     {"words": [{"state": "drain", "dial": 0.3, "reason": "…", "author": "…", "node": "edge-1",
///                 "set_at": 1790000000.5, "expires_at": …, "version": {"edge-1": 1790000000500}}]}
extension SharedOverride: Codable {
  private enum Key: String, CodingKey { case words }

  /// A value with more bytes is none.
  package static let mostBytes = 64 * 1024

  /// nil: it is not understood, or out of bounds.
  package init?(_ bytes: [UInt8]) {
    guard bytes.count <= Self.mostBytes,
      let read = try? JSONDecoder().decode(Self.self, from: Data(bytes))
    else { return nil }
    self = read
  }

  package var bytes: [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    // It has neither numbers that JSON lacks nor anything else that cannot be written.
    return (try? encoder.encode(self)).map(Array.init) ?? []
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    let words = try container.decode([Word].self, forKey: .words)
    guard (1...Self.mostWords).contains(words.count) else {
      throw DecodingError.dataCorruptedError(
        forKey: .words, in: container, debugDescription: "1 to \(Self.mostWords) words")
    }
    self.init(words)
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(words, forKey: .words)
  }
}

extension SharedOverride.Word: Codable {
  private enum Key: String, CodingKey {
    case state, dial, reason, author, node, version
    case expiresAt = "expires_at"
    case setAt = "set_at"
  }

  /// Of texts, in bytes, and of a vector, in nodes: no less than what the API lets through.
  private static let mostTextBytes = 4096
  private static let mostNodes = 1024

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    func bounded<Value>(_ value: Value, _ key: Key, _ isInBounds: Bool) throws -> Value {
      if isInBounds { return value }
      throw DecodingError.dataCorruptedError(
        forKey: key, in: container, debugDescription: "out of bounds")
    }
    func text(_ key: Key) throws -> String {
      let text = try container.decode(String.self, forKey: key)
      return try bounded(text, key, text.utf8.count <= Self.mostTextBytes)
    }
    let word = try container.decode(String.self, forKey: .state)
    guard let state = OverrideState(rawValue: word) else {
      throw DecodingError.dataCorruptedError(
        forKey: .state, in: container, debugDescription: "auto, up, down or drain")
    }
    self.state = state
    let dial = try container.decodeIfPresent(Double.self, forKey: .dial)
    self.dial = try bounded(dial, .dial, dial.map { (0...1).contains($0) } ?? true)
    reason = try text(.reason)
    author = try text(.author)
    node = try text(.node)
    let times = 0...VersionVector.latest
    let end = try container.decodeIfPresent(Double.self, forKey: .expiresAt)
    expiresAt = try bounded(end, .expiresAt, end.map { times.contains($0) } ?? true)
    let start = try container.decode(Double.self, forKey: .setAt)
    setAt = try bounded(start, .setAt, times.contains(start))
    let counts = try container.decode([String: UInt64].self, forKey: .version)
    let isBounded =
      (1...Self.mostNodes).contains(counts.count)
      && counts.values.allSatisfy { $0 <= UInt64(VersionVector.latest * 1000) }
    version = VersionVector(try bounded(counts, .version, isBounded))
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(state.rawValue, forKey: .state)
    try container.encodeIfPresent(dial, forKey: .dial)
    try container.encode(reason, forKey: .reason)
    try container.encode(author, forKey: .author)
    try container.encode(node, forKey: .node)
    try container.encodeIfPresent(expiresAt, forKey: .expiresAt)
    try container.encode(setAt, forKey: .setAt)
    try container.encode(version.counts, forKey: .version)
  }
}

extension Override.Target {
  /// What follows `override/` in a key of the store: each byte that is neither a letter nor a digit
  /// nor one of `-_.~` is written as `%2F` (RFC 3986 §2.1).
  package var storeKey: String {
    description.utf8.reduce(into: "") { key, byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"),
        UInt8(ascii: "."), UInt8(ascii: "~"):
        key.unicodeScalars.append(Unicode.Scalar(byte))
      default:
        let digits = String(byte, radix: 16, uppercase: true)
        key += byte < 16 ? "%0\(digits)" : "%\(digits)"
      }
    }
  }

  /// nil: it is the key of no target, or written in another way.
  package init?(storeKey: String) {
    guard let text = storeKey.removingPercentEncoding, let target = Self(text),
      target.storeKey == storeKey
    else { return nil }
    self = target
  }
}
