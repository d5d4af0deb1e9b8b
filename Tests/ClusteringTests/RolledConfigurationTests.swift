import Clustering
import Engine
import Foundation
import Layers
import Settings
import Testing

private let few = "regions: {a: {}}\n"
private let many = "regions: {a: {}, b: {}, c: {}, d: {}}\n"

/// What a store has with a text on its way, and what nodes read of it.
private struct Shared {
  var rollout = Rollout(
    Rollout.Plan(
      layer: SharedLayerName(path: "global")!, order: [["tokyo"], ["oslo"]], bake: .zero,
      maximumErrors: 0),
    base: 5, by: Rollout.Word(author: "m", reason: "r"), nodes: [:])
  var layers = ["global": few, "region/tokyo": "regions: {}\n"]

  var picture: StorePicture {
    var entries = [
      "/azimuth/f/v1/rollout/state": StoreEntry(value: rollout.json, revision: 20),
      "/azimuth/f/v1/rollout/text": StoreEntry(value: Array(many.utf8), revision: 19),
    ]
    for (name, text) in layers {
      entries["/azimuth/f/v1/config/\(name)"] = StoreEntry(value: Array(text.utf8), revision: 5)
    }
    return StorePicture(clusterID: 1, revision: 20, entries: entries, isVerified: true)
  }

  /// As a node reads it whose own file says that it is in a region.
  func read(in region: String) throws -> StoredConfiguration {
    let file = NSTemporaryDirectory() + "azimuth-\(UUID().uuidString).yaml"
    defer { try? FileManager.default.removeItem(atPath: file) }
    try """
    node: {id: n, region: \(region)}
    fleet: {name: f, members: ["http://127.0.0.1:1"]}
    """.write(toFile: file, atomically: true, encoding: .utf8)
    let start = try #require(try FleetStart(file: file, environment: [:]))
    return StoredConfiguration(picture, of: start)
  }
}

struct RolledConfigurationTests {
  @Test func `nodes of regions that have begun read the text, all others the layer`() throws {
    var shared = Shared()
    let tokyo = try shared.read(in: "tokyo")
    #expect(tokyo.layers.map(\.text) == [many, "regions: {}\n"] && tokyo.rolloutRevision == 19)
    #expect(tokyo.texts[0].name == "/azimuth/f/v1/config/global (rollout)")
    #expect(tokyo.settledIfRolled?.layers.map(\.text) == [few, "regions: {}\n"])
    let oslo = try shared.read(in: "oslo")
    #expect(oslo.layers.map(\.text) == [few] && oslo.rolloutRevision == nil)
    #expect(oslo.settledIfRolled == nil)
    shared.rollout = shared.rollout.advanced([:])
    #expect(try shared.read(in: "oslo").layers.map(\.text) == [many])
    shared.rollout = shared.rollout.stopped(by: .init(author: "m", reason: "r"))
    for region in ["tokyo", "oslo"] {
      let back = try shared.read(in: region)
      #expect(back.layers[0].text == few && back.rolloutRevision == nil)
    }
  }

  @Test func `a text may be of a layer that is not there yet, and of one that others do not read`()
    throws
  {
    var shared = Shared()
    shared.layers = [:]
    let new = try shared.read(in: "tokyo")
    #expect(new.layers.map(\.text) == [many] && new.settledIfRolled?.layers == [])
    let plan = Rollout.Plan(
      layer: SharedLayerName(path: "region/oslo")!, order: [["tokyo", "oslo"]], bake: .zero,
      maximumErrors: 0)
    shared.rollout = Rollout(plan, base: 0, by: .init(author: "m", reason: "r"), nodes: [:])
    #expect(try shared.read(in: "tokyo").layers == [])
    #expect(try shared.read(in: "oslo").layers.map(\.kind) == [.region])
  }

  @Test func `what was in force comes back from the disk, and what it would go back to`() throws {
    var shared = Shared()
    for layers in [shared.layers, [:]] {
      shared.layers = layers
      let snapshot = FleetSnapshot(try shared.read(in: "tokyo"), savedAt: 7)
      #expect(FleetSnapshot(try snapshot.bytes()) == snapshot)
      #expect(snapshot.configuration.rolloutRevision == 19)
    }
  }

  /// The text has four regions and the layer one, which the shrink guard would not let go.
  @Test func `the way back from a text that has more is open, also over a restart`() throws {
    var shared = Shared()
    let snapshot = FleetSnapshot(try shared.read(in: "tokyo"), savedAt: 7)
    shared.rollout = shared.rollout.stopped(by: .init(author: "m", reason: "r"))
    var emptied = try shared.read(in: "tokyo")
    #expect(choice(emptied, snapshot) == "store")
    emptied.layers = []
    #expect(choice(emptied, snapshot) == "snapshot")
    let settled = FleetSnapshot(
      StoredConfiguration(clusterID: 1, layers: snapshot.configuration.layers), savedAt: 7)
    #expect(choice(try shared.read(in: "tokyo"), settled) == "snapshot")
  }

  private func choice(_ stored: StoredConfiguration, _ snapshot: FleetSnapshot) -> String {
    let zone = """
      node: {id: n}
      zones: {example.org: {soa: {primary: ns1}, ns: [ns1], records: ["ns1 A 192.0.2.1"]}}
      """
    let choice = FleetChoice(
      stored: stored, snapshot: snapshot, shrinkLimit: 0.5,
      read: { configuration throws(Faults) in
        try SettingsReader.read(
          [ConfigurationText(.file, name: "a.yaml", text: zone)] + (configuration?.texts ?? []),
          folder: "/", environment: [:])
      }, refuse: { _ in })
    switch choice {
    case .store: return "store"
    case .snapshot: return "snapshot"
    case .file: return "file"
    case .nothing: return "nothing"
    }
  }

  @Test func `who is behind is seen by the text that is meant for it`() {
    var shared = Shared()
    var view = FleetView(fleet: "f", prefix: "/azimuth/f/v1/")
    var picture = shared.picture
    for (id, region) in [("t", "tokyo"), ("o", "oslo")] {
      let word = NodeWord(
        version: "1", region: region, zone: nil, admin: nil, revision: 5, valid: true,
        serving: true, startedAt: 0, connectedSince: 0, at: 0)
      picture.entries["/azimuth/f/v1/node/\(id)"] = StoreEntry(value: word.json, revision: 21)
    }
    view.take(picture, now: .zero)
    func nodes() -> [FleetReport.Node] {
      view.report(
        by: "t",
        store: .init(
          connected: true, member: "", verified: true, revision: 1, lagSeconds: nil, fault: nil),
        now: .seconds(1)
      ).nodes
    }
    #expect(nodes().map(\.wantedRevision) == [5, 19])
    shared.rollout = shared.rollout.stopped(by: .init(author: "m", reason: "r"))
    picture.entries["/azimuth/f/v1/rollout/state"] = StoreEntry(
      value: shared.rollout.json, revision: 22)
    view.take(picture, now: .zero)
    #expect(nodes().map(\.wantedRevision) == [5, 5])
    picture.entries["/azimuth/f/v1/rollout/state"] = StoreEntry(value: [1], revision: 23)
    view.take(picture, now: .zero)
    let report = view.report(
      by: "t",
      store: .init(
        connected: true, member: "", verified: true, revision: 1, lagSeconds: nil, fault: nil),
      now: .zero)
    #expect(report.malformed == ["rollout/state"])
  }
}
