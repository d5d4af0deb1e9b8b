import Foundation
package import Routing

/// What one node of a fleet says of all endpoints that it watches: always the whole, so that it is
/// no larger and comes no more often when they fail.
///
///     {"region": "tokyo", "zone": "a", "sequence": 7, "isolated": false,
///      "endpoints": {"oslo/web/192.0.2.1:80": ["h", 1764208800000, 100, 1250]}}
///
/// Of each endpoint: its health (`h`ealthy, `d`egraded, `x` unhealthy, `n` unhealthy and never
/// found otherwise, `u`nknown), since when (milliseconds since 1970; 0: from the first), the share
/// that it asks for (percent), and the smoothed time of its checks (microseconds; 0: none).
package struct HealthReport: Sendable, Equatable {
  /// Bytes, below what etcd takes in one value.
  package static let maximumSize = 1_000_000
  package static let maximumEndpoints = 10_000
  private static let maximumName = 512

  /// Where the node stands; empty: in no region of the configuration.
  package var region: String
  package var availabilityZone: String?
  /// One more with each report of the node.
  package var sequence: UInt64
  /// The node finds that it is cut off: what it says of other regions counts for nothing.
  package var isIsolated: Bool
  /// By the id of the endpoint.
  package var observations: [String: Observation]

  package init(
    region: String, availabilityZone: String? = nil, sequence: UInt64 = 0,
    isIsolated: Bool = false, observations: [String: Observation] = [:]
  ) {
    self.region = region
    self.availabilityZone = availabilityZone
    self.sequence = sequence
    self.isIsolated = isIsolated
    self.observations = observations
  }

  /// nil: it is none, or is larger than a node would write.
  package init?(_ json: [UInt8]) {
    guard json.count <= Self.maximumSize,
      let body = try? JSONDecoder().decode(Body.self, from: Data(json)),
      body.endpoints.count <= Self.maximumEndpoints,
      body.region.utf8.count <= Self.maximumName,
      (body.zone?.utf8.count ?? 0) <= Self.maximumName,
      body.endpoints.keys.allSatisfy({ $0.utf8.count <= Self.maximumName })
    else { return nil }
    self.init(
      region: body.region, availabilityZone: body.zone, sequence: body.sequence,
      isIsolated: body.isolated, observations: body.endpoints.mapValues(\.observation))
  }

  /// What stands in the store. Of more endpoints than may be, those with the lowest ids.
  package var json: [UInt8] {
    let ids = observations.keys.sorted().prefix(Self.maximumEndpoints)
    let body = Body(
      region: region, zone: availabilityZone, sequence: sequence, isolated: isIsolated,
      endpoints: Dictionary(
        ids.compactMap { id in observations[id].map { (id, Body.Entry(observation: $0)) } },
        uniquingKeysWith: { first, _ in first }))
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    // Numbers, texts and flags: there is nothing in it that cannot be written.
    return (try? encoder.encode(body)).map { Array($0) } ?? []
  }
}

/// What one node has found of one endpoint.
package struct Observation: Sendable, Equatable {
  package var health: Health
  /// Milliseconds since 1970; 0: from the first.
  package var since: UInt64
  /// False of one that is unhealthy and was never found otherwise.
  package var wasGood: Bool
  /// Percent of its weight that it asks for, 0...25,600.
  package var sharePercent: Int
  /// Of its checks, smoothed, microseconds; 0: none has succeeded.
  package var roundTrip: Int

  package init(
    _ health: Health, since: UInt64 = 0, wasGood: Bool = true, sharePercent: Int = 100,
    roundTrip: Int = 0
  ) {
    self.health = health
    self.since = since
    self.wasGood = wasGood
    self.sharePercent = sharePercent
    self.roundTrip = roundTrip
  }
}

private struct Body: Codable {
  struct Entry: Codable {
    var observation: Observation

    init(observation: Observation) { self.observation = observation }

    init(from decoder: any Decoder) throws {
      var fields = try decoder.unkeyedContainer()
      let letter = try fields.decode(String.self)
      let since = try fields.decode(UInt64.self)
      let share = try fields.decode(Int.self)
      let roundTrip = try fields.decode(Int.self)
      guard let (health, wasGood) = Self.health(letter), (0...25_600).contains(share),
        since <= 1 << 53, (0...3_600_000_000).contains(roundTrip)
      else {
        throw DecodingError.dataCorrupted(
          DecodingError.Context(codingPath: decoder.codingPath, debugDescription: "no observation"))
      }
      observation = Observation(
        health, since: since, wasGood: wasGood, sharePercent: share, roundTrip: roundTrip)
    }

    func encode(to encoder: any Encoder) throws {
      var fields = encoder.unkeyedContainer()
      try fields.encode(Self.letter(observation))
      try fields.encode(observation.since)
      try fields.encode(observation.sharePercent)
      try fields.encode(observation.roundTrip)
    }

    private static func health(_ letter: String) -> (Health, wasGood: Bool)? {
      switch letter {
      case "h": (.healthy, true)
      case "d": (.degraded, true)
      case "x": (.unhealthy, true)
      case "n": (.unhealthy, false)
      case "u": (.unknown, true)
      default: nil
      }
    }

    private static func letter(_ observation: Observation) -> String {
      switch observation.health {
      case .healthy: "h"
      case .degraded: "d"
      case .unhealthy: observation.wasGood ? "x" : "n"
      case .unknown: "u"
      }
    }
  }

  var region: String
  var zone: String?
  var sequence: UInt64
  var isolated: Bool
  var endpoints: [String: Entry]
}
