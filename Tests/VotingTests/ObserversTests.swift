import TestSupport
import Testing
import Voting

private let regions = ["tokyo", "oslo", "lima"]

/// Seven nodes in each region, and forty endpoints.
private let nodes = Dictionary(
  uniqueKeysWithValues: (0..<21).map { ("edge-\($0)", regions[$0 % 3]) })
private let endpoints = Dictionary(
  uniqueKeysWithValues: (0..<120).map {
    ("\(regions[$0 % 3])/web/192.0.2.\($0):80", regions[$0 % 3])
  })

private func watches(_ nodes: [String: String], count: Int = 3) -> [String: Set<String>] {
  Dictionary(
    uniqueKeysWithValues: nodes.map { node, region in
      (
        node,
        Observers.endpoints(
          watchedBy: node, in: region, nodes: nodes, endpoints: endpoints, count: count)
      )
    })
}

struct ObserversTests {
  @Test func `every node watches its own region, and each region has three for each of the others`()
  {
    let watches = watches(nodes)
    for (endpoint, home) in endpoints {
      for region in regions {
        let observers = nodes.filter { $0.value == region }.keys
          .filter { watches[$0]?.contains(endpoint) == true }
        #expect(observers.count == (region == home ? 7 : 3))
      }
    }
  }

  /// The same on every machine and in every version: nodes of two versions share the work. As
  /// found by FNV-1a and SplitMix64 in Python.
  @Test func `who watches what is fixed`() {
    let few = ["edge-1": "oslo", "edge-2": "oslo", "edge-3": "oslo", "edge-4": "oslo"]
    let some = ["a", "b", "c", "d", "e", "f"].map { ("tokyo/web/\($0)", "tokyo") }
    let found = few.keys.sorted().map { node in
      Observers.endpoints(
        watchedBy: node, in: "oslo", nodes: few, endpoints: Dictionary(uniqueKeysWithValues: some),
        count: 1
      ).map { String($0.suffix(1)) }.sorted().joined()
    }
    #expect(found == ["acd", "b", "e", "f"])
  }

  @Test func `a node that leaves moves only what it watched`() {
    let before = watches(nodes)
    for gone in ["edge-0", "edge-7", "edge-20"] {
      let region = nodes[gone]
      let after = watches(nodes.filter { $0.key != gone })
      for (node, watched) in after {
        let taken = watched.subtracting(before[node] ?? [])
        #expect(before[node]?.isSubset(of: watched) == true)
        #expect(taken.isSubset(of: before[gone] ?? []))
        if nodes[node] != region { #expect(taken.isEmpty) }
      }
    }
  }

  @Test func `alone in its region, or with few, a node watches everything`() {
    let few = ["a": "tokyo", "b": "tokyo", "c": "tokyo", "d": "oslo"]
    for (_, watched) in watches(few) { #expect(watched.count == endpoints.count) }
    let unknown = Observers.endpoints(
      watchedBy: "new", in: "tokyo", nodes: [:], endpoints: endpoints, count: 3)
    #expect(unknown.count == endpoints.count)
  }

  @Test func `the work is shared evenly`() {
    let loads = watches(nodes).values.map(\.count)
    // 40 of its own, and 80 · 3 / 7 of the others.
    #expect(loads.allSatisfy { (55...95).contains($0) }, "\(loads)")
  }
}
