import Announcing
import Counters
import Editions
import HTTPTypes
import Hummingbird
import Places
import Publishing
import Routing

extension AdminServer {
  /// `GET /metrics`, in the format that is asked for.
  func metrics(_ request: Request) async throws -> Response {
    let edition = sources.publisher.desk.take()
    var text = MetricsText(.init(AcceptHeader(request.headers[.accept])))
    let sums = sources.counters.sums()
    for (series, value) in sums { text.add(series, value) }
    let build = MetricSample(
      "azimuth_build_info",
      labels: [.init("node", sources.node.id), .init("version", sources.node.version)], value: 1)
    let samples =
      await [build] + openConnections(sums) + edition.samples + ProcessFigures.current().samples
      + sources.samples()
    for sample in samples { text.add(sample) }
    for (series, value) in await sources.counters.histograms() + sources.histograms() {
      text.add(series, value)
    }
    return Response.text(text.text, type: text.format.contentType)
  }
}

/// The proxy's connections that are open: those accepted less those closed, of the same moment.
private func openConnections(
  _ sums: [(series: CounterBoard.Series, value: UInt64)]
) -> [MetricSample] {
  var counts: [CounterBoard.Label: (accepted: UInt64, closed: UInt64)] = [:]
  for (series, value) in sums {
    guard let listener = series.labels.first(where: { $0.name == "listener" }) else { continue }
    switch series.name {
    case "azimuth_proxy_accepted_total": counts[listener, default: (0, 0)].accepted += value
    case "azimuth_proxy_closed_total": counts[listener, default: (0, 0)].closed += value
    default: continue
    }
  }
  return counts.sorted { $0.key.value < $1.key.value }.map { listener, count in
    MetricSample(
      "azimuth_proxy_connections", labels: [listener],
      value: Double(count.accepted) - Double(count.closed))
  }
}

extension Edition {
  fileprivate var samples: [MetricSample] {
    [
      MetricSample("azimuth_edition", value: Double(number)),
      MetricSample("azimuth_revision", value: Double(revision)),
      MetricSample("azimuth_ready", value: isReady ? 1 : 0),
      MetricSample("azimuth_places", value: Double(model.places.places.count)),
    ] + cohortSamples + regionSamples + endpointSamples
  }

  private var cohortSamples: [MetricSample] {
    var counts: [String: Int] = [:]
    for service in model.services {
      let count = model.maps[service.map].cohorts.count
      counts[service.policyName] = max(counts[service.policyName] ?? 0, count)
    }
    return counts.sorted { $0.key < $1.key }.map { policy, count in
      MetricSample("azimuth_cohorts", labels: [.init("policy", policy)], value: Double(count))
    }
  }

  private var regionSamples: [MetricSample] {
    let states: [Standing] = [.healthy, .degraded, .unknown, .unhealthy, .removed]
    return poolStandings.flatMap { entry in
      states.map { state in
        MetricSample(
          "azimuth_region_health",
          labels: [
            .init("region", model.regions[entry.region].name),
            .init("pool", model.pools[entry.pool].name), .init("state", state.word),
          ], value: entry.standing.standing == state ? 1 : 0)
      }
    }
  }

  private var endpointSamples: [MetricSample] {
    zip(model.endpoints, board.conditions).flatMap { endpoint, condition in
      let labels: [CounterBoard.Label] = [
        .init("region", model.regions[endpoint.region].name),
        .init("pool", model.pools[endpoint.pool].name),
        .init("address", endpoint.socket.description),
      ]
      let health = MetricSample(
        "azimuth_endpoint_healthy", labels: labels, value: condition.health == .healthy ? 1 : 0)
      guard condition.override != .auto else { return [health] }
      let override = MetricSample(
        "azimuth_endpoint_override",
        labels: labels + [.init("state", condition.override.rawValue)], value: 1)
      return [health, override]
    }
  }
}
