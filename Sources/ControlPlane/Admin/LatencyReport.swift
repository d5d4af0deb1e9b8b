import Hummingbird
import Places

/// What is known of round trips, and from whom.
package struct LatencyReport: Sendable, Equatable, Encodable {
  /// What one node of the fleet has told.
  package struct Node: Sendable, Equatable, Encodable {
    package var node: String
    /// To which regions it has measured.
    package var regions: [String]
    /// Round trips of a network to a region.
    package var figures: Int
    /// Since it was written, by the clock of the node that is asked.
    package var ageSeconds: Double

    package init(node: String, regions: [String], figures: Int, ageSeconds: Double) {
      self.node = node
      self.regions = regions
      self.figures = figures
      self.ageSeconds = ageSeconds
    }

    private enum CodingKeys: String, CodingKey {
      case node, regions, figures
      case ageSeconds = "age_seconds"
    }
  }

  /// What one node has measured between a network and a region.
  package struct Source: Sendable, Equatable, Encodable {
    package var node: String
    package var milliseconds: Double
    /// Those of a half-life ago count half.
    package var samples: Double
    /// Since it was told; nil: by the node that is asked.
    package var ageSeconds: Double?

    package init(node: String, milliseconds: Double, samples: Double, ageSeconds: Double?) {
      self.node = node
      self.milliseconds = milliseconds
      self.samples = samples
      self.ageSeconds = ageSeconds
    }

    private enum CodingKeys: String, CodingKey {
      case node, milliseconds, samples
      case ageSeconds = "age_seconds"
    }
  }

  /// What is expected between the client and a region.
  package struct Region: Sendable, Equatable, Encodable {
    package var region: String
    package var milliseconds: Double
    /// `network`, `asn`, `country` or `distance`.
    package var basis: String
    /// 0...1: the part of it that was measured.
    package var confidence: Double
    /// Who has measured the client's network.
    package var sources: [Source]

    package init(
      region: String, milliseconds: Double, basis: String, confidence: Double, sources: [Source]
    ) {
      self.region = region
      self.milliseconds = milliseconds
      self.basis = basis
      self.confidence = confidence
      self.sources = sources
    }
  }

  /// Of one client.
  package struct Client: Sendable, Equatable, Encodable {
    /// Whose samples are kept together: a /24 or a /48.
    package var network: String
    /// In the order of the configuration; those of which nothing is known are left out.
    package var regions: [Region]

    package init(network: String, regions: [Region]) {
      self.network = network
      self.regions = regions
    }
  }

  /// Of which something is known.
  package var networks: Int
  /// Whether this node tells its fleet, and hears it.
  package var isShared: Bool
  /// Those that were heard, by name, this node left out.
  package var nodes: [Node]
  /// Nodes whose word is not understood.
  package var malformed: [String]
  /// nil: nobody was asked for.
  package var client: Client?

  package init(
    networks: Int, isShared: Bool, nodes: [Node], malformed: [String], client: Client?
  ) {
    self.networks = networks
    self.isShared = isShared
    self.nodes = nodes
    self.malformed = malformed
    self.client = client
  }

  private enum CodingKeys: String, CodingKey {
    case networks, nodes, malformed, client
    case isShared = "shared"
  }
}

extension AdminServer {
  /// `GET /v1/latency`, with `?ip=ADDRESS` for a client.
  func latency(_ request: Request) async throws -> Response {
    var query = QueryReader(request, known: ["ip"])
    var client: ClientAddress?
    if let text = query["ip"] {
      client = IPAddress(text)?.client
      if client == nil { query.report("ip", "\"\(text)\" is no IPv4 or IPv6 address") }
    }
    guard query.errors.isEmpty else { throw query.problem }
    guard let report = await sources.latency(client) else {
      throw Problem(.notFound, "no policy of this node goes by latency", type: .notConfigured)
    }
    return try Response.json(report)
  }
}
