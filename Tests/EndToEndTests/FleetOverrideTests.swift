import Foundation
import TestSupport
import Testing

private let global = """
  regions: {tokyo: {}, oslo: {}, lima: {}}
  pools:
    web: {endpoints: {tokyo: ["192.0.2.1:80"], oslo: ["192.0.2.2:80"], lima: ["192.0.2.3:80"]}}
  policies: {near: {type: failover, order: [tokyo, oslo, lima]}}
  services: {web: {pool: web, policy: near}}
  zones:
    example.org:
      soa: {primary: ns1, serial: 1}
      ns: [ns1]
      steered: {www: web}
      records: ["ns1 A 192.0.2.9"]
  """

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

extension FleetNodes {
  fileprivate func say(
    _ state: String, of target: String, to node: Int
  ) throws -> HTTPConnection.Response {
    try admin(
      node, "PUT", "/v1/overrides/\(target)",
      #"{"state": "\#(state)", "reason": "fire", "author": "ada"}"#)
  }

  fileprivate func overrides(_ node: Int) throws -> [Report] {
    try admin(node, "GET", "/v1/overrides").decoded(as: List.self).overrides
  }
}

extension EndToEnd {
  @Suite(.enabled(if: EtcdCluster.isInstalled)) struct `Overrides of a fleet` {
    @Test(.timeLimit(.minutes(3)))
    func `are everywhere within a second, and one of two operators loses`() throws {
      let fleet = try FleetNodes(nodes: 3, global: global)
      defer { fleet.stop() }
      for node in 0..<3 { eventually("an answer") { fleet.answer(of: node) == "192.0.2.1" } }
      let put = try fleet.say("down", of: "tokyo", to: 0)
      let start = ContinuousClock.now
      #expect(put.status == 201, "\(put.text)")
      #expect(try put.decoded(as: Report.self).localOnly == false)
      for node in 0..<3 {
        eventually("node \(node) follows") { fleet.answer(of: node) == "192.0.2.2" }
      }
      #expect(ContinuousClock.now - start < .seconds(1))
      #expect(try fleet.overrides(2).map(\.state) == ["down"])
      #expect(
        try fleet.cluster.control("get", "/azimuth/prod/v1/override/tokyo").contains("fire"))

      let races = try inParallel(3) { node in
        try fleet.say(["drain", "up", "down"][node], of: "oslo", to: node).status
      }
      // Whoever had heard of the one before did not lose.
      #expect(races.contains(201) && races.allSatisfy { [200, 201, 409].contains($0) })
      for node in 0..<3 {
        eventually("all have the same word") {
          try fleet.overrides(node).map(\.state) == fleet.overrides(0).map(\.state)
        }
        let found = try fleet.overrides(node)
        #expect(found.allSatisfy { $0.conflict == nil })
      }

      #expect(try fleet.admin(1, "DELETE", "/v1/overrides/tokyo").status == 204)
      for node in 0..<3 {
        eventually("node \(node) follows") { fleet.answer(of: node) == "192.0.2.1" }
      }
      #expect(try fleet.admin(2, "DELETE", "/v1/overrides/tokyo").status == 404)
    }

    @Test(.timeLimit(.minutes(5)))
    func `are taken without the store, and merged to the safer word when it is back`() throws {
      let fleet = try FleetNodes(nodes: 3, global: global)
      defer { fleet.stop() }
      #expect(try fleet.say("down", of: "lima", to: 2).status == 201)
      for node in 0..<3 {
        eventually("node \(node) knows") { try fleet.overrides(node).map(\.target) == ["lima"] }
      }
      fleet.loseStore()
      let drain = try fleet.say("down", of: "tokyo", to: 0)
      #expect(drain.status == 201, "\(drain.text)")
      #expect(try drain.decoded(as: Report.self).localOnly == true)
      #expect(try fleet.say("up", of: "tokyo", to: 1).status == 201)
      #expect(fleet.answer(of: 0) == "192.0.2.2")
      #expect(fleet.answer(of: 1) == "192.0.2.1" && fleet.answer(of: 2) == "192.0.2.1")
      #expect(try fleet.admin(1, "DELETE", "/v1/overrides/lima").status == 204)
      // Not even a restart loses what was said.
      fleet.end(0)
      try fleet.serve(0)
      eventually("node 0 again", within: .seconds(30)) { fleet.answer(of: 0) == "192.0.2.2" }

      try fleet.healStore()
      for node in 0..<3 {
        eventually("node \(node) has the safer word", within: .seconds(30)) {
          fleet.answer(of: node) == "192.0.2.2"
        }
        eventually("node \(node) shows the conflict") {
          let found = try fleet.overrides(node)
          return found.map(\.target) == ["tokyo"]
            && found.first?.conflict?.map(\.state) == ["down", "up"]
            && found.first?.localOnly == false
        }
        eventually("the metric") { fleet.metric(node, "azimuth_override_conflicts") == "1" }
      }
      let list = try fleet.admin(2, "GET", "/v1/conflicts").text
      #expect(list.contains("edge-1") && list.contains("edge-2"), "\(list)")
      #expect(try fleet.admin(2, "POST", "/v1/conflicts/tokyo/acknowledge").status == 200)
      for node in 0..<3 {
        eventually("no conflict") { fleet.metric(node, "azimuth_override_conflicts") == "0" }
        #expect(fleet.answer(of: node) == "192.0.2.2")
      }
      #expect(try fleet.admin(2, "POST", "/v1/conflicts/tokyo/acknowledge").status == 404)
    }
  }
}
