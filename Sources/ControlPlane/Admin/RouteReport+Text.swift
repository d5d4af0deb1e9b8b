extension RouteReport {
  /// The report for people: what the client gets, who it is, the candidates, the steps.
  package var text: String {
    var lines = [headline, ""]
    lines.append("client      \(client.place.text)")
    lines.append("            cohort \(client.cohort), decided on \(client.source)")
    if !client.fences.isEmpty {
      lines.append("fences      \(client.fences.joined(separator: ", "))")
    }
    lines.append("service     \(service), edition \(edition), revision \(revision)")
    lines.append("outcome     \(outcomeText)")
    if let primary {
      lines.append("primary     \(primary.region), epoch \(primary.epoch), \(primary.state)")
    }
    if let home { lines.append("home        \(home.text)") }
    if let targets = outcome.targets {
      lines.append("names       \(targets.joined(separator: " "))")
    }
    lines += (outcome.endpoints ?? []).map { "endpoint    \($0.text)" }
    lines += (outcome.bindings ?? []).map { "binding     \($0)" }
    lines += ["", "candidates"] + candidateLines + ["", "steps"]
    lines += zip(1..., steps).map { "  \($0). \($1)" }
    lines += ["", attribution, ""]
    return lines.joined(separator: "\n")
  }

  private var headline: String {
    let asked = serverName.map { " for \($0)" } ?? ""
    let what = name.map { "\($0) \(type ?? "")" } ?? "listener \(listener ?? "")\(asked)"
    let regions = outcome.regions.isEmpty ? outcome.kind : outcome.regions.joined(separator: ", ")
    let addresses =
      outcome.addresses.isEmpty ? "no address" : outcome.addresses.joined(separator: " ")
    let names = outcome.targets?.joined(separator: " ")
    // A CNAME is all that is answered; of an alias the addresses are.
    let answer = outcome.addresses.isEmpty ? names ?? addresses : addresses
    return "\(ip) → \(what) → \(regions) (\(answer))"
  }

  private var outcomeText: String {
    let lifetime = ttl.map { ", TTL \($0) s" } ?? ""
    return "\(outcome.kind), basis \(outcome.basis), scope /\(scope)\(lifetime)"
  }

  private var candidateLines: [String] {
    if candidates.isEmpty { return ["  none"] }
    let nameWidth = candidates.map(\.region.count).max() ?? 0
    return candidates.map { candidate in
      let distance = candidate.distanceKilometres.map { "\(Int($0.rounded())) km" } ?? "– km"
      let latency = candidate.latencyMilliseconds.map { "\(Int($0.rounded())) ms" } ?? "– ms"
      let health =
        "\(candidate.health) \(candidate.healthyEndpoints)/\(candidate.endpoints)"
      return "\(candidate.chosen ? "▶" : " ") "
        + candidate.region.paddedRight(to: nameWidth) + distance.paddedLeft(to: 10)
        + latency.paddedLeft(to: 8) + basis(of: candidate) + "  " + health.paddedRight(to: 14)
        + candidate.reason
    }
  }
}

/// ` (network)` where the latency was measured.
private func basis(of candidate: RouteReport.Candidate) -> String {
  guard let basis = candidate.latencyBasis, basis != "distance" else { return "" }
  return " (\(basis))"
}

extension RouteReport.Place {
  /// `Tokyo, JP-13, JP, AS, AS2500 at 35.68,139.69 ± 20 km`.
  package var text: String {
    var parts = [city, subdivision ?? country, continent].compactMap(\.self)
    if let asn { parts.append("AS\(asn)") }
    if europeanUnion { parts.append("European Union") }
    guard !parts.isEmpty || latitude != nil else { return "nothing is known of this address" }
    var text = parts.joined(separator: ", ")
    if let latitude, let longitude { text += " at \(latitude),\(longitude)" }
    if let accuracyRadiusKilometres { text += " ± \(accuracyRadiusKilometres) km" }
    return text
  }
}

extension String {
  fileprivate func paddedRight(to width: Int) -> String {
    self + String(repeating: " ", count: max(1, width + 1 - count))
  }

  fileprivate func paddedLeft(to width: Int) -> String {
    String(repeating: " ", count: max(1, width - count)) + self
  }
}
