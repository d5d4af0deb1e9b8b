import Layers
import Testing

@testable import Settings

private let file = """
  node: {id: tokyo-1}
  log:
    level: info
  final: [dns.listen]
  dns:
    listen: ["127.0.0.1:5300"]
  regions:
    tokyo:
    oslo: {tags: [eu]}

  """

private func read(_ texts: ConfigurationText...) throws(Faults) -> Settings {
  try SettingsReader.read(
    [ConfigurationText(.file, name: "a.yaml", text: file)] + texts, folder: "/",
    environment: ["LEVEL": "trace"])
}

private func flag(_ text: String) -> ConfigurationText {
  ConfigurationText(.flag, name: "--set", text: text)
}

private func faults(_ texts: ConfigurationText...) -> [String] {
  do throws(Faults) {
    _ = try SettingsReader.read(
      [ConfigurationText(.file, name: "a.yaml", text: file)] + texts, folder: "/",
      environment: [:])
    return []
  } catch {
    return error.faults.map(\.description)
  }
}

struct LayerTests {
  @Test func `one text alone is read as it is, its final keys with it`() throws {
    let settings = try read()
    #expect(settings.log.level == "info")
    #expect(settings.regions.map(\.name) == ["tokyo", "oslo"])
  }

  @Test func `later texts are laid over the file, key by key, and variables go on working`() throws
  {
    let set = ConfigurationText(
      .environment, name: "AZIMUTH_SET", text: "log: {level: \"${LEVEL}\", format: json}")
    let settings = try read(set)
    #expect(settings.log == Settings.Log(format: .json, level: "trace"))
    #expect(settings.node.id == "tokyo-1")
    #expect(settings.regions.map(\.name) == ["tokyo", "oslo"])
    #expect(try read(set, flag("log: {level: debug}")).log.level == "debug")
    #expect(try read(set, flag("log: {level: }")).log.level == "info")
    #expect(try read(flag("regions: {oslo: }")).regions.map(\.name) == ["tokyo"])
    #expect(try read(flag("regions: {oslo: {tags: [no]}}")).regions[1].tags == ["no"])
  }

  @Test(arguments: [
    (
      "log: {levle: debug}",
      ["--set:1: log.levle: unknown key; did you mean \"level\"?"]
    ),
    (
      "\nlog:\n  level: loud\n",
      [
        "--set:3: log.level: wants one of trace, debug, info, notice, warning, error, critical, "
          + "found \"loud\""
      ]
    ),
    (
      "dns: {listen: [\"127.0.0.1:53\"]}",
      [
        "--set:1: dns.listen: dns.listen is final in a.yaml; take it out here, or out of \"final\" "
          + "there"
      ]
    ),
    (
      "dns: off",
      ["--set:1: dns: dns.listen is final in a.yaml; take it out here, or out of \"final\" there"]
    ),
    ("log", ["--set:1: wants a mapping such as {log: {level: debug}}, found \"log\""]),
    (
      "",
      ["--set:1: is empty; wants a mapping such as {log: {level: debug}}; to say nothing, write {}"]
    ),
    (
      "# none\n",
      ["--set:1: is empty; wants a mapping such as {log: {level: debug}}; to say nothing, write {}"]
    ),
    (
      "\n~",
      ["--set:2: is empty; wants a mapping such as {log: {level: debug}}; to say nothing, write {}"]
    ),
    (
      "regions: {null: {}}",
      [
        "--set:1: has the key null, which is nothing in YAML; if it is a name, quote it: \"null\""
      ]
    ),
    ("log: {level: debug, level: info}", ["--set:1: log.level: duplicate key, already on line 1"]),
  ])
  func `a fault is told where it was said`(_ text: String, _ wanted: [String]) {
    #expect(faults(flag(text)) == wanted)
  }

  @Test func `a layer that is empty is told, and takes nothing away`() throws {
    let empty = ["", "# later\n", "null", "~\n"].map {
      ConfigurationText(.region, name: "layer region/tokyo", text: $0)
    }
    for layer in empty {
      let told = faults(layer)
      #expect(told.count == 1 && told[0].hasPrefix("layer region/tokyo:1: is empty; "), "\(told)")
      #expect(throws: Faults.self) {
        try ConfigurationLayers([ConfigurationText(.file, name: "a.yaml", text: file), layer])
      }
    }
    let braces = ConfigurationText(.region, name: "layer region/tokyo", text: "{}")
    #expect(try read(braces).log.level == "info")
  }

  @Test func `a quoted key is a name, whatever is laid over it`() throws {
    let regions = try read(flag("regions: {\"null\": {tags: [no]}}")).regions
    #expect(regions.map(\.name) == ["tokyo", "oslo", "null"])
  }

  @Test func `what is no YAML is told in its own lines`() {
    let told = faults(flag("log: {}\nlog: ["))
    #expect(told.count == 1)
    #expect(told[0].hasPrefix("--set:3: is no YAML"), "\(told)")
  }

  @Test func `a fault of the file stays in the file, whatever is laid over it`() {
    let broken = ConfigurationText(.file, name: "b.yaml", text: "log:\n  levle: info\n")
    #expect(throws: Faults.self) {
      try SettingsReader.read([broken, flag("node: {id: a}")], folder: "/", environment: [:])
    }
    do throws(Faults) {
      _ = try SettingsReader.read(
        [broken, flag("node: {id: a}")], folder: "/", environment: [:])
    } catch {
      #expect(error.faults.first?.origin == Origin(file: "b.yaml", line: 2, path: "log.levle"))
    }
  }
}
