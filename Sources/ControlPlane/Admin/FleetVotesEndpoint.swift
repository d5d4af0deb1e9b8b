import Hummingbird

/// Who says what of each endpoint in the fleet, and what that comes to on this node.
package struct FleetVotesReport: Sendable, Equatable, Encodable {
  package struct Vote: Sendable, Equatable, Encodable {
    package var node: String
    package var region: String
    /// What the node says of other regions counts for nothing.
    package var isIsolated: Bool
    package var health: String
    /// Seconds since 1970; 0: from the first.
    package var since: Double
    /// Percent of its weight that the endpoint asks for.
    package var share: Int
    /// Of its checks, smoothed; nil: none has succeeded.
    package var roundTripMilliseconds: Double?

    package init(
      node: String, region: String, isIsolated: Bool, health: String, since: Double, share: Int,
      roundTripMilliseconds: Double?
    ) {
      self.node = node
      self.region = region
      self.isIsolated = isIsolated
      self.health = health
      self.since = since
      self.share = share
      self.roundTripMilliseconds = roundTripMilliseconds
    }

    private enum CodingKeys: String, CodingKey {
      case node, region, health, since, share
      case isIsolated = "isolated"
      case roundTripMilliseconds = "round_trip_ms"
    }
  }

  package struct Endpoint: Sendable, Equatable, Encodable {
    package var id: String
    package var region: String
    /// What counts on this node, before an operator's word.
    package var health: String
    /// Why: `own_region`, `regions`, `local` or `kept`; nil: nothing is known yet.
    package var basis: String?
    /// Of so many whose word counted…
    package var voices: Int
    /// …so many found it down.
    package var voicesDown: Int
    package var votes: [Vote]

    package init(
      id: String, region: String, health: String, basis: String?, voices: Int, voicesDown: Int,
      votes: [Vote]
    ) {
      self.id = id
      self.region = region
      self.health = health
      self.basis = basis
      self.voices = voices
      self.voicesDown = voicesDown
      self.votes = votes
    }

    private enum CodingKeys: String, CodingKey {
      case id, region, health, basis, voices, votes
      case voicesDown = "voices_down"
    }
  }

  /// `alone`, `voting`, `frozen` or `cut_off`.
  package var standing: String
  package var isIsolated: Bool
  /// By id.
  package var endpoints: [Endpoint]

  package init(standing: String, isIsolated: Bool, endpoints: [Endpoint]) {
    self.standing = standing
    self.isIsolated = isIsolated
    self.endpoints = endpoints
  }

  private enum CodingKeys: String, CodingKey {
    case standing, endpoints
    case isIsolated = "isolated"
  }
}

extension AdminServer {
  /// `GET /v1/fleet/votes[?limit=[&cursor=]]`.
  func fleetVotes(_ request: Request) async throws -> Response {
    guard var report = await sources.fleetVotes() else {
      throw Problem(
        .notFound, "this node is in no fleet, or fleet.health is off", type: .notConfigured)
    }
    let page = try Page(report.endpoints, of: request) { $0.id }
    report.endpoints = page.elements
    return try Response.cacheable(json: report, for: request, headers: page.headers)
  }
}
