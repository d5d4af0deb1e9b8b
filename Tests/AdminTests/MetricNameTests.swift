import Admin
import Foundation
import TestSupport
import Testing

/// Dashboards, alerts and the sources name metrics by their text alone.
@Suite struct `Names of metrics` {
  private func text(_ path: String) throws -> String {
    try String(contentsOfFile: "\(Built.root)/\(path)", encoding: .utf8)
  }

  /// Names of metrics in a text, whole words of ours or of the process.
  private func names(in text: String) -> Set<String> {
    Set(text.matches(of: #/\b(?:azimuth|process)_\w+/#).map { String($0.output) })
  }

  private func unknown(_ names: Set<String>) -> [String] {
    names.filter { MetricCatalogue.entries[$0] == nil }.sorted()
  }

  @Test(arguments: [
    "packaging/grafana/azimuth.json", "packaging/prometheus/azimuth-rules.yaml",
    "packaging/prometheus/azimuth-rules-test.yaml",
  ])
  func `in a dashboard or an alert are in the catalogue`(path: String) throws {
    let names = names(in: try text(path))
    #expect(names.count >= 10)
    #expect(unknown(names) == [])
  }

  @Test func `in the sources are in the catalogue, where they stand whole`() throws {
    let paths = try FileManager.default.subpathsOfDirectory(atPath: "\(Built.root)/Sources")
      .filter { $0.hasSuffix(".swift") || $0.hasSuffix(".js") }
    let names = try paths.reduce(into: Set<String>()) { names, path in
      let found = try text("Sources/\(path)").matches(of: #/"(azimuth_\w*[a-z])"/#)
      names.formUnion(found.map { String($0.1) })
    }
    #expect(names.count > 50)
    #expect(unknown(names) == [])
  }

  @Test func `each alert has a test that it fires, and one that it is quiet`() throws {
    let rules = try text("packaging/prometheus/azimuth-rules.yaml")
    let tests = try text("packaging/prometheus/azimuth-rules-test.yaml")
    let alerts = rules.matches(of: #/- alert: (\w+)/#).map { String($0.1) }
    #expect(alerts.count >= 10)
    let untested = alerts.filter {
      !tests.contains("name: \($0) fires") || !tests.contains("name: \($0) is quiet")
    }
    #expect(untested == [])
  }
}
