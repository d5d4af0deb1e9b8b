import Announcing
package import Editions
import FoundationEssentials
package import Places
import Routing

/// A line of the decision log: one decision, explained from the edition that it was made from.
package struct DecisionLine: Sendable, Equatable, Encodable {
  package struct Candidate: Sendable, Equatable, Encodable {
    package var region: String
    package var health: String
    package var reason: String
  }

  var time: Timestamp
  /// `dns` or `proxy`.
  package var kind: String
  /// The /24 or /56 that the client stands in: no more of an address than is needed.
  package var client: String
  package var name: String?
  package var type: String?
  package var listener: String?
  package var serverName: String?
  package var service: String
  package var policy: String
  /// The first of ``regions``; nil where the client is refused.
  package var region: String?
  package var regions: [String]
  /// `serve`, `fail` or `nodata`.
  package var outcome: String
  package var basis: String
  /// Why the region, or why none.
  package var reason: String
  package var candidates: [Candidate]
  /// The fences that the client stands in; none: it may go anywhere.
  package var fences: [String]
  package var scope: Int
  package var edition: UInt64
  package var revision: UInt64

  /// nil if the edition has no such service.
  ///
  /// - Parameters:
  ///   - seconds: since 1970, when it was decided.
  ///   - key: that has chosen the service; nil: none has.
  ///   - type: of the query, as people write it.
  package init?(
    edition: Edition, client: IPAddress, service: Int, question: RouteReport.Question,
    key: RoutedKey? = nil, type: String?, seconds: Double
  ) {
    guard edition.model.services.indices.contains(service),
      let report = RouteReport(
        edition: edition, address: client, service: service, question: question, key: key)
    else { return nil }
    time = Timestamp(seconds: seconds)
    kind = report.listener == nil ? "dns" : "proxy"
    self.client = network(of: client).description
    name = report.name
    self.type = type
    listener = report.listener
    serverName = report.serverName
    self.service = report.service
    policy = edition.model.services[service].policyName
    region = report.outcome.regions.first
    regions = report.outcome.regions
    outcome = report.outcome.kind
    basis = report.outcome.basis
    reason =
      report.candidates.first { $0.region == report.outcome.regions.first }?.reason
      ?? report.steps.last ?? report.outcome.basis
    candidates = report.candidates.map {
      Candidate(region: $0.region, health: $0.health, reason: $0.reason)
    }
    fences = report.client.fences
    scope = report.scope
    self.edition = report.edition
    revision = report.revision
  }

  /// One line of JSON with its end.
  package func text() throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return try Array(encoder.encode(self)) + [UInt8(ascii: "\n")]
  }
}

private func network(of address: IPAddress) -> AddressPrefix {
  switch address {
  case .ipv4(let bits): AddressPrefix(ipv4: bits, length: 24)
  case .ipv6(let bits): AddressPrefix(ipv6: bits, length: 56)
  }
}
