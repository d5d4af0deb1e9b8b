import Foundation
import TestSupport
import Testing

extension EndToEnd {
  /// `azimuth config explain`, and flags over the file.
  @Suite struct `The layers of a configuration` {
    private func configuration() throws -> String {
      let path = try temporaryFolder().appending(path: "a.yaml").path
      try """
      final: [node]
      node: {id: tokyo-1}
      log:
        level: info
      keys:
        transfer: {algorithm: hmac-sha256, secret: c2VjcmV0IHNlY3JldCBzZWNyZXQ=}
      """.write(toFile: path, atomically: true, encoding: .utf8)
      return path
    }

    @Test func `it says the value, the layer that says it, and what that hides`() throws {
      let path = try configuration()
      let explained = try Program.shell(
        """
        AZIMUTH_SET='log: {level: warning}' azimuth config explain log.level --config \(path) \
          --set 'log: {level: debug}'
        """)
      #expect(
        explained.output == """
          log.level: debug
            said by --set:1 (flag)
            hidden: AZIMUTH_SET:1 (environment) says warning
            hidden: \(path):4 (file) says info

          """)
      let absent = try Program.run(["config", "explain", "log.format", "--config", path])
      #expect(absent.output == "log.format: its default\n")
    }

    @Test(arguments: [
      ("log.levle", "did you mean \"log.level\"?"), ("lgo", "did you mean \"log\"?"),
      ("log.level.x", "nothing stands below \"log.level\""),
      ("regions.tokyo.locaton", "did you mean \"regions.tokyo.location\"?"),
      ("zones.example.org.tll", "did you mean \"zones.example.org.ttl\"?"),
      ("policies.near.typ", "did you mean \"policies.near.type\"?"),
    ])
    func `a key that there is not is told, with the nearest that there is`(
      key: String, hint: String
    )
      throws
    {
      let explained = try Program.run(
        ["config", "explain", key, "--config", try configuration()])
      #expect(explained.status == 1 && explained.output.isEmpty)
      #expect(explained.all.hasPrefix("there is no key \"\(key)\"; "), "\(explained.all)")
      #expect(explained.all.contains(hint), "\(explained.all)")
    }

    @Test(arguments: [
      "", "log", "log.format", "regions.tokyo.location", "zones.example.org.ttl",
      "zones.example.org", "pools.web.endpoints.tokyo", "policies.near.type", "dns.listen",
    ])
    func `a key that there may be is none that is missed`(key: String) throws {
      let explained = try Program.run(
        ["config", "explain", key, "--config", try configuration()])
      #expect(explained.status == 0, "\(explained.all)")
    }

    @Test func `it says what is final, and that later words are refused`() throws {
      let path = try configuration()
      let set = ["--set", "node: {id: other}"]
      let explained = try Program.run(["config", "explain", "node.id", "--config", path] + set)
      #expect(
        explained.output == """
          node.id: tokyo-1
            said by \(path):2 (file)
            final in \(path)
            refused: --set:1 (flag) says other

          """)
      let checked = try Program.run(["check", path] + set)
      #expect(checked.status == 1)
      #expect(checked.output.contains("--set:1: node: node is final in \(path)"))
    }

    @Test(.enabled(if: EtcdCluster.isInstalled))
    func `in a fleet it says what the store's layers say, and without the store what was kept`()
      throws
    {
      let fleet = try Fleet()
      defer { fleet.stop() }
      let node = fleet.nodes[0]
      fleet.say("global", Fleet.global + "\nfinal: [services.web.ttl]")
      fleet.say("region/tokyo", "# Tokyo's\npolicies:\n  near: {order: [oslo, tokyo, lima]}")
      node.eventually("the region's layer") { node.answer == "192.0.2.2" }
      func explained(_ key: String) throws -> Program.Finished {
        try Program.run(["config", "explain", key, "--config", node.file.path])
      }
      let order = try explained("policies.near.order")
      let wanted =
        #/
        policies\.near\.order:\ \[oslo,\ tokyo,\ lima\]\n
        \ \ said\ by\ region\/tokyo\ revision\ \d+\ line\ 3\n
        \ \ hidden:\ global\ revision\ \d+\ line\ \d+\ says\ \[tokyo,\ oslo,\ lima\]\n
        /#
      #expect(order.output.wholeMatch(of: wanted) != nil, "\(order.all)")
      #expect(try explained("services.web.ttl").output.contains("final in global revision "))
      fleet.cluster.kill(member: 0)
      let kept = try explained("policies.near.order")
      #expect(kept.output == order.output, "\(kept.all)")
      #expect(kept.all.contains("its layers are those that the node kept"), "\(kept.all)")
      let json = try Program.run(
        [
          "config", "explain", "policies.near.order", "--config", node.file.path, "--output",
          "json",
        ])
      #expect(json.output.contains("revision"))
    }

    @Test func `it never shows a secret`() throws {
      let path = try configuration()
      let explained = try Program.run(["config", "explain", "--config", path])
      #expect(explained.output.contains("keys.transfer.secret: (not shown)"))
      #expect(!explained.output.contains("c2VjcmV0"))
    }
  }
}
