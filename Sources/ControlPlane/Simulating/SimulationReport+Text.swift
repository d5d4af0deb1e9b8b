extension SimulationReport {
  /// The report for people.
  package var text: String {
    var lines = [
      "scenario    \(scenario.joined(separator: "; "))",
      "population  \(grouped(weight)) at \(grouped(Double(clients))) addresses: \(populationSource)",
    ]
    if unplacedWeight >= 1 {
      lines.append("            \(grouped(unplacedWeight)) more live where the geodata know nobody")
    }
    for service in services { lines += ["", service.text] }
    if !capacities.isEmpty {
      lines += ["", "capacities, in connections a second"] + capacities.map(\.text)
    }
    lines += ["", "IP Geolocation by DB-IP (https://db-ip.com)", ""]
    return lines.joined(separator: "\n")
  }
}

extension SimulationReport.Service {
  fileprivate var text: String {
    var lines = ["service \(name): \(percent(movedShare)) of the clients move"]
    var rows = regions.filter { $0.loadBefore > 0 || $0.loadAfter > 0 }
    if refused.loadBefore > 0 || refused.loadAfter > 0 { rows.append(refused) }
    let width = max(rows.map(\.name.count).max() ?? 0, 8)
    let head = "  " + "".paddedRight(to: width) + "before".paddedLeft(to: 9)
    lines.append(
      head + "after".paddedLeft(to: 9) + "load before".paddedLeft(to: 16)
        + "load after".paddedLeft(to: 16) + "change".paddedLeft(to: 17))
    lines += rows.map { $0.text(width: width) }
    if let latencyBefore, let latencyAfter {
      lines.append(
        "  latency   median \(tenths(latencyBefore.medianMilliseconds)) → "
          + "\(tenths(latencyAfter.medianMilliseconds)) ms, p95 "
          + "\(tenths(latencyBefore.p95Milliseconds)) → \(tenths(latencyAfter.p95Milliseconds)) ms")
    }
    if healthIgnoredBefore > 0 || healthIgnoredAfter > 0 {
      lines.append(
        "  served though nothing is usable: \(percent(healthIgnoredBefore)) → "
          + percent(healthIgnoredAfter))
    }
    lines += flows.prefix(12).map {
      "  \($0.from) → \($0.to): \(percent($0.share)), \(grouped($0.load))"
    }
    if flows.count > 12 { lines.append("  and \(flows.count - 12) smaller flows") }
    lines += fences.map(\.text)
    return lines.joined(separator: "\n")
  }
}

extension SimulationReport.Capacity {
  fileprivate var text: String {
    let state =
      if isExceededAfter {
        "EXCEEDED: there is no room elsewhere"
      } else if loadAfter < 0.5 {
        "nobody goes there"
      } else if openingAfter < 1 {
        "full, the rest goes elsewhere"
      } else {
        "open"
      }
    return "  \(region) of \(grouped(connectionsPerSecond)): "
      + "\(grouped(loadBefore)) → \(grouped(loadAfter)), \(state)"
  }
}

extension SimulationReport.Region {
  fileprivate func text(width: Int) -> String {
    let change = loadAfter - loadBefore
    let sign = change >= 0.5 ? "+" : ""
    return "  " + name.paddedRight(to: width) + percent(shareBefore).paddedLeft(to: 9)
      + percent(shareAfter).paddedLeft(to: 9) + grouped(loadBefore).paddedLeft(to: 16)
      + grouped(loadAfter).paddedLeft(to: 16) + "\(sign)\(grouped(change))".paddedLeft(to: 17)
  }
}

extension SimulationReport.Fence {
  fileprivate var text: String {
    "  fence \(name): \(grouped(weight)) clients, \(grouped(movedWeight)) move inside it, refused "
      + "\(grouped(refusedBefore)) → \(grouped(refusedAfter))"
  }
}
