import Foundation
import Glibc
import TestSupport
import Testing

extension FleetNode {
  /// What `azimuth fleet status` says when it asks this node.
  func status(_ arguments: String...) throws -> String {
    let admin = "http://127.0.0.1:\(ports.admin)"
    return try Program.run(["fleet", "status", "--admin", admin] + arguments).all
  }

  /// The line of a table that begins with a name.
  func line(_ name: String) throws -> String {
    try status().split(separator: "\n").first { $0.hasPrefix("\(name) ") }.map { String($0) } ?? ""
  }
}

extension EndToEndWaiting {
  @Suite(.enabled(if: EtcdCluster.isInstalled)) struct `The status of a fleet` {
    @Test func `any node says how all of them stand, and which one holds to an older word`() throws
    {
      let fleet = try Fleet(nodes: ["edge-1": "tokyo", "edge-2": "tokyo", "edge-3": "tokyo"])
      defer { fleet.stop() }
      let (one, two, three) = (fleet.nodes[0], fleet.nodes[1], fleet.nodes[2])
      eventually("all nodes", within: .seconds(20)) {
        try (1...3).allSatisfy { number in
          let line = try two.line("edge-\(number)")
          return line.contains("tokyo") && line.contains("yes") && !line.contains("STRAGGLES")
        }
      }
      #expect(try one.line("global").hasSuffix(" 3"))
      fleet.say("node/edge-2", "policies: {near: {oder: [oslo]}}")
      eventually("that the others see it", within: .seconds(20)) {
        try three.line("edge-2").contains("STRAGGLES: refuses what the store says")
      }
      #expect(try !three.line("edge-1").contains("STRAGGLES"))
      #expect(two.answer == "192.0.2.1" && two.readiness == 200)
      fleet.say("node/edge-2", "policies: {near: {order: [oslo, tokyo, lima]}}")
      eventually("that it is mended", within: .seconds(20)) {
        let line = try three.line("edge-2")
        return !line.contains("STRAGGLES") && line.contains("yes")
      }
      #expect(two.answer == "192.0.2.2" && one.answer == "192.0.2.1")
      #expect(try one.status("--output", "json").contains("\"wanted_revision\""))
      // A node that ends takes its leave: nobody waits for its lease to end.
      three.end()
      #expect(try fleet.cluster.control("get", "/azimuth/prod/v1/node/edge-3") == "")
      eventually("that the others see it") { try one.line("edge-3") == "" }
    }

    @Test func `a node that is killed is gone when its lease ends`() throws {
      let fleet = try Fleet(nodes: ["edge-1": "tokyo", "edge-2": "tokyo"])
      defer { fleet.stop() }
      let (one, two) = (fleet.nodes[0], fleet.nodes[1])
      eventually("both nodes", within: .seconds(20)) { try one.line("edge-2") != "" }
      two.kill()
      eventually("that it is gone", within: .seconds(30)) { try one.line("edge-2") == "" }
    }

    @Test func `a node of no fleet says so`() throws {
      let fleet = try Fleet(global: nil, own: { _ in Fleet.global }, isServing: false)
      defer { fleet.stop() }
      let one = fleet.nodes[0]
      let text = try String(contentsOf: one.file, encoding: .utf8)
        .split(separator: "\n").filter { !$0.hasPrefix("fleet:") }.joined(separator: "\n")
      try text.write(to: one.file, atomically: true, encoding: .utf8)
      try one.serve()
      eventually("an answer") { one.answer == "192.0.2.1" }
      #expect(try one.status().contains("in no fleet"))
    }
  }
}
