import Foundation
import Glibc
import TestSupport
import Testing

extension EndToEndWaiting {
  /// Routes by real BGP speakers to a real router. A program that is missing fails the tests.
  @Suite struct `Anycast` {
    @Test(.timeLimit(.minutes(2)), arguments: AnycastNetwork.Speaker.allCases)
    func `routes come when the node is well, and go before it does`(
      speaker: AnycastNetwork.Speaker
    ) throws {
      let network = try AnycastNetwork(speaker, anycast: "hold_up: 2s, drain: 20s, med: 7")
      defer { network.stop() }
      func wait(_ what: String, within limit: Duration = .seconds(30), isThere: Bool) -> Duration {
        eventually(what, within: limit) {
          guard try (network.route != nil) == isThere else { throw World.Ended(log: network.log) }
          return true
        }
      }
      _ = wait("a route", isThere: true)
      #expect(try network.route?.contains("via \(AnycastNetwork.nodeAddress)") == true)
      #expect(try network.med == 7)
      #expect(try network.answer(from: AnycastNetwork.address) == "203.0.113.1")

      // An operator takes the region away, and brings it back.
      try network.override(
        "PUT", #"{"state": "drain", "reason": "maintenance", "author": "me"}"#)
      _ = wait("no route while it is drained", isThere: false)
      #expect(try network.answer(from: AnycastNetwork.nodeAddress) == "203.0.113.2")
      try network.override("DELETE")
      _ = wait("a route again", isThere: true)
      // What comes between drained and announced is the gate's.
      let standings = try network.standings
      #expect(standings.prefix(2) == ["waiting→announced", "announced→drained"])
      #expect(standings.last?.hasSuffix("→announced") == true, "\(standings)")

      // Another process takes over, and nobody notices.
      let first = network.node
      try network.serve()
      eventually("the end of the first") {
        let route = try network.route
        #expect(route != nil)
        return !first.isRunning
      }
      #expect(first.status == 0, "\(first.all)")

      // It is told to end: nobody is led to it any more, and whoever still comes is answered.
      network.node.signal(SIGTERM)
      _ = wait("no route", within: .seconds(15), isThere: false)
      #expect(try network.answer(from: AnycastNetwork.nodeAddress) == "203.0.113.1")
      #expect(network.node.isRunning)
      network.node.signal(SIGINT)
      eventually("the end") { !network.node.isRunning }
      #expect(network.node.status == 0, "\(network.node.all)")

      // It is killed: its silence is enough.
      try network.serve()
      _ = wait("a route of the next one", isThere: true)
      network.node.signal(SIGKILL)
      let taken = wait("no route without a node", isThere: false)
      #expect(taken < .seconds(6), "3 s, and what a busy machine adds")

      // Whoever speaks is told to end: no route is left of it.
      try network.serve()
      _ = wait("a route of the one after", isThere: true)
      network.speaker.signal(SIGTERM)
      _ = wait("no route without a speaker", isThere: false)
      eventually("the end of the speaker") { !network.speaker.isRunning }
    }
  }
}
