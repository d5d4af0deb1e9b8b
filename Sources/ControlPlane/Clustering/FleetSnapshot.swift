import Checksums
import Foundation
import Layers
import StateFiles

/// The last configuration from the shared store that was good, on the disk: so that a node starts
/// while the store is away.
///
///     azimuth-fleet 1 <CRC-32C of the rest, 8 hexadecimal digits>
///     {"saved_at": …, "cluster": …, "layers": [{"key", "kind", "text", "revision"}],
///      "rolled": {"key", "before": {a layer}}}
package struct FleetSnapshot: Sendable, Equatable {
  package var configuration: StoredConfiguration
  /// Seconds since 1970.
  package var savedAt: Double

  package init(_ configuration: StoredConfiguration, savedAt: Double) {
    self.configuration = configuration
    self.savedAt = savedAt
  }

  private struct Body: Codable {
    struct Layer: Codable {
      var key: String
      var kind: Int
      var text: String
      var revision: Int64

      init(_ layer: StoredConfiguration.Layer) {
        key = layer.key
        kind = layer.kind.rawValue
        text = layer.text
        revision = layer.revision
      }

      var layer: StoredConfiguration.Layer? {
        LayerKind(rawValue: kind).map { .init(key: key, kind: $0, text: text, revision: revision) }
      }
    }
    struct Rolled: Codable {
      var key: String
      var before: Layer?
    }
    var savedAt: Double
    var cluster: UInt64
    var layers: [Layer]
    var rolled: Rolled?

    enum CodingKeys: String, CodingKey {
      case cluster, layers, rolled
      case savedAt = "saved_at"
    }
  }

  private static let mark = "azimuth-fleet 1 "

  /// nil: there is none, or it is damaged.
  package init?(folder: String) {
    guard let data = Self.file(in: folder).contents else { return nil }
    self.init(Array(data))
  }

  /// Replaces what is in a folder.
  package func save(in folder: String) throws {
    try Self.file(in: folder).replace(with: Data(try bytes()))
  }

  private static func file(in folder: String) -> StateFile {
    StateFile("fleet.snapshot", in: folder)
  }

  /// nil: these are not the bytes that were written.
  package init?(_ bytes: [UInt8]) {
    let header = bytes.prefix { $0 != UInt8(ascii: "\n") }
    let text = String(decoding: header, as: UTF8.self)
    let rest = bytes.dropFirst(header.count + 1)
    guard text.hasPrefix(Self.mark),
      UInt32(text.dropFirst(Self.mark.count), radix: 16) == CRC32C(rest).value,
      let body = try? JSONDecoder().decode(Body.self, from: Data(rest))
    else { return nil }
    savedAt = body.savedAt
    configuration = StoredConfiguration(
      clusterID: body.cluster, layers: body.layers.compactMap(\.layer),
      rolled: body.rolled.map { .init(key: $0.key, before: $0.before?.layer) })
  }

  package func bytes() throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    let rolled = configuration.rolled.map {
      Body.Rolled(key: $0.key, before: $0.before.map(Body.Layer.init))
    }
    let body = Array(
      try encoder.encode(
        Body(
          savedAt: savedAt, cluster: configuration.clusterID,
          layers: configuration.layers.map(Body.Layer.init), rolled: rolled)))
    let sum = String(CRC32C(body).value, radix: 16)
    let padded = String(repeating: "0", count: 8 - sum.count) + sum
    return Array("\(Self.mark)\(padded)\n".utf8) + body
  }
}
