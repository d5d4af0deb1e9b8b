import Announcing
import Clustering
import Engine
import Testing

private func word(
  revision: Int64, valid: Bool = true, serving: Bool = true, region: String? = "tokyo"
) -> NodeWord {
  NodeWord(
    version: "1", region: region, zone: nil, admin: "127.0.0.1:8053", revision: revision,
    valid: valid, serving: serving, startedAt: 1000, connectedSince: 1001, at: 1002)
}

/// A store whose keys change one after the other, and what a node sees of it.
private struct Seen {
  var view = FleetView(fleet: "f", prefix: "/f/")
  var picture = StorePicture(clusterID: 1, revision: 0, entries: [:], isVerified: true)

  mutating func put(_ key: String, _ value: [UInt8], at revision: Int64, now: Duration) {
    picture.entries["/f/\(key)"] = StoreEntry(value: value, revision: revision)
    picture.revision = revision
    view.take(picture, now: now)
  }

  mutating func put(_ id: String, _ word: NodeWord, at revision: Int64, now: Duration) {
    put("node/\(id)", word.json, at: revision, now: now)
  }

  mutating func delete(_ key: String, now: Duration) {
    picture.entries["/f/\(key)"] = nil
    view.take(picture, now: now)
  }

  func report(now: Duration) -> FleetReport {
    view.report(
      by: "a",
      store: FleetReport.Store(
        connected: true, member: "http://127.0.0.1:1", verified: true, revision: 9,
        lagSeconds: 1.5, fault: nil), now: now)
  }

  func straggles(_ id: String, now: Duration) -> String? {
    report(now: now).nodes.first { $0.id == id }?.straggles
  }
}

struct FleetViewTests {
  @Test func `a node's word comes back as it was, and other bytes are none`() {
    let one = word(revision: 7)
    #expect(NodeWord(json: one.json) == one)
    #expect(NodeWord(json: Array("{}".utf8)) == nil && NodeWord(json: []) == nil)
    #expect(String(decoding: one.json, as: UTF8.self).contains("\"connected_since\":1001"))
  }

  @Test func `each node is held to the layers that are meant for it, and to no others`() {
    var seen = Seen()
    seen.put("config/global", [1, 2, 3], at: 5, now: .zero)
    seen.put("config/region/oslo", [1], at: 8, now: .zero)
    seen.put("config/node/b", [1], at: 9, now: .zero)
    seen.put("a", word(revision: 5), at: 10, now: .seconds(50))
    seen.put("b", word(revision: 9, region: "oslo"), at: 11, now: .seconds(50))
    seen.put("c", word(revision: 5, region: "oslo"), at: 12, now: .seconds(50))
    let report = seen.report(now: .seconds(51))
    #expect(report.nodes.map(\.wantedRevision) == [5, 9, 8])
    #expect(report.nodes.map(\.straggles) == [nil, nil, "has had revision 8 to take for 51 s"])
    #expect(report.nodes.map(\.heartbeatAgeSeconds) == [1, 1, 1])
    #expect(report.layers.map(\.name) == ["global", "node/b", "region/oslo"])
    #expect(report.layers.map(\.nodes) == [3, 1, 2] && report.layers[0].bytes == 3)
  }

  @Test func `a node has its time to take what is new, and what was taken away as well`() {
    var seen = Seen()
    seen.put("config/global", [], at: 5, now: .zero)
    seen.put("config/node/a", [], at: 6, now: .zero)
    seen.put("a", word(revision: 6), at: 7, now: .seconds(100))
    #expect(seen.straggles("a", now: .seconds(101)) == nil)
    seen.delete("config/node/a", now: .seconds(102))
    #expect(seen.report(now: .seconds(103)).nodes[0].wantedRevision == 5)
    #expect(seen.straggles("a", now: .seconds(110)) == nil)
    seen.put("a", word(revision: 6), at: 8, now: .seconds(112))
    #expect(seen.straggles("a", now: .seconds(115)) == "has had revision 5 to take for 13 s")
    seen.put("a", word(revision: 5), at: 9, now: .seconds(116))
    #expect(seen.straggles("a", now: .seconds(117)) == nil)
  }

  @Test func `who refuses, waits or is silent is told of at once or in time`() {
    var seen = Seen()
    seen.put("config/global", [], at: 5, now: .zero)
    seen.put("a", word(revision: 5, valid: false), at: 6, now: .seconds(1))
    #expect(seen.straggles("a", now: .seconds(1))?.hasPrefix("refuses") == true)
    seen.put("a", word(revision: 0, serving: false), at: 7, now: .seconds(2))
    #expect(seen.straggles("a", now: .seconds(2))?.hasPrefix("waits") == true)
    seen.put("a", word(revision: 5), at: 8, now: .seconds(3))
    #expect(seen.straggles("a", now: .seconds(15)) == nil)
    #expect(seen.straggles("a", now: .seconds(16)) == "was not heard of for 13 s")
    seen.delete("node/a", now: .seconds(17))
    #expect(seen.report(now: .seconds(17)).nodes == [])
  }

  @Test func `how nodes stand with their anycast addresses is told where any has such`() {
    var seen = Seen()
    seen.put("edge-1", word(revision: 0), at: 1, now: .zero)
    #expect(!seen.report(now: .zero).text.contains("ANYCAST"))
    var other = word(revision: 0)
    other.anycast = "last_hope"
    seen.put("edge-2", other, at: 2, now: .zero)
    #expect(NodeWord(json: other.json) == other)
    let text = seen.report(now: .zero).text
    #expect(text.contains("VALID  ANYCAST    HEARD") && text.contains("yes    last_hope  0.0 s"))
    #expect(text.contains("yes    -          0.0 s"))
    #expect(seen.view.anycastStandings(besides: "edge-1") == ["last_hope"])
    #expect(seen.view.anycastStandings(besides: "edge-2") == [])
  }

  @Test func `people read it as a table, and see what is wrong`() {
    var seen = Seen()
    seen.put("config/global", [1, 2], at: 5, now: .zero)
    seen.put("config/region/tokio", [1], at: 6, now: .zero)
    seen.put("edge-1", word(revision: 5, valid: false), at: 7, now: .seconds(1))
    seen.put("node/x", [1], at: 8, now: .seconds(1))
    #expect(
      seen.report(now: .seconds(3)).text == """
        fleet f, as a sees it
        store connected to http://127.0.0.1:1, verified, revision 9, own heartbeat 1.5 s ago

        NODE    REGION  ZONE  VERSION  REVISION  VALID  HEARD
        edge-1  tokyo   -     1        5         no     2.0 s ago  STRAGGLES: refuses what the \
        store says; its log says why

        LAYER         REVISION  BYTES  NODES
        global        5         2      1
        region/tokio  6         1      0      no node takes it

        not understood: node/x
        """)
  }
}
