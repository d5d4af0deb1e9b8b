import Clustering
import Engine
import Layers
import Settings
import TestSupport
import Testing

private let configuration = StoredConfiguration(
  clusterID: .max,
  layers: [
    .init(key: "/azimuth/f/v1/config/global", kind: .global, text: "log: {}\n", revision: 7),
    .init(key: "/azimuth/f/v1/config/node/a", kind: .node, text: "\u{1F30D}", revision: 9),
  ])

struct FleetSnapshotTests {
  @Test func `what was written is read, and nothing else is`() throws {
    let snapshot = FleetSnapshot(configuration, savedAt: 1000.5)
    let bytes = try snapshot.bytes()
    #expect(FleetSnapshot(bytes) == snapshot)
    var generator = SeededGenerator(seed: 1)
    for _ in 0..<2000 {
      var damaged = bytes
      let index = Int.random(in: damaged.indices, using: &generator)
      damaged[index] ^= UInt8(1) << UInt8.random(in: 0..<8, using: &generator)
      // The digits of the sum may be in capitals.
      #expect(FleetSnapshot(damaged).map { $0 == snapshot } ?? true, "byte \(index)")
      #expect(FleetSnapshot(Array(bytes.prefix(index))) == nil)
    }
  }

  @Test func `a picture gives the node's layers in their order, and comes back of them`() {
    let keys: [(String, LayerKind)] = [
      ("/azimuth/f/v1/config/global", .global), ("/azimuth/f/v1/config/region/x", .region),
      ("/azimuth/f/v1/config/node/a", .node),
    ]
    let stored = StoredConfiguration(configuration.picture, keys: keys)
    #expect(stored == configuration)
    #expect(stored.revision == 9)
    #expect(stored.texts.map(\.kind) == [.global, .node])
  }
}
