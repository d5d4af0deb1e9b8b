import Admin
import Foundation
import Latency
import Learning
import Places

/// For `GET /v1/latency`; nil where no policy asks for latencies.
func latencyReport(
  _ latencies: LatencyKeeper, _ shared: FleetLatencies?, of client: ClientAddress?, nodeID: String
) async -> LatencyReport? {
  guard let networks = await latencies.networkCount else { return nil }
  let now = Date.now.timeIntervalSince1970
  let nodes = await latencies.words.sorted { $0.key < $1.key }.map { node, word in
    LatencyReport.Node(
      node: node, regions: word.regions, figures: word.cells.count,
      ageSeconds: max(0, (now - Double(word.writtenAt)).rounded()))
  }
  var report = LatencyReport(
    networks: networks, isShared: shared != nil, nodes: nodes,
    malformed: await shared?.malformed.sorted() ?? [], client: nil)
  if let client { report.client = await clientReport(latencies, client, nodeID: nodeID) }
  return report
}

private func clientReport(
  _ latencies: LatencyKeeper, _ client: ClientAddress, nodeID: String
) async -> LatencyReport.Client {
  let network = LatencyNetwork(of: client)
  let sources = await latencies.sources(of: network, node: nodeID)
  let regions = await latencies.estimates(of: client).map { name, estimate in
    LatencyReport.Region(
      region: name, milliseconds: rounded(estimate.milliseconds, 10),
      basis: estimate.basis.name, confidence: rounded(estimate.confidence, 100),
      sources: sources.filter { $0.region == name }.map {
        LatencyReport.Source(
          node: $0.node, milliseconds: rounded($0.milliseconds, 10),
          samples: rounded($0.samples, 10), ageSeconds: $0.age.map { Double($0) })
      })
  }
  return LatencyReport.Client(network: network.prefix.description, regions: regions)
}

private func rounded(_ value: Double, _ parts: Double) -> Double {
  (value * parts).rounded() / parts
}
