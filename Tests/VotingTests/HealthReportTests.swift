import Foundation
import Routing
import TestSupport
import Testing
import Voting

private func report(_ health: Health, count: Int = 100) -> HealthReport {
  HealthReport(
    region: "tokyo", availabilityZone: "a", sequence: 7, isIsolated: true,
    observations: Dictionary(
      uniqueKeysWithValues: (0..<count).map {
        ("oslo/web/192.0.2.\($0):80", Observation(health, since: 1_764_208_800_000, roundTrip: 12))
      }))
}

struct HealthReportTests {
  @Test func `a report is read as it was written`() {
    var mixed = report(.healthy)
    mixed.observations["tokyo/web/[2001:db8::1]:80"] = Observation(.unknown)
    mixed.observations["tokyo/web/192.0.2.9:80"] = Observation(
      .unhealthy, since: 1 << 53, wasGood: false, sharePercent: 25_600)
    mixed.observations["lima/web/192.0.2.9:80"] = Observation(.degraded, sharePercent: 0)
    #expect(HealthReport(mixed.json) == mixed)
    let empty = HealthReport(region: "")
    #expect(HealthReport(empty.json) == empty)
  }

  @Test func `it is as large when everything fails as when all is well`() {
    let sizes = [Health.healthy, .degraded, .unhealthy, .unknown].map { report($0).json.count }
    #expect(Set(sizes).count == 1)
  }

  @Test func `it never is larger than may be read`() throws {
    let many = report(.unhealthy, count: HealthReport.maximumEndpoints + 100)
    let read = try #require(HealthReport(many.json))
    #expect(read.observations.count == HealthReport.maximumEndpoints)
  }

  @Test(arguments: [
    "", "{}", "[]", "null", #"{"region": "x"}"#,
    #"{"region": "x", "sequence": -1, "isolated": false, "endpoints": {}}"#,
    #"{"region": "x", "sequence": 1, "isolated": 0, "endpoints": {}}"#,
    #"{"region": "x", "sequence": 1, "isolated": false, "endpoints": {"a": ["y", 0, 100, 0]}}"#,
    #"{"region": "x", "sequence": 1, "isolated": false, "endpoints": {"a": ["h", 0, -1, 0]}}"#,
    #"{"region": "x", "sequence": 1, "isolated": false, "endpoints": {"a": ["h", 0, 100]}}"#,
    #"{"region": "x", "sequence": 1, "isolated": false, "endpoints": {"a": ["h", 0, 1e99, 0]}}"#,
    #"{"region": "x", "sequence": 1, "isolated": false, "endpoints": {"a": ["h", 1e18, 100, 0]}}"#,
  ])
  func `what is no report is passed over`(text: String) {
    #expect(HealthReport(Array(text.utf8)) == nil)
  }

  @Test func `nothing that a damaged one says stops the reader`() {
    let bytes = report(.healthy, count: 3).json
    var generator = SeededGenerator(seed: 4)
    for _ in 0..<2000 {
      var damaged = bytes
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        damaged[Int.random(in: damaged.indices, using: &generator)] = .random(
          in: 0...255, using: &generator)
      }
      let read = HealthReport(damaged)
      #expect(read.map { $0.observations.count <= 3 } ?? true)
      #expect(HealthReport(Array(bytes.prefix(damaged.count / 2))) == nil)
    }
    #expect(HealthReport(Array(repeating: 0x20, count: HealthReport.maximumSize + 1)) == nil)
    let long = HealthReport(region: String(repeating: "x", count: 513))
    #expect(HealthReport(long.json) == nil)
  }
}
