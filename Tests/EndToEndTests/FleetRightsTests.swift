import Foundation
import TestSupport
import Testing

/// What an operator of the store types for a node, as docs/fleet.md shows it.
private func shownCommands(for node: String) throws -> [String] {
  let text = try String(contentsOfFile: "\(Built.root)/docs/fleet.md", encoding: .utf8)
  let block = try #require(
    text.components(separatedBy: "```").first { $0.contains("etcdctl role add edge-1") })
  return block.replacing("edge-1", with: node).split(separator: "\n").dropFirst().map(String.init)
}

/// A primary, and clients whose distance is measured.
private let global = Fleet.global
  .replacing("policies: {", with: "policies: {one: {type: primary, order: [tokyo, oslo]}, ")
  .replacing("{type: failover, order: [tokyo, oslo, lima]}", with: "{type: latency}")
  .replacing("services: {", with: "services: {ledger: {pool: web, policy: one}, ")
  .replacing("{tokyo: {}, ", with: "{tokyo: {location: [35.7, 139.7]}, ")
  .replacing("oslo: {}, ", with: "oslo: {location: [59.9, 10.7]}, ")
  .replacing("lima: {}", with: "lima: {location: [-12.0, -77.0]}")
  .appending("\nlatency: {interval: 1s}\n")

extension EndToEndWaiting {
  @Suite(.enabled(if: EtcdCluster.isInstalled)) struct `Rights of a fleet's nodes` {
    private static let password = "a-secret"

    /// As root of the store.
    private func run(_ commands: some Sequence<String>, on fleet: Fleet) throws {
      let variables = fleet.cluster.environment() + ["PASSWORD=\(Self.password)"]
      let done = try Program.shell(
        "export \(variables.joined(separator: " "))\n\(commands.joined(separator: "\n"))")
      #expect(done.status == 0, "\(done.all)")
    }

    /// As the user of a node; true: it was let.
    private func may(_ node: String, _ arguments: String, on fleet: Fleet) throws -> Bool {
      let variables = fleet.cluster.environment() + ["ETCDCTL_USER=\(node):\(Self.password)"]
      return try Program.shell(
        "export \(variables.joined(separator: " "))\netcdctl \(arguments)"
      ).status == 0
    }

    @Test(.timeLimit(.minutes(3)))
    func `are those that the guide grants, and without some of them a node follows`() throws {
      let fleet = try Fleet(
        nodes: ["edge-1": "tokyo", "edge-2": "oslo"], global: global, password: Self.password,
        isServing: false)
      defer { fleet.stop() }
      let (one, two) = (fleet.nodes[0], fleet.nodes[1])
      try fleet.cluster.demandUsers()
      let commands = try shownCommands(for: "edge-1")
      let operators = commands.filter { $0.contains("/config/") || $0.contains("/rollout/") }
      #expect(operators.count == 2 && commands.count == 11)
      try run(commands.filter { !operators.contains($0) }, on: fleet)
      // The other node reads, and no more.
      try run(
        try shownCommands(for: "edge-2").filter { !$0.contains("readwrite") }, on: fleet)
      try fleet.serve()

      // Its own keys: the store has them, with what was measured.
      let measured = """
        {"samples": [
          {"prefix": "203.0.113.0/24", "region": "tokyo", "milliseconds": 30, "samples": 30}]}
        """
      for node in fleet.nodes {
        #expect(try node.admin("POST", "/v1/latency-samples", measured).status == 200)
      }
      for key in ["node", "health", "latency"] {
        one.eventually("\(key) in the store") {
          try fleet.cluster.control("get", "/azimuth/prod/v1/\(key)/edge-1").isEmpty == false
        }
        #expect(try fleet.cluster.control("get", "/azimuth/prod/v1/\(key)/edge-2") == "")
      }

      // Overrides and promotions: the one writes them, and the other follows.
      let drain = #"{"state": "drain", "reason": "maintenance"}"#
      let oslo = #"{"region": "oslo"}"#
      #expect(try two.admin("PUT", "/v1/overrides/lima", drain).status == 503)
      #expect(try two.admin("POST", "/v1/primaries/ledger/promote", oslo).status == 503)
      #expect(try one.admin("PUT", "/v1/overrides/lima", drain).status == 201)
      let promoted = try one.admin("POST", "/v1/primaries/ledger/promote", oslo)
      #expect(promoted.status == 200, "\(promoted.text)")
      two.eventually("the override") {
        try two.admin("GET", "/v1/overrides/lima").text.contains("maintenance")
      }
      two.eventually("the primary") {
        try two.admin("GET", "/v1/primaries").text.contains("\"region\" : \"oslo\"")
      }

      // Layers, when operators may change them through this node.
      let layer = "policies: {near: {regions: [oslo, lima]}}"
      let text = { try one.admin("PUT", "/v1/config/global", $0, type: "application/yaml") }
      #expect(try text(global + "\n# as before\n").status == 403)
      try run(operators, on: fleet)
      #expect(try text(global + "\n# as before\n").status == 200)
      let rollout =
        #"{"layer": "region/tokyo", "text": "\#(layer)", "order": ["tokyo"], "#
        + #""bake": "1s", "reason": "r", "author": "a"}"#
      let begun = try one.admin("PUT", "/v1/rollout", rollout)
      #expect(begun.status == 201, "\(begun.text)")
      #expect(try two.admin("PUT", "/v1/config/node/edge-2", "{}").status == 403)

      // What is another's, and what lies beside the fleet.
      #expect(try may("edge-1", "put /azimuth/prod/v1/node/edge-1 x", on: fleet))
      for forbidden in [
        "put /azimuth/prod/v1/node/edge-2 x", "put /azimuth/prod/v1/health/edge-2 x",
        "put /azimuth/prod/v1/latency/edge-2 x", "get /azimuth/other --prefix", "user list",
      ] {
        #expect(try !may("edge-1", forbidden, on: fleet), "\(forbidden)")
      }
    }
  }
}
