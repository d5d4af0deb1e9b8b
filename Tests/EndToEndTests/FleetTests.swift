import Foundation
import Glibc
import Synchronization
import TestSupport
import Testing

extension EndToEndWaiting {
  @Suite(.enabled(if: EtcdCluster.isInstalled)) struct `A node of a fleet` {
    @Test func `takes its layers from the store within a second, and changes with them`() throws {
      let fleet = try Fleet()
      defer { fleet.stop() }
      let node = fleet.nodes[0]
      #expect(node.answer == "192.0.2.1")
      fleet.say("region/tokyo", "policies: {near: {order: [oslo, tokyo, lima]}}")
      let taken = eventually("the region's layer") { node.answer == "192.0.2.2" }
      #expect(taken < .seconds(1))
      fleet.say("node/edge-1", "policies: {near: {order: [lima, oslo, tokyo]}}")
      eventually("the node's layer") { node.answer == "192.0.2.3" }
      fleet.say("node/edge-2", "policies: {near: {order: [tokyo, oslo, lima]}}")
      eventually("the heartbeat") { node.metric("azimuth_engine_watch_lag_seconds") != nil }
      #expect(node.answer == "192.0.2.3")
      #expect(node.metric("azimuth_config_valid") == "1")
      #expect(node.metric("azimuth_engine_connected") == "1")
      let key = try fleet.cluster.control("get", "/azimuth/prod/v1/node/edge-1")
      #expect(key.contains("\"valid\":true"))
    }

    @Test func `goes on with the last good configuration when the store is poisoned or emptied`()
      throws
    {
      let fleet = try Fleet()
      defer { fleet.stop() }
      let node = fleet.nodes[0]
      #expect(node.answer == "192.0.2.1")
      fleet.say("node/edge-1", "policies: {near: {oder: [oslo]}}")
      eventually("the refusal") { node.metric("azimuth_config_valid") == "0" }
      #expect(node.answer == "192.0.2.1" && node.readiness == 200)
      eventually("that it is said") {
        node.log.contains(
          "/azimuth/prod/v1/config/node/edge-1:1: policies.near.oder: unknown key")
      }
      fleet.say("node/edge-1", "{}")
      eventually("a good one again") { node.metric("azimuth_config_valid") == "1" }
      try fleet.cluster.control("del", "--prefix", "/azimuth/prod/v1/config/")
      eventually("the refusal") { node.metric("azimuth_config_valid") == "0" }
      #expect(node.answer == "192.0.2.1" && node.readiness == 200)
      // Not by a restart either.
      node.end()
      try node.serve()
      eventually("an answer") { node.answer == "192.0.2.1" }
    }

    @Test func `holds back what takes too much away until an operator confirms it`() throws {
      let fleet = try Fleet()
      defer { fleet.stop() }
      let node = fleet.nodes[0]
      #expect(node.answer == "192.0.2.1")
      let lima = Fleet.global
        .replacing("oslo: {}, ", with: "")
        .replacing("tokyo: [\"192.0.2.1:80\"], oslo: [\"192.0.2.2:80\"], ", with: "")
        .replacing("[tokyo, oslo, lima]", with: "[lima]")
      fleet.say("global", lima)
      eventually("the refusal") { node.metric("azimuth_config_valid") == "0" }
      #expect(node.answer == "192.0.2.1")
      #expect(node.log.contains("would take away 2 of 3 endpoints"))
      #expect(try node.admin("POST", "/v1/reload?force=true").status == 200)
      eventually("what was confirmed") { node.answer == "192.0.2.3" }
      #expect(node.metric("azimuth_config_valid") == "1")
    }

    @Test(.timeLimit(.minutes(20)))
    func `answers on without two of three members, and heals without a restart`() throws {
      let fleet = try Fleet(members: 3)
      defer { fleet.stop() }
      let node = fleet.nodes[0]
      let load = try node.load(expecting: "192.0.2.1")
      fleet.cluster.kill(member: 1)
      fleet.cluster.kill(member: 2)
      eventually("that it is noticed", within: .seconds(30)) {
        node.metric("azimuth_engine_connected") == "0"
      }
      // A second is some 10,000 questions; ten minutes are AZIMUTH_LOST_SECONDS=600.
      let questions = load.count + 10_000 * rounds("AZIMUTH_LOST_SECONDS", otherwise: 5)
      eventually("the questions", within: .seconds(1200)) { load.count >= questions }
      #expect(node.readiness == 200)
      expectNoFailure(of: [load])
      try fleet.cluster.start(1)
      try fleet.cluster.start(2)
      fleet.say("global", Fleet.global.replacing("[tokyo, oslo", with: "[oslo, tokyo"))
      eventually("the healing", within: .seconds(30)) { node.answer == "192.0.2.2" }
    }

    @Test func `starts without the store from what that last said`() throws {
      let fleet = try Fleet()
      defer { fleet.stop() }
      let node = fleet.nodes[0]
      #expect(node.answer == "192.0.2.1")
      node.end()
      fleet.cluster.kill(member: 0)
      try node.serve()
      eventually("an answer") { node.answer == "192.0.2.1" }
      eventually("that its age is said") { node.log.contains("age_seconds") == true }
      #expect(node.metric("azimuth_engine_connected") == "0")
      try fleet.cluster.start(0)
      eventually("the store", within: .seconds(30)) {
        node.metric("azimuth_engine_verified") == "1"
      }
    }

    @Test func `starts without the store from its own file, if that is enough`() throws {
      let fleet = try Fleet(global: nil, own: { _ in Fleet.global }, isServing: false)
      defer { fleet.stop() }
      let node = fleet.nodes[0]
      fleet.cluster.kill(member: 0)
      try node.serve()
      eventually("an answer") { node.answer == "192.0.2.1" }
      try fleet.cluster.start(0)
      fleet.say("global", "policies: {near: {order: [oslo, tokyo, lima]}}")
      eventually("the store's word", within: .seconds(30)) { node.answer == "192.0.2.2" }
    }

    @Test func `waits for the store where there is nothing else, and neither ends nor answers`()
      throws
    {
      let fleet = try Fleet(global: nil, isServing: false)
      defer { fleet.stop() }
      let node = fleet.nodes[0]
      fleet.cluster.kill(member: 0)
      try node.serve()
      eventually("that it says so") {
        node.log.contains("nothing to serve yet")
      }
      eventually("that it says so to who asks") { node.readiness == 503 }
      #expect(try node.admin("GET", "/livez").status == 200)
      #expect(node.process?.isRunning == true && node.answer == nil)
      try fleet.cluster.start(0)
      fleet.say("global", Fleet.global)
      eventually("an answer", within: .seconds(30)) { node.answer == "192.0.2.1" }
      eventually("that it is ready") { node.readiness == 200 }
    }
  }
}
