import Foundation
import TestSupport
import Testing

extension FleetNode {
  /// `azimuth fleet rollout`, asked of this node.
  fileprivate func rollout(_ arguments: String...) throws -> Program.Finished {
    try Program.shell(
      """
      export AZIMUTH_TOKEN=\(Self.token)
      azimuth fleet rollout \(arguments.joined(separator: " ")) \
        --admin http://127.0.0.1:\(ports.admin)
      """)
  }

  fileprivate struct Standing: Decodable {
    struct Word: Decodable { var reason: String }
    var state: String
    var step: Int
    var last: Word?
  }

  /// nil: there is no rollout.
  fileprivate var standing: Standing? {
    get throws {
      let reply = try admin("GET", "/v1/rollout")
      return reply.status == 404 ? nil : try reply.decoded(as: Standing.self)
    }
  }
}

extension EndToEndWaiting {
  @Suite(.enabled(if: EtcdCluster.isInstalled)) struct `A rollout in a fleet` {
    private static let other = Fleet.global.replacing(
      "order: [tokyo, oslo, lima]", with: "order: [lima, oslo, tokyo]")
    /// Nobody may go to any region that the policy names, so nobody gets an answer.
    private static let harmful =
      Fleet.global
      .replacing("lima: {}}", with: "lima: {tags: [far]}}")
      .replacing("order: [tokyo, oslo, lima]", with: "order: [tokyo, oslo]")
      + "\nfences: {all: {clients: {prefix: 0.0.0.0/0}, regions: {tags: [far]}, when_empty: refuse}}"

    private static func write(_ text: String) throws -> String {
      let file = try temporaryFolder().appending(path: "next.yaml")
      try text.write(to: file, atomically: true, encoding: .utf8)
      return file.path
    }

    @Test(.timeLimit(.minutes(4)))
    func `brings a good text to one region after the other, and a harmful one no further than one`()
      throws
    {
      let fleet = try Fleet(nodes: ["t": "tokyo", "o": "oslo", "l": "lima"])
      defer { fleet.stop() }
      let (tokyo, oslo, lima) = (fleet.nodes[0], fleet.nodes[1], fleet.nodes[2])
      for node in fleet.nodes { #expect(node.answer == "192.0.2.1") }
      let order = "--order tokyo,oslo,lima --bake 2s"
      let other = try Self.write(Self.other)
      lima.eventually("that all have said that they serve") {
        let tried = try lima.rollout("start", other, order, "--reason r --dry-run")
        return tried.status == 0 && tried.all.contains("\"dry_run\" : true")
      }
      // What nodes would refuse is refused, and a region without nodes.
      let bad = try Self.write(Fleet.global.replacing("order:", with: "oder:"))
      for (file, order, fault) in [
        (bad, order, "unknown key"), (other, "--order tokyo,bergen", "no node of bergen lives"),
        (other, "--order tokyo", "leaves out lima, oslo"),
      ] {
        let refused = try lima.rollout("start", file, order, "--reason r")
        #expect(refused.status == 1 && refused.all.contains(fault), "\(refused.all)")
      }
      #expect(try lima.standing == nil && tokyo.answer == "192.0.2.1")

      let begun = try lima.rollout("start", other, order, "--reason 'a new order'")
      #expect(begun.status == 0 && begun.all.contains("policies.near.order"), "\(begun.all)")
      tokyo.eventually("the text") { tokyo.answer == "192.0.2.3" }
      #expect(oslo.answer == "192.0.2.1" && lima.answer == "192.0.2.1")
      // Nobody else changes the layer, nor begins another one; other layers are as ever.
      let layer = try oslo.admin("PUT", "/v1/config/global", Self.other, type: "application/yaml")
      #expect(layer.status == 409, "\(layer.text)")
      #expect(try oslo.rollout("start", other, order, "--reason again").status == 1)
      let node = try oslo.admin("PUT", "/v1/config/node/x", "{}", type: "application/yaml")
      #expect(node.status == 201, "\(node.text)")
      oslo.eventually("the text") { oslo.answer == "192.0.2.3" }
      #expect(tokyo.answer == "192.0.2.3" && lima.answer == "192.0.2.1")
      lima.eventually("the text") { lima.answer == "192.0.2.3" }
      tokyo.eventually("the end") { try tokyo.standing == nil }
      #expect(try tokyo.admin("GET", "/v1/config/global").text == Self.other)
      #expect(tokyo.log.contains("rollout finished"))

      let loads = try [oslo, lima].map { try $0.load(expecting: "192.0.2.3") }
      let harmful = try lima.rollout(
        "start", try Self.write(Self.harmful), "--order tokyo,oslo+lima --bake 30s",
        "--reason 'a fence'")
      #expect(harmful.status == 0, "\(harmful.all)")
      tokyo.eventually("the stop") {
        // Clients of Tokyo ask, and are refused.
        for _ in 0..<20 { _ = tokyo.answer }
        return try oslo.standing?.state == "stopped"
      }
      let reason = try oslo.standing?.last?.reason ?? ""
      #expect(reason.hasPrefix("t of tokyo fails"), "\(reason)")
      tokyo.eventually("the way back") { tokyo.answer == "192.0.2.3" }
      for load in loads {
        let failures = load.stop().compactMap(\.failure)
        #expect(failures.isEmpty, "\(failures.prefix(3))")
      }
      #expect(try oslo.rollout("status").all.contains("STOPPED"))
      #expect(try oslo.rollout("abandon", "--reason 'not good'").status == 0)
      oslo.eventually("the end") { try oslo.standing == nil }
      #expect(try oslo.admin("GET", "/v1/config/global").text == Self.other)
    }
  }
}
