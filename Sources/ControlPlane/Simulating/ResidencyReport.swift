/// What an audit of the fences has found: the evidence, fence by fence.
package struct ResidencyReport: Sendable, Codable {
  package struct Fence: Sendable, Codable {
    package var name: String
    package var whenEmpty: String
    package var services: [String]
    package var regionsInside: [String]
    /// Over all services' maps.
    package var cohorts: Int
    /// Neighbouring addresses in one place that stand in the fence.
    package var prefixes: Int
    package var ipv4Addresses: UInt64
    /// /48s, to the nearest.
    package var ipv6Networks: Double
    package var people: Double
    /// Cohorts × failures × services that were decided.
    package var choices: Int
    /// Of them, those that were compiled: the others are the same to a cohort, because they differ
    /// only in regions that do not matter to it.
    package var distinctChoices: Int
    /// Of all choices, those that come to no region.
    package var refused: Int
    /// The first of them.
    package var violations: [Violation]
    package var violationCount: Int
  }

  package struct Violation: Sendable, Codable, Equatable {
    package var service: String
    /// A client of the cohort.
    package var address: String
    /// Regions outside the fence.
    package var reached: [String]
    package var failed: [String]
    package var manner: String
  }

  package var regions: Int
  package var largestFailure: Int
  /// Boards that were tried, for each service.
  package var failures: Int
  package var populationSource: String
  package var fences: [Fence]

  package var isProven: Bool { fences.allSatisfy { $0.violationCount == 0 } }

  package var text: String {
    var lines = [
      "\(failures) states of \(regions) regions: every subset of up to \(largestFailure) failed, all "
        + "inside each fence, and all,",
      "each unhealthy, unhealthy with all others up, down, and drained.",
    ]
    for fence in fences { lines += ["", fence.text] }
    if fences.isEmpty { lines += ["", "The configuration has no fence."] }
    let count = fences.reduce(0) { $0 + $1.violationCount }
    lines += [
      "", count == 0 ? "proven: no client leaves its fences" : "VIOLATED: \(count) choices",
      "", "People: \(populationSource).", "IP Geolocation by DB-IP (https://db-ip.com)", "",
    ]
    return lines.joined(separator: "\n")
  }
}

extension ResidencyReport.Fence {
  fileprivate var text: String {
    let rows = [
      ("services", services.joined(separator: ", ")),
      ("inside", regionsInside.joined(separator: ", ")),
      ("when empty", whenEmpty),
      (
        "clients",
        "\(grouped(people)) people; \(grouped(Double(ipv4Addresses))) addresses of IPv4, "
          + "\(grouped(ipv6Networks)) /48 of IPv6; \(grouped(Double(prefixes))) stretches"
      ),
      ("cohorts", "\(cohorts)"),
      (
        "decided",
        "\(grouped(Double(choices))) times: \(grouped(Double(choices - refused))) served inside, "
          + "\(grouped(Double(refused))) refused"
      ),
      ("compiled", "\(grouped(Double(distinctChoices))) times: the rest are the same to a cohort"),
      ("violations", "\(violationCount)"),
    ]
    let lines = rows.map { "  \($0.0.paddedRight(to: 12))\($0.1)" }
    return (["fence \(name)"] + lines + violations.map { "    \($0.text)" })
      .joined(separator: "\n")
  }
}

extension ResidencyReport.Violation {
  fileprivate var text: String {
    let state = failed.isEmpty ? "nothing failed" : "\(failed.joined(separator: ", ")) \(manner)"
    return
      "\(address) of service \(service) reaches \(reached.joined(separator: ", ")) with \(state)"
  }
}
