import Foundation
import TestSupport
import Testing

private struct Primary: Decodable, Equatable {
  var region: String
  var epoch: UInt64
  var frozen: Bool
  var unreplicated: Bool
}

private struct Primaries: Decodable { var primaries: [Primary] }

/// Three regions of which one has all clients. Operators say which are down.
private final class LedgerFleet {
  let fleet: Fleet
  var nodes: [FleetNode] { fleet.nodes }

  init(more: String = "") throws {
    fleet = try Fleet(
      members: 3, nodes: ["edge-1": "tokyo", "edge-2": "tokyo", "edge-3": "tokyo"],
      global: """
        regions: {tokyo: {}, oslo: {}, lima: {}}
        pools:
          web:
            endpoints: {tokyo: ["192.0.2.1:80"], oslo: ["192.0.2.2:80"], lima: ["192.0.2.3:80"]}
        policies:
          one: {type: primary, order: [tokyo, oslo, lima], fail_hold: 500ms\(more)}
        services: {ledger: {pool: web, policy: one}}
        zones:
          example.org:
            soa: {primary: ns1, serial: 1}
            ns: [ns1]
            steered: {ledger: ledger}
            records: ["ns1 A 192.0.2.9"]
        """)
  }

  func stop() { fleet.stop() }

  func primary(_ node: Int) throws -> Primary {
    let list = try nodes[node].admin("GET", "/v1/primaries").decoded(as: Primaries.self)
    return try #require(list.primaries.first)
  }

  func promote(_ region: String, on node: Int) throws -> HTTPConnection.Response {
    try nodes[node].admin(
      "POST", "/v1/primaries/ledger/promote", #"{"region": "\#(region)"}"#)
  }

  /// Takes a region out, on all nodes or on one alone.
  func down(_ region: String, on node: Int = 0) throws -> Int {
    try nodes[node].admin(
      "PUT", "/v1/overrides/\(region)",
      #"{"state": "down", "reason": "fire"}"#
    ).status
  }

  /// The epoch that all nodes have; waits until it is one.
  func settled() -> Primary? {
    var found: Primary?
    eventually("one primary", within: .seconds(30)) {
      let all = try (0..<3).map { try self.primary($0) }
      guard all[0].epoch > 0, all.allSatisfy({ $0 == all[0] }) else { return false }
      found = all[0]
      return true
    }
    return found
  }
}

extension EndToEndWaiting {
  @Suite(.enabled(if: EtcdCluster.isInstalled)) struct `The primary of a fleet` {
    @Test(.timeLimit(.minutes(5)))
    func `is one for all nodes: of two promotions one wins, and a failure moves all`() throws {
      let world = try LedgerFleet()
      defer { world.stop() }
      let first = try #require(world.settled())
      #expect(first.region == "tokyo" && first.epoch > 1_700_000_000 && !first.frozen)

      // Two operators who have seen the same epoch.
      let asked = [("oslo", 0), ("lima", 1)]
      let nodes = world.nodes
      let statuses = try inParallel(2) { index in
        try nodes[asked[index].1].admin(
          "POST", "/v1/primaries/ledger/promote",
          #"{"region": "\#(asked[index].0)", "epoch": \#(first.epoch)}"#)
      }
      #expect(statuses.map(\.status).sorted() == [200, 409], "\(statuses.map(\.text))")
      let start = ContinuousClock.now
      let second = try #require(world.settled())
      #expect(ContinuousClock.now - start < .seconds(1))
      let winner = statuses[0].status == 200 ? "oslo" : "lima"
      #expect(second.region == winner && second.epoch == first.epoch + 1)
      let loser = statuses.first { $0.status == 409 }?.text ?? ""
      #expect(loser.contains(winner) || loser.contains("\(second.epoch)"), "\(loser)")

      // All find it down, and would have another; one of them writes that.
      #expect(try world.down(winner, on: 2) == 201)
      eventually("the failover") { try world.primary(0).epoch == second.epoch + 1 }
      let third = try #require(world.settled())
      #expect(third.region == "tokyo" && third.epoch == second.epoch + 1)
      for node in 0..<3 {
        #expect(world.nodes[node].answer("ledger.example.org") == "192.0.2.1")
      }
      let key = try world.fleet.cluster.control("get", "/azimuth/prod/v1/primary/ledger")
      #expect(key.contains("\(third.epoch)"), "\(key)")

      // A restart does not know less.
      world.nodes[1].end()
      try world.nodes[1].serve()
      #expect(world.settled() == third)
    }

    @Test(.timeLimit(.minutes(5)))
    func `stays as it is without the store, and moves when that is back`() throws {
      let world = try LedgerFleet()
      defer { world.stop() }
      let first = try #require(world.settled())
      world.fleet.loseStore()
      eventually("it is frozen") { try world.primary(0).frozen }
      #expect(try world.down("tokyo") == 201)
      let refused = try world.promote("oslo", on: 1)
      #expect(refused.status == 503, "\(refused.text)")
      // Its clients have nobody, for longer than what a failover would take.
      eventually("it is down") { world.nodes[0].answer("ledger.example.org") == nil }
      let start = ContinuousClock.now
      eventually("fail_hold is over") { ContinuousClock.now - start > .seconds(2) }
      for node in 0..<3 {
        let primary = try world.primary(node)
        #expect(primary.epoch == first.epoch && primary.region == "tokyo")
      }
      try world.fleet.healStore()
      eventually("the failover", within: .seconds(30)) {
        try (0..<3).allSatisfy { try world.primary($0).epoch > first.epoch }
      }
      let second = try #require(world.settled())
      #expect(second.region == "oslo" && second.epoch == first.epoch + 1)
    }

    @Test(.timeLimit(.minutes(5)))
    func `is chosen by each node for itself where the policy allows it, and the fleet's stays`()
      throws
    {
      let world = try LedgerFleet(more: ", on_store_loss: local_promote")
      defer { world.stop() }
      let first = try #require(world.settled())
      world.fleet.loseStore()
      eventually("it is frozen") { try world.primary(1).frozen }
      #expect(try world.promote("oslo", on: 1).status == 200)
      let alone = try world.primary(1)
      #expect(alone.region == "oslo" && alone.unreplicated)
      #expect(try world.primary(0).region == "tokyo")
      try world.fleet.healStore()
      eventually("a new epoch", within: .seconds(30)) {
        try (0..<3).allSatisfy { try world.primary($0).epoch > alone.epoch }
      }
      let second = try #require(world.settled())
      #expect(second.region == "tokyo" && !second.unreplicated && second.epoch > first.epoch + 1)
      #expect(world.nodes[1].metric("azimuth_primary_conflicts_total") == "1")
      #expect(world.nodes[1].log.contains("two primaries were chosen"))
    }
  }
}
