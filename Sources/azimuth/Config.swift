import ArgumentParser
import Clustering
import ConfigurationSchema
import Foundation
import Layers
import Settings

/// `azimuth config`: the configuration itself.
struct Config: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Say where a configuration has its values from, and what it may have.",
    subcommands: [ExplainKey.self, Schema.self])

  /// `azimuth config schema`: for editors.
  struct Schema: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Print the JSON Schema (2020-12) of the configuration, for editors.")

    func run() async throws {
      let bytes = UnsafeBufferPointer(start: azimuth_schema, count: Int(azimuth_schema_size))
      print(String(decoding: bytes, as: UTF8.self), terminator: "")
    }
  }

  /// `azimuth config explain`: values, and the layer that says each.
  struct ExplainKey: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "explain", abstract: "Say the value of a key, and who says so.",
      discussion: """
        The layers are the file, those of the fleet's store if the file names one, the variable \
        AZIMUTH_SET and the flags --set. If the store does not answer, its layers are those that \
        the node has kept in its state folder. The word of a \
        later one counts for more, save for what an earlier one lists under "final". Values are \
        shown as they are written: ${NAME} stays, secrets are left out. What no layer says has its \
        default (docs/configuration.md). Only azimuth check says whether a value is good.
        """)

    @Argument(help: "A path such as log.level, or a section such as dns; without, everything.")
    var key = ""
    @Option(help: "The configuration file.")
    var config = "config/azimuth.yaml"
    @OptionGroup var flags: SetOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
      let stored: StoredLayers
      let layers: ConfigurationLayers
      do throws(Faults) {
        stored = try await StoredLayers(ConfigurationSource(file: config, sets: flags.set))
        layers = try ConfigurationLayers(
          file: config, environment: ProcessInfo.processInfo.environment, sets: flags.set,
          shared: stored.configuration?.texts ?? [])
      } catch {
        throw reported(error)
      }
      if let caution = stored.caution { writeToStandardError("\(caution)\n") }
      let explained = layers.layers.explain(key).map { ExplainedKey($0, in: layers, stored) }
      let isSaid = explained.contains { $0.word != nil || !$0.hidden.isEmpty }
      if !isSaid, let miss = try SchemaKeys().miss(of: key) {
        throw reported("there is no key \"\(key)\"; \(miss.hint)")
      }
      switch output.output {
      case .json: print(try renderedJSON(explained))
      case .text: for key in explained { print(key.text) }
      }
    }
  }
}

/// One key as `azimuth config explain` prints it.
struct ExplainedKey: Encodable {
  struct Word: Encodable {
    var layer: String
    var file: String
    /// Of a layer of the fleet's store.
    var revision: Int64?
    var line: Int?
    /// As it is written; nil: it takes the key away.
    var value: String?
    /// What it says of a key that an earlier layer has made final.
    var isRefused: Bool

    /// For people.
    var place: String

    enum CodingKeys: String, CodingKey {
      case layer, file, revision, line, value
      case isRefused = "refused"
    }
  }

  var key: String
  /// In force; nil: its default is.
  var word: Word?
  var hidden: [Word]
  /// The text that has made it final.
  var finalIn: String?

  enum CodingKeys: String, CodingKey {
    case key, hidden
    case word = "in_force"
    case finalIn = "final_in"
  }

  init(_ explanation: Layers.Explanation, in layers: ConfigurationLayers, _ stored: StoredLayers) {
    let path = explanation.path
    key = path
    func word(_ word: Layers.Explanation.Word) -> Word {
      let origin = layers.origin(layer: word.layer, line: word.line, path: path)
      let kind = layers.layers.layers[word.layer].kind.name
      let source = stored.source(of: origin.file)
      let place =
        if let source {
          "\(source.text)\(origin.line.map { " line \($0)" } ?? "")"
        } else {
          "\(origin.file)\(origin.line.map { ":\($0)" } ?? "") (\(kind))"
        }
      return Word(
        layer: kind, file: origin.file, revision: source?.revision, line: origin.line,
        value: Self.value(word.content, of: path),
        isRefused: explanation.pinnedBy.map { word.layer > $0 } ?? false, place: place)
    }
    self.word = explanation.word.map(word)
    hidden = explanation.hidden.map(word)
    finalIn = explanation.pinnedBy.map { layer in
      let file = layers.origin(layer: layer, line: nil, path: path).file
      return stored.source(of: file)?.text ?? file
    }
  }

  var text: String {
    var lines = ["\(key): \(word.map { $0.value ?? "nothing" } ?? "its default")"]
    if let word { lines.append("  said by \(word.place)") }
    if let finalIn { lines.append("  final in \(finalIn)") }
    for word in hidden {
      let said = word.value.map { "says \($0)" } ?? "takes it away"
      lines.append("  \(word.isRefused ? "refused" : "hidden"): \(word.place) \(said)")
    }
    return lines.joined(separator: "\n")
  }

  /// Keys whose values are secrets, unless they only say where the secret is.
  private static let secrets: Set = ["secret", "accept", "password", "token"]

  /// As it is written; secrets are left out. nil: it takes the key away.
  static func value(_ content: LayerTree.Content, of path: String) -> String? {
    switch content {
    case .nothing: return nil
    case .text(let text):
      let name = String(path.split(separator: ".").last ?? "")
      return secrets.contains(name) && !text.contains("${") ? "(not shown)" : text
    case .list(let elements):
      let values = elements.map { value($0.content, of: path) ?? "null" }
      return "[\(values.joined(separator: ", "))]"
    case .mapping(let entries):
      let values = entries.map {
        "\($0.name): \(value($0.tree.content, of: "\(path).\($0.name)") ?? "null")"
      }
      return "{\(values.joined(separator: ", "))}"
    }
  }
}

extension LayerKind {
  /// As people call it.
  fileprivate var name: String {
    switch self {
    case .builtIn: "built-in"
    case .file: "file"
    case .global: "global"
    case .region: "region"
    case .zone: "zone"
    case .node: "node"
    case .environment: "environment"
    case .flag: "flag"
    }
  }
}
