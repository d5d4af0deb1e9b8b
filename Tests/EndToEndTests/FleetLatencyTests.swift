import Foundation
import TestSupport
import Testing

/// By latency alone: without databases no client has a place.
private let global = Fleet.global
  .replacing(
    "{tokyo: {}, oslo: {}, lima: {}}",
    with: """
      {tokyo: {location: [35.7, 139.7]}, oslo: {location: [59.9, 10.7]}, \
      lima: {location: [-12.0, -77.0]}}
      """
  )
  .replacing(
    "{type: failover, order: [tokyo, oslo, lima]}",
    with: "{type: latency, regions: [tokyo, oslo, lima]}"
  )
  .appending("\nlatency: {interval: 1s}\n")

extension FleetNode {
  /// What clients of a network of documentation get (RFC 5737).
  fileprivate var measuredAnswer: String? {
    let client = try? DNSClient(port: ports.dns, timeoutMilliseconds: 300)
    let question = DNSQuestion("www.example.org", subnet: "203.0.113.0", bits: 24)
    return try? client?.ask(question).addresses.first
  }
}

extension EndToEndWaiting {
  @Suite(.enabled(if: EtcdCluster.isInstalled)) struct `Latencies of a fleet` {
    @Test(.timeLimit(.minutes(4)))
    func `that one node has measured move another's answers, and outlive it and the store`() throws
    {
      let fleet = try Fleet(nodes: ["edge-1": "tokyo", "edge-2": "oslo"], global: global)
      defer { fleet.stop() }
      let (one, two) = (fleet.nodes[0], fleet.nodes[1])
      #expect(two.measuredAnswer == "192.0.2.1")
      let posted = try one.admin(
        "POST", "/v1/latency-samples",
        """
        {"samples": [
          {"prefix": "203.0.113.0/24", "region": "tokyo", "milliseconds": 300, "samples": 30},
          {"prefix": "203.0.113.0/24", "region": "oslo", "milliseconds": 40, "samples": 30}
        ]}
        """)
      #expect(posted.status == 200, "\(posted.text)")
      two.eventually("that it goes by what the other has measured") {
        two.measuredAnswer == "192.0.2.2"
      }
      let report = try two.admin("GET", "/v1/latency?ip=203.0.113.9").text
      #expect(report.contains("\"node\" : \"edge-1\"") && report.contains("\"samples\" : 30"))
      #expect(two.metric("azimuth_fleet_latency_words") == "1")
      // What is malformed counts for nothing, and is counted.
      try fleet.cluster.control("put", "/azimuth/prod/v1/latency/edge-3", "azl1?")
      two.eventually("that it is counted") {
        two.metric("azimuth_fleet_latency_words_malformed") == "1"
      }
      #expect(two.measuredAnswer == "192.0.2.2")

      // The one that has measured it dies, then the store, then the memory of the other.
      one.kill()
      fleet.cluster.kill(member: 0)
      two.end()
      try two.serve()
      two.eventually("that it starts with what it had heard") { two.measuredAnswer == "192.0.2.2" }
      try fleet.cluster.start(0)
      two.eventually("the store") { two.isConnected }
      #expect(two.measuredAnswer == "192.0.2.2")
      // The word does not stand under the lease of the node's heartbeat.
      let key = try fleet.cluster.control(
        "get", "-w", "json", "/azimuth/prod/v1/latency/edge-1")
      #expect(key.contains("\"lease\""), "\(key)")
    }
  }
}
