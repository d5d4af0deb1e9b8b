package import Layers
import StateFiles

/// What one layer says, as it is written: YAML, a mapping.
package struct ConfigurationText: Sendable, Equatable {
  package var kind: LayerKind
  /// As it is named in faults: the file, `AZIMUTH_SET`, `--set`.
  package var name: String
  package var text: String

  package init(_ kind: LayerKind, name: String, text: String) {
    self.kind = kind
    self.name = name
    self.text = text
  }

  /// The environment's word on the configuration.
  package static let environmentVariable = "AZIMUTH_SET"

  /// Nobody writes a larger file, and to read one would fill the memory.
  private static let mostBytes = 64 << 20

  /// What a node goes by, in the order of its layers.
  ///
  /// - Parameters:
  ///   - sets: what flags say.
  ///   - shared: layers of a fleet's store, in their order.
  package static func all(
    file: String, environment: [String: String], sets: [String],
    shared: [ConfigurationText] = []
  ) throws(Faults) -> [ConfigurationText] {
    let text: String
    do throws(PlainFile.Fault) {
      text = try PlainFile(file).text(atMost: mostBytes)
    } catch {
      throw Faults([
        Fault(origin: Origin(file: file), message: "cannot be read: \(error)")
      ])
    }
    var texts = [ConfigurationText(.file, name: file, text: text)] + shared
    if let set = environment[environmentVariable], !set.isEmpty {
      texts.append(ConfigurationText(.environment, name: environmentVariable, text: set))
    }
    return texts + sets.map { ConfigurationText(.flag, name: "--set", text: $0) }
  }
}
