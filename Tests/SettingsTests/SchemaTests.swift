import Foundation
import Settings
import TestSupport
import Testing
import Yams

/// Whether `config/azimuth.schema.json` says of the configuration what the loader does.
///
/// The folder `EveryKey` has each key that there is. The loader tells which keys it knows wherever
/// it comes by, and the same is asked of the schema, so that no key is added to one of them alone.
/// Then each value there is made a wrong one in each way that the schema forbids.
@Suite struct `The schema of the configuration` {
  /// What is good, and by whom it is told.
  struct Document {
    var name: String
    var folder: String
    var text: String
    /// Whether it is a whole configuration.
    var isWhole = true
    var isChanged = false
  }

  struct Answer: Decodable {
    struct Mutant: Decodable {
      var name: String
      var what: String
      var path: String
      var document: String
    }
    var faults: [String: [String]]
    var sections: [String: [String: [String]]]
    var missed: [String]
    var misfits: [String]
    var mutants: [Mutant]
  }

  private static let folder = "\(repository)/Tests/SettingsTests"

  private static func files(_ folder: String, isChanged: Bool = false) -> [Document] {
    let path = "\(repository)/\(folder)"
    let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    return names.sorted().filter { $0.hasSuffix(".yaml") }.map { name in
      Document(
        name: "\(folder)/\(name)", folder: path,
        text: (try? String(contentsOfFile: "\(path)/\(name)", encoding: .utf8)) ?? "",
        isChanged: isChanged)
    }
  }

  /// Blocks of YAML that the documents show; most are parts.
  private static var shown: [Document] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "\(repository)/docs")) ?? []
    let paths = ["README.md"] + names.sorted().filter { $0.hasSuffix(".md") }.map { "docs/\($0)" }
    return paths.flatMap { path -> [Document] in
      let text = (try? String(contentsOfFile: "\(repository)/\(path)", encoding: .utf8)) ?? ""
      return text.matches(of: #/(?ms)^```yaml\n(.*?)^```/#).enumerated().map { index, match in
        Document(
          name: "\(path), block \(index + 1)", folder: repository, text: String(match.1),
          isWhole: false)
      }
    }
  }

  private static let documents =
    files("Tests/SettingsTests/EveryKey", isChanged: true) + files("config")
    + files("config/examples") + files("packaging") + shown
    + beyond.map { Document(name: $0, folder: "/", text: $0, isWhole: false) }

  /// What Python's jsonschema says of all of them; it has time for them once.
  private static let answer = Result { () throws -> Answer in
    let place = FileManager.default.temporaryDirectory
      .appending(path: "azimuth-schema-\(UUID().uuidString.prefix(8))").path
    defer {
      for end in ["in", "out"] { try? FileManager.default.removeItem(atPath: "\(place).\(end)") }
    }
    let given = try documents.map { document -> [String: Any] in
      [
        "name": document.name, "mutate": document.isChanged, "whole": document.isWhole,
        "instance": json(try Yams.compose(yaml: document.text, Resolver.basic)) ?? [:],
      ]
    }
    try JSONSerialization.data(withJSONObject: given).write(to: URL(filePath: "\(place).in"))
    let checked = try RunningProcess(
      "/usr/bin/python3",
      [
        "\(folder)/agreement.py", "\(repository)/config/azimuth.schema.json", "\(place).in",
        "\(place).out",
      ])
    checked.waitForEnd()
    guard checked.status == 0 else { throw Failure(text: checked.all) }
    return try JSONDecoder().decode(
      Answer.self, from: Data(contentsOf: URL(filePath: "\(place).out")))
  }

  struct Failure: Error { var text: String }

  /// As editors read YAML (its core schema); a key without a value is as if it were not there.
  private static func json(_ node: Node?) -> Any? {
    switch node {
    case .mapping(let mapping):
      return Dictionary(
        mapping.compactMap { key, value in json(value).map { (key.string ?? "", $0) } },
        uniquingKeysWith: { first, _ in first })
    case .sequence(let sequence): return sequence.compactMap { json($0) }
    case .scalar(let scalar):
      guard scalar.style == .plain else { return scalar.string }
      switch scalar.string {
      case "", "~", "null": return nil
      case "true": return true
      case "false": return false
      case let text: return Int(text) ?? number(text) ?? text
      }
    case .alias, nil: return nil
    }
  }

  private static func number(_ text: String) -> Any? {
    text.wholeMatch(of: #/-?[0-9]*\.[0-9]+/#).flatMap { Double($0.output) }
  }

  @Test func `every configuration that we ship or show is one by the schema`() throws {
    let answer = try Self.answer.get()
    #expect(Self.documents.count > 20)
    #expect(answer.faults.isEmpty, "\(answer.faults)")
  }

  @Test func `each key is described, and defaults and examples are what the schema takes`() throws {
    let misfits = try Self.answer.get().misfits
    #expect(misfits.isEmpty, "\(misfits)")
  }

  @Test func `the loader takes what the schema has been tried with`() throws {
    for document in Self.documents where document.isChanged {
      #expect(throws: Never.self, "\(document.name)") {
        try SettingsReader.read(text: document.text, name: document.name, folder: document.folder)
      }
    }
  }

  @Test func `the schema and the loader know the same keys, wherever a key may stand`() throws {
    let answer = try Self.answer.get()
    #expect(answer.missed.isEmpty, "no file in EveryKey has these keys")
    for document in Self.documents where document.isWhole {
      let known = SettingsReader.knownKeys(
        text: document.text, name: document.name, folder: document.folder)
      let described = try #require(answer.sections[document.name])
      #expect(Set(known.keys) == Set(described.keys), "mappings of \(document.name)")
      for (path, keys) in known {
        #expect(keys == Set(described[path] ?? []), "\(document.name): \(path)")
      }
    }
  }

  @Test func `what the schema refuses, the loader refuses at that place`() throws {
    let mutants = try Self.answer.get().mutants
    #expect(mutants.count > 2000)
    let folders = Dictionary(
      Self.documents.map { ($0.name, $0.folder) }, uniquingKeysWith: { first, _ in first })
    for mutant in mutants {
      let what = "\(mutant.name): \(mutant.path): \(mutant.what)"
      do {
        _ = try SettingsReader.read(
          text: mutant.document, name: mutant.name, folder: folders[mutant.name] ?? "/")
        Issue.record("the loader takes it: \(what)")
      } catch {
        #expect(
          error.faults.contains { concerns($0.origin.path, mutant.path) }, "\(what): \(error)")
      }
    }
  }

  /// Whether a fault is of a place, of something inside or of what is around it.
  private func concerns(_ fault: String, _ place: String) -> Bool {
    fault.hasPrefix(place) || place.hasPrefix(fault)
  }

  /// Faults that only the loader finds: what a name refers to, what two values are to each other,
  /// how large a quantity with a unit may be, and what lies outside of the file.
  static let beyond = [
    "services: {web: {policy: nowhere, pool: nothing}}",
    "monitors: {web: {type: tcp, interval: 1s, timeout: 2s}}",
    "monitors: {a: {type: calculated, of: b}, b: {type: calculated, of: a}}",
    "geo: {databases: [nowhere.mmdb]}",
    "stop: {deadline: 1s, spread: 2s}",
    "stop: {deadline: 400d}",
    "admin: {listen: '127.0.0.1:99999'}",
    "admin: {tokens: [{name: ada, scope: read}]}", "admin: {mode: '0600'}",
    "dns: {listen: ['127.0.0.1:53', '127.0.0.1:53']}",
    "zones: {example.org: {soa: {primary: ns1}, records: ['a CNAME b', 'a A 192.0.2.1']}}",
    "zones: {example.org: {}}",
    "log: {level: '${NO_SUCH_VARIABLE}'}",
  ]

  @Test(arguments: beyond)
  func `the loader finds more than the schema`(text: String) throws {
    #expect(try Self.answer.get().faults[text] == nil)
    #expect(throws: Faults.self) { try SettingsReader.read(text: text, name: "a.yaml") }
  }
}
