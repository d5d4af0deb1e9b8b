import Clustering
import Layers
import Settings
import Testing

private let file = "node: {id: a}\nfleet: {name: f, members: [\"http://127.0.0.1:1\"]}\n"
private let served = """
  regions: {tokyo: {}, oslo: {}, lima: {}}
  zones:
    example.org: {soa: {primary: ns1}, ns: [ns1], records: ["ns1 A 192.0.2.1"]}

  """

private func stored(_ text: String?) -> StoredConfiguration {
  StoredConfiguration(
    clusterID: 1,
    layers: text.map { [.init(key: "global", kind: .global, text: $0, revision: 5)] } ?? [])
}

/// What a node starts with, in a word, and what it refused.
private func choice(
  _ says: StoredConfiguration?, snapshot: String? = nil, file own: String = file
) -> (String, refused: [String]) {
  var refused: [String] = []
  let choice = FleetChoice(
    stored: says, snapshot: snapshot.map { FleetSnapshot(stored($0), savedAt: 0) },
    shrinkLimit: 0.5,
    read: { configuration throws(Faults) in
      try SettingsReader.read(
        [ConfigurationText(.file, name: "a.yaml", text: own)] + (configuration?.texts ?? []),
        folder: "/", environment: [:])
    }, refuse: { refused += $0.faults.map(\.description) })
  let word =
    switch choice {
    case .store: "store"
    case .snapshot: "snapshot"
    case .file: "file"
    case .nothing: "nothing"
    }
  return (word, refused)
}

struct FleetChoiceTests {
  @Test func `the store's word counts for most`() {
    #expect(choice(stored(served)) == ("store", []))
    #expect(choice(stored(served), snapshot: served, file: file + served).0 == "store")
    #expect(choice(stored(nil), file: file + served).0 == "store")
  }

  @Test func `without the store its last good word serves, then the file, then nothing`() {
    #expect(choice(nil, snapshot: served) == ("snapshot", []))
    #expect(choice(nil, snapshot: served, file: file + served).0 == "snapshot")
    #expect(choice(nil, file: file + served) == ("file", []))
    #expect(choice(nil).0 == "nothing")
  }

  @Test func `what is wrong in the store is refused, and said`() {
    let (word, refused) = choice(stored("regions: [broken"), snapshot: served)
    #expect(word == "snapshot")
    #expect(refused.count == 1 && refused[0].hasPrefix("global:"), "\(refused)")
    #expect(choice(stored("nonsense: 1"), file: file + served).0 == "file")
  }

  @Test func `a store that was emptied empties nobody, and an empty one without a past is nothing`()
  {
    let (word, refused) = choice(stored(nil), snapshot: served)
    #expect(word == "snapshot")
    #expect(refused.first?.contains("3 of 3 regions, 1 of 1 zones") == true, "\(refused)")
    #expect(choice(stored(nil)).0 == "nothing")
  }
}
