import Hummingbird
package import Places

/// Round trips that somebody measured between clients and a region, as they were posted.
package struct PostedLatency: Sendable, Equatable {
  /// Any client of the network.
  package var client: ClientAddress
  package var region: String
  package var milliseconds: Double
  package var samples: Int
}

/// What came of posted samples.
package struct LatencyReceipt: Sendable, Equatable, Encodable {
  package var taken: Int
  /// Of regions that there are none of, or all while no policy goes by latency.
  package var ignored: Int

  package init(taken: Int, ignored: Int) {
    self.taken = taken
    self.ignored = ignored
  }
}

extension AdminServer {
  /// Bytes of a batch at most: some 10,000 samples.
  static let maximumLatencyByteCount = 1024 * 1024

  /// `POST /v1/latency-samples`: a batch of samples, taken whole or not at all.
  func postLatencies(_ request: Request, by _: String) async throws -> Response {
    try checkIsJSON(request)
    let bytes = try await request.bytes(atMost: Self.maximumLatencyByteCount)
    let batch = try LatencyBody(bytes)
    return try Response.json(await sources.takeLatencies(batch.samples))
  }
}

/// `{"samples": [{"prefix": "192.0.2.0/24", "region": "tokyo", "milliseconds": 31.5,
/// "samples": 4}]}`. Read strictly, and with its first errors at once.
struct LatencyBody {
  static let maximumCount = 10_000
  private static let maximumErrorCount = 20
  private static let keys = ["prefix", "region", "milliseconds", "samples"]

  private(set) var samples: [PostedLatency] = []
  private var errors: [Problem.Item] = []

  /// - Throws: 400 where it is no JSON object, 422 with every member that is wrong.
  init(_ bytes: [UInt8]) throws(Problem) {
    guard let value = JSONValue(bytes: bytes) else {
      throw Problem(.badRequest, "the body is not JSON")
    }
    guard case .object(let members) = value, case .array(let list)? = members["samples"],
      members.count == 1
    else {
      throw Problem(.unprocessableContent, "wants an object with one member, the list samples")
    }
    guard list.count <= Self.maximumCount else {
      throw Problem(.unprocessableContent, "more than \(Self.maximumCount) samples")
    }
    for (index, value) in list.enumerated() {
      if let sample = sample(value, at: "/samples/\(index)") { samples.append(sample) }
    }
    guard errors.isEmpty else {
      throw Problem(
        .unprocessableContent, "the samples are not understood",
        errors: Array(errors.prefix(Self.maximumErrorCount)))
    }
  }

  private mutating func sample(_ value: JSONValue, at pointer: String) -> PostedLatency? {
    guard case .object(let members) = value else {
      report(pointer, "wants an object")
      return nil
    }
    for key in members.keys.sorted() where !Self.keys.contains(key) {
      report(pointer, "unknown member \(key); known are \(Self.keys.joined(separator: ", "))")
    }
    guard case .string(let text)? = members["prefix"], let prefix = AddressPrefix(text) else {
      report("\(pointer)/prefix", "wants an address or a prefix")
      return nil
    }
    guard prefix.length >= (prefix.address.isIPv6 ? 48 : 24) else {
      report("\(pointer)/prefix", "wants at least a /24 or a /48")
      return nil
    }
    guard case .string(let region)? = members["region"] else {
      report("\(pointer)/region", "wants the name of a region")
      return nil
    }
    guard let milliseconds = members["milliseconds"]?.number, milliseconds > 0,
      milliseconds <= 60_000
    else {
      report("\(pointer)/milliseconds", "wants a number above 0 and up to 60000")
      return nil
    }
    let count = members["samples"].map { $0.number ?? 0 } ?? 1
    guard count >= 1, count <= 1_000_000, count == count.rounded() else {
      report("\(pointer)/samples", "wants a whole number from 1 to 1000000")
      return nil
    }
    return PostedLatency(
      client: prefix.address.client, region: region, milliseconds: milliseconds,
      samples: Int(count))
  }

  private mutating func report(_ pointer: String, _ detail: String) {
    errors.append(Problem.Item(detail: detail, pointer: pointer))
  }
}

extension JSONValue {
  fileprivate var number: Double? { if case .number(let number) = self { number } else { nil } }
}
