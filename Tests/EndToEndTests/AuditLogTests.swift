import Foundation
import Glibc
import TestSupport
import Testing

extension EndToEnd {
  /// What becomes of lines that cannot be written.
  @Suite struct `The audit log` {
    private func figure(_ series: String, of world: World) throws -> Int? {
      try world.admin("GET", "/metrics").text.split(separator: "\n")
        .first { $0.hasPrefix("\(series) ") }?
        .split(separator: " ").last.flatMap { Int($0) }
    }

    @Test func `has the lines of those with a token, whatever strangers fill it with`() throws {
      let pipe = try temporaryFolder().appending(path: "audit").path
      try #require(mkfifo(pipe, 0o600) == 0)
      let reader = open(pipe, O_RDWR | O_NONBLOCK)
      defer { close(reader) }
      let world = try World {
        $0.replacing("\nadmin:\n", with: "\nadmin:\n  audit_log: \(pipe)\n")
      }
      // Nobody reads: what does not fit into the pipe stays with the node.
      let dropped = "azimuth_admin_audit_dropped_total"
      let stranger = try HTTPConnection(port: world.ports.admin)
      let path = "/v2/" + String(repeating: "x", count: 4000)
      for _ in 0..<500 {
        #expect(try stranger.request("POST", path).status == 404)
      }
      #expect(try figure("\(dropped){token=\"none\"}", of: world).map { $0 > 0 } == true)
      #expect(try world.override("tokyo", state: "drain").status == 201)
      var lines: [Substring] = []
      var text = ""
      eventually("the line of the override") {
        text += read(from: reader)
        lines = text.split(separator: "\n")
        return lines.contains { $0.contains("/v1/overrides/tokyo") && $0.hasSuffix("}") }
      }
      #expect(try figure("\(dropped){token=\"known\"}", of: world) == 0)
      let long = try #require(lines.first)
      #expect(long.contains("\"path_bytes\":4004") && long.utf8.count < 2500)
    }

    private func read(from descriptor: Int32) -> String {
      var bytes = [UInt8](repeating: 0, count: 65_536)
      let count = Glibc.read(descriptor, &bytes, bytes.count)
      return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }

    @Test func `and the other logs count what a full disk takes, and say so once`() throws {
      let world = try World {
        $0.replacing("\nadmin:\n", with: "\nadmin:\n  audit_log: /dev/full\n")
          .replacing("access_log: off", with: "access_log: /dev/full")
          .replacing(
            "\ndns:\n", with: "\ndecision_log: {file: /dev/full, sample: 1}\n\ndns:\n")
      }
      for count in 1...3 {
        _ = try world.override("tokyo", state: "drain")
        _ = try world.proxyRegion()
        eventually("lost lines are counted") {
          try [
            "azimuth_admin_audit_failed_total", "azimuth_proxy_log_failed_total",
            "azimuth_decision_log_failed_total",
          ].allSatisfy { try (figure($0, of: world) ?? 0) >= count }
        }
      }
      #expect(try figure("azimuth_admin_audit_failed_total", of: world) == 3)
      for log in ["audit log", "access log", "decision log"] {
        let said = world.process.all.split(separator: "\n").filter { $0.contains("the \(log)") }
        #expect(said.count == 1, "\(said)")
        #expect(said.first?.contains("No space left on device") == true, "\(said)")
      }
    }
  }
}
