import Foundation
import TestSupport
import Testing

extension EndToEnd {
  @Suite struct `When an endpoint fails` {
    /// Of the demo's monitor: fall × interval + 1 s.
    static let limit: Duration = .seconds(2 * 1 + 1)

    @Test(.timeLimit(.minutes(2)))
    func `under load DNS forgets it in time, and no connection fails`() throws {
      let world = try World()
      let source = "127.81.0.1"
      let dns = try Load.dns(world, subnet: "133.11.0.1")
      let proxies = (0..<2).map { _ in Load.proxy(world, from: source) }
      let tokyo = try #require(world.regions["tokyo"])
      eventually("some load") { dns.count > 1000 && proxies.allSatisfy { $0.count > 100 } }

      let clock = ContinuousClock()
      let killed = clock.now
      tokyo.stop()
      eventually("four seconds of load") { clock.now - killed > .seconds(4) }
      let answers = dns.stop()
      let connections = proxies.flatMap { $0.stop() }

      #expect(answers.compactMap(\.failure).isEmpty)
      let late = answers.filter { event in
        event.began - killed > Self.limit && (try? event.result.get()) == "tokyo"
      }
      #expect(late.isEmpty, "\(late.count) answers name Tokyo after \(Self.limit)")
      // What the endpoint's own system had already taken died with it; nobody could serve that.
      let failed = connections.filter { event in
        event.failure != nil && !(event.began < killed + .milliseconds(20) && event.ended > killed)
      }
      #expect(failed.isEmpty, "\(failed.count) of \(connections.count): \(failed.prefix(3))")

      try tokyo.start()
      eventually("Tokyo is back") {
        try world.dnsRegion(of: "133.11.0.1") == "tokyo"
          && world.proxyRegion(from: source) == "tokyo"
      }
    }

    @Test func `the change of health is logged once, with its cause`() throws {
      let world = try World()
      world.regions["sydney"]?.stop()
      eventually("Sydney is left") { try world.dnsRegion(of: "1.128.0.1") != "sydney" }
      eventually("a line in the log") {
        world.process.all.split(separator: "\n").contains {
          $0.contains("sydney") && $0.contains("unhealthy")
        }
      }
    }

    @Test(.timeLimit(.minutes(1)))
    func `there is no answer and no readiness before the first round or its deadline`() throws {
      let clock = ContinuousClock()
      let start = clock.now
      let world = try World(endpoints: .isSilent, waitsUntilReady: false) { configuration in
        configuration
          .replacing("interval: 1s", with: "interval: 10s", maxReplacements: 1)
          .replacing("timeout: 500ms", with: "timeout: 9s")
          .replacing("first_round_deadline: 5s", with: "first_round_deadline: 3s")
      }
      eventually("the admin API") { try world.admin("GET", "/livez").status == 200 }
      #expect(try world.admin("GET", "/readyz").status == 503)
      let client = try DNSClient(port: world.ports.dns, timeoutMilliseconds: 50)
      eventually("the first answer") { try client.ask(DNSQuestion("www.example.org")).code == 0 }
      #expect(clock.now - start > .seconds(2.8))
      eventually("readiness") { world.isReady }
      // Unknown is better than nothing.
      #expect(try world.dnsRegion(of: "133.11.0.1") == "tokyo")
      #expect(try world.route("133.11.0.1").outcome.basis == "unknown")
    }

    @Test(.timeLimit(.minutes(1))) func `whoever hears that it is ready is let in`() throws {
      for _ in 0..<10 {
        let (proxy, admin) = (Ports.free(), Ports.free())
        let file = try temporaryFolder().appending(path: "c.yaml")
        try """
        regions: {here: {}}
        pools: {web: {endpoints: {here: ["127.0.12.9:9"]}}}
        policies: {only: {type: failover, order: [here]}}
        services: {web: {pool: web, policy: only}}
        proxy: {listeners: {web: {listen: ["127.0.0.1:\(proxy)"], service: web}}}
        admin: {listen: "127.0.0.1:\(admin)"}
        """.write(to: file, atomically: true, encoding: .utf8)
        let process = try RunningProcess(Program.path, ["serve", file.path])
        // Without a rest in between: the moment counts.
        while (try? HTTPConnection(port: admin).request("GET", "/readyz").status) != 200 {
          try #require(process.isRunning, "\(process.all)")
        }
        _ = try Socket.tcp(to: "127.0.0.1", port: proxy)
      }
    }

    @Test func `a connection is carried both ways, and each way ends by itself`() throws {
      let world = try World()
      let socket = try Socket.tcp(
        to: "127.0.0.1", port: world.ports.proxy, from: "127.81.0.1")
      try socket.send(Array("GET / HTTP/1.1\r\nHost: x\r\n\r\n".utf8))
      socket.finishSending()
      let answer = String(decoding: try socket.receiveAll(), as: UTF8.self)
      #expect(answer.hasPrefix("HTTP/1.1 200") && answer.hasSuffix("tokyo\n"))
    }
  }
}
