import Admin
import HTTPTypes
import Synchronization
import Testing

@Suite struct `Posted latencies` {
  private final class Taken: Sendable {
    let samples = Mutex<[PostedLatency]>([])
  }

  private func world(_ taken: Taken) throws -> AdminWorld {
    var world = try AdminWorld()
    world.sources.takeLatencies = { posted in
      taken.samples.withLock { $0 += posted }
      return LatencyReceipt(taken: posted.count - 1, ignored: 1)
    }
    return world
  }

  @Test func `are taken as a batch`() async throws {
    let taken = Taken()
    let reply = try await world(taken).change(
      .post, "/v1/latency-samples",
      body: """
        {"samples": [
          {"prefix": "192.0.2.0/24", "region": "tokyo", "milliseconds": 31.5, "samples": 4},
          {"prefix": "2001:db8::1", "region": "virginia", "milliseconds": 7}]}
        """)
    #expect(reply.status == 200)
    #expect(reply.text.contains("\"taken\":1") || reply.text.contains("\"taken\" : 1"))
    let samples = taken.samples.withLock { $0 }
    #expect(samples.map(\.region) == ["tokyo", "virginia"])
    #expect(samples.map(\.samples) == [4, 1] && samples.map(\.milliseconds) == [31.5, 7])
  }

  @Test(arguments: [
    ("[", 400), ("{}", 422), (#"{"samples": [1]}"#, 422),
    (#"{"samples": [{"prefix": "10.0.0.0/8", "region": "a", "milliseconds": 1}]}"#, 422),
    (#"{"samples": [{"prefix": "10.0.0.1", "region": "a", "milliseconds": -1}]}"#, 422),
    (#"{"samples": [{"prefix": "10.0.0.1", "region": 7, "milliseconds": 1}]}"#, 422),
    (#"{"samples": [{"prefix": "10.0.0.1", "region": "a", "milliseconds": 1, "x": 1}]}"#, 422),
    (
      #"{"samples": [{"prefix": "10.0.0.1", "region": "a", "milliseconds": 1, "samples": 0}]}"#, 422
    ),
  ])
  func `that are wrong are refused whole`(body: String, status: Int) async throws {
    let taken = Taken()
    let reply = try await world(taken).change(.post, "/v1/latency-samples", body: body)
    #expect(reply.status == status)
    let count = taken.samples.withLock { $0.count }
    #expect(count == 0)
  }

  @Test func `want the token, and a body that is not too long`() async throws {
    let taken = Taken()
    let world = try world(taken)
    let without = try await world.ask(.post, "/v1/latency-samples", body: "{}")
    #expect(without.status == 401)
    let long = String(repeating: " ", count: 1024 * 1024 + 1)
    #expect(try await world.change(.post, "/v1/latency-samples", body: long).status == 413)
  }
}
