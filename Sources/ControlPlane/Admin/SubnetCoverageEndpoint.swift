import Hummingbird
package import Places

/// Which resolvers send client subnets (RFC 7871), by a sample of the queries.
package struct SubnetCoverageReport: Sendable, Equatable, Encodable {
  /// Counts are of sampled queries.
  package struct Resolver: Sendable, Equatable, Encodable {
    /// An IPv4 /24 or an IPv6 /56.
    package var prefix: AddressPrefix
    /// At least as many came; and at most ``error`` fewer than these.
    package var queries: UInt64
    /// How many of ``queries`` may be another resolver's, whose place this one took.
    package var error: UInt64
    package var withSubnet: UInt64
    package var withoutSubnet: UInt64

    package init(
      prefix: AddressPrefix, queries: UInt64, error: UInt64, withSubnet: UInt64,
      withoutSubnet: UInt64
    ) {
      self.prefix = prefix
      self.queries = queries
      self.error = error
      self.withSubnet = withSubnet
      self.withoutSubnet = withoutSubnet
    }

    package func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(prefix.description, forKey: .prefix)
      try container.encode(queries, forKey: .queries)
      try container.encode(error, forKey: .error)
      try container.encode(withSubnet, forKey: .withSubnet)
      try container.encode(withoutSubnet, forKey: .withoutSubnet)
    }

    private enum CodingKeys: String, CodingKey {
      case prefix, queries, error
      case withSubnet = "with_ecs"
      case withoutSubnet = "without_ecs"
    }
  }

  /// Every how manieth query was looked at, on average.
  package var sample: Int
  /// Resolvers that are told apart at most.
  package var capacity: Int
  /// Of all resolvers, since the start.
  package var sampledQueries: UInt64
  package var withSubnet: UInt64
  /// The share of the sampled queries with a subnet; nil before the first.
  package var share: Double?
  /// The most frequent first.
  package var resolvers: [Resolver]

  package init(
    sample: Int, capacity: Int, sampledQueries: UInt64, withSubnet: UInt64, resolvers: [Resolver]
  ) {
    self.sample = sample
    self.capacity = capacity
    self.sampledQueries = sampledQueries
    self.withSubnet = withSubnet
    share =
      sampledQueries > 0
      ? (Double(withSubnet) / Double(sampledQueries) * 10_000).rounded() / 10_000 : nil
    self.resolvers = resolvers
  }

  private enum CodingKeys: String, CodingKey {
    case sample, capacity, share, resolvers
    case sampledQueries = "sampled_queries"
    case withSubnet = "with_ecs"
  }
}

extension AdminServer {
  static let usualResolverCount = 100

  /// `GET /v1/ecs-coverage[?limit=]`.
  func subnetCoverage(_ request: Request) async throws -> Response {
    var query = QueryReader(request, known: ["limit"])
    let limit = query.number("limit", in: 1...100_000) ?? Self.usualResolverCount
    guard query.errors.isEmpty else { throw query.problem }
    guard let report = await sources.subnetCoverage(limit) else {
      throw Problem(.notFound, "dns.ecs_coverage is off", type: .notConfigured)
    }
    return try Response.json(report)
  }
}
