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
  }
}
