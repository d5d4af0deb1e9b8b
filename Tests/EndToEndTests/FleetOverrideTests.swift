import Foundation
import TestSupport
import Testing

/// What the API says of overrides, as far as this looks.
private struct Report: Decodable {
  struct Word: Decodable {
    var state: String
    var node: String
  }
  var target: String
  var state: String
  var localOnly: Bool?
  var conflict: [Word]?
}

private struct List: Decodable { var overrides: [Report] }

extension FleetNode {
  fileprivate func say(_ state: String, of target: String) throws -> HTTPConnection.Response {
    try admin(
      "PUT", "/v1/overrides/\(target)",
      #"{"state": "\#(state)", "reason": "fire", "author": "ada"}"#)
  }

  fileprivate var overrides: [Report] {
    get throws { try admin("GET", "/v1/overrides").decoded(as: List.self).overrides }
  }
}

private let three: KeyValuePairs = ["edge-1": "tokyo", "edge-2": "tokyo", "edge-3": "tokyo"]

extension EndToEndWaiting {
  @Suite(.enabled(if: EtcdCluster.isInstalled)) struct `Overrides of a fleet` {
    @Test(.timeLimit(.minutes(3)))
    func `are everywhere within a second, and one of two operators loses`() throws {
      let fleet = try Fleet(members: 3, nodes: three)
      defer { fleet.stop() }
      let nodes = fleet.nodes
      let put = try nodes[0].say("down", of: "tokyo")
      let start = ContinuousClock.now
      #expect(put.status == 201, "\(put.text)")
      #expect(try put.decoded(as: Report.self).localOnly == false)
      for node in nodes {
        node.eventually("it follows") { node.answer == "192.0.2.2" }
      }
      #expect(ContinuousClock.now - start < .seconds(1))
      #expect(try nodes[2].overrides.map(\.state) == ["down"])
      #expect(
        try fleet.cluster.control("get", "/azimuth/prod/v1/override/tokyo").contains("fire"))

      let races = try inParallel(3) { node in
        try nodes[node].say(["drain", "up", "down"][node], of: "oslo").status
      }
      // Whoever had heard of the one before did not lose.
      #expect(races.contains(201) && races.allSatisfy { [200, 201, 409].contains($0) })
      for node in nodes {
        eventually("all have the same word") {
          try node.overrides.map(\.state) == nodes[0].overrides.map(\.state)
        }
        let found = try node.overrides
        #expect(found.allSatisfy { $0.conflict == nil })
      }

      #expect(try nodes[1].admin("DELETE", "/v1/overrides/tokyo").status == 204)
      for node in nodes {
        node.eventually("it follows") { node.answer == "192.0.2.1" }
      }
      #expect(try nodes[2].admin("DELETE", "/v1/overrides/tokyo").status == 404)
    }

    @Test(.timeLimit(.minutes(5)))
    func `are taken without the store, and merged to the safer word when it is back`() throws {
      let fleet = try Fleet(members: 3, nodes: three)
      defer { fleet.stop() }
      let nodes = fleet.nodes
      #expect(try nodes[2].say("down", of: "lima").status == 201)
      for node in nodes {
        node.eventually("it knows") { try node.overrides.map(\.target) == ["lima"] }
      }
      fleet.loseStore()
      let drain = try nodes[0].say("down", of: "tokyo")
      #expect(drain.status == 201, "\(drain.text)")
      #expect(try drain.decoded(as: Report.self).localOnly == true)
      #expect(try nodes[1].say("up", of: "tokyo").status == 201)
      #expect(nodes[0].answer == "192.0.2.2")
      #expect(nodes[1].answer == "192.0.2.1" && nodes[2].answer == "192.0.2.1")
      #expect(try nodes[1].admin("DELETE", "/v1/overrides/lima").status == 204)
      // Not even a restart loses what was said.
      nodes[0].end()
      try nodes[0].serve()
      eventually("node 0 again", within: .seconds(30)) { nodes[0].answer == "192.0.2.2" }

      try fleet.healStore()
      for node in nodes {
        node.eventually("it has the safer word", within: .seconds(30)) {
          node.answer == "192.0.2.2"
        }
        node.eventually("it shows the conflict") {
          let found = try node.overrides
          return found.map(\.target) == ["tokyo"]
            && found.first?.conflict?.map(\.state) == ["down", "up"]
            && found.first?.localOnly == false
        }
        eventually("the metric") { node.metric("azimuth_override_conflicts") == "1" }
      }
      let list = try nodes[2].admin("GET", "/v1/conflicts").text
      #expect(list.contains("edge-1") && list.contains("edge-2"), "\(list)")
      try acknowledge("tokyo", on: nodes[2])
      for node in nodes {
        eventually("no conflict") { node.metric("azimuth_override_conflicts") == "0" }
        #expect(node.answer == "192.0.2.2")
      }
      #expect(try nodes[2].admin("POST", "/v1/conflicts/tokyo/acknowledge").status == 404)
    }

    /// As an operator does, on the dashboard, where there is a browser.
    private func acknowledge(_ target: String, on node: FleetNode) throws {
      guard Browser.isInstalled else {
        let path = "/v1/conflicts/\(target)/acknowledge"
        #expect(try node.admin("POST", path).status == 200)
        return
      }
      let browser = try Browser()
      try browser.open("http://127.0.0.1:\(node.ports.admin)/")
      eventually("the fleet") {
        let text = try browser.text("#fleet")
        return ["edge-1", "edge-2", "edge-3", "Operators have said different things"].allSatisfy {
          text.contains($0)
        }
      }
      try browser.click("#acknowledge-\(target)")
      eventually("the dialog") { try browser.isThere("#token-dialog") }
      try browser.type("\(FleetNode.token)\u{E007}", into: "#token")
      eventually("no conflict any more") {
        try !browser.text("#fleet").contains("Operators have said different things")
      }
    }
  }
}
