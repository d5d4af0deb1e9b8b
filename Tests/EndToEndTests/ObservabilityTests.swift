import Foundation
import TestSupport
import Testing

extension EndToEnd {
  /// What Prometheus has to say of metrics and alerts.
  @Suite(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/promtool")))
  struct `Observability` {
    @Test func `alerts fire when they should, and not when they should not`() throws {
      let rules = "packaging/prometheus/azimuth-rules"
      let finished = try Program.shell(
        "promtool check rules \(rules).yaml; promtool test rules \(rules)-test.yaml")
      #expect(finished.status == 0, "\(finished.all)")
    }

    @Test func `promtool finds nothing to say of the metrics, and each says what it means`() throws
    {
      let world = try `The demo`.world.get()
      let address = "http://127.0.0.1:\(world.ports.admin)/metrics"
      let checked = try Program.shell("curl -s \(address) | promtool check metrics")
      #expect(checked.status == 0)
      #expect(checked.all == "")
      let unexplained = try Program.shell("curl -s \(address) | { grep 'A figure of' || true; }")
      #expect(unexplained.output == "")
    }

    /// The parser of Prometheus' own client for Python, which refuses what the standard forbids.
    @Test func `as OpenMetrics the metrics are what the standard has`() throws {
      let world = try `The demo`.world.get()
      let script = """
        import sys
        from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse
        families = {family.name: family for family in parse(sys.stdin.read())}
        print(families["azimuth_dns_queries"].type, families["process_cpu_seconds"].unit)
        print(len(families) > 40, families["azimuth_build"].type)
        """
      let parsed = try Program.shell(
        "curl -s -H 'Accept: application/openmetrics-text' http://127.0.0.1:\(world.ports.admin)"
          + "/metrics | /usr/bin/python3 -c '\(script)'")
      #expect(parsed.all == "counter seconds\nTrue info\n")
    }
  }
}
