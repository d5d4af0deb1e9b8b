import Foundation
import Glibc
import TestSupport
import Testing

extension EndToEnd {
  @Suite struct `A reload` {
    /// `AZIMUTH_RELOADS` says how many times. Each changes an answer, and adds or removes a
    /// listener.
    @Test(.timeLimit(.minutes(60)))
    func `loses no query and resets no connection, time and again`() throws {
      let world = try World()
      let lasting = try HTTPConnection(port: world.ports.proxy, from: "127.81.0.1")
      let loads = try Load.ofEverything(on: world)
      defer { for load in loads { _ = load.stop() } }
      let port = Ports.free()
      let more = "    more: {listen: [127.0.0.1:\(port)], service: web}\n\nadmin:\n"
      for round in 1...rounds("AZIMUTH_RELOADS", otherwise: 100) {
        var text = world.configuration.replacing("ttl: 20s", with: "ttl: \(20 + round % 2)s")
        if round % 2 == 1 { text = text.replacing("\nadmin:\n", with: more) }
        try world.rewrite(text)
        let before = try world.route("133.11.0.1").revision
        if round % 4 == 0 {
          world.process.signal(SIGHUP)
        } else {
          let response = try world.reload()
          try #require(response.status / 100 == 2, "\(response.text)")
        }
        eventually("revision \(before + 1)") { try world.route("133.11.0.1").revision > before }
        #expect(try world.route("133.11.0.1").ttl == 20 + round % 2)
        try #require(try lasting.request("GET", "/").status == 200)
        if round % 2 == 1 {
          try #require(try HTTPConnection(port: port).request("GET", "/").status == 200)
        } else {
          eventually("the port is free") { FreePorts.isFree(port) }
        }
      }
      expectNoFailure(of: loads)
    }

    @Test func `a listener that drains takes nobody, and what it has ends in its time`() throws {
      let world = try World()
      let lasting = try HTTPConnection(port: world.ports.proxy)
      #expect(try lasting.request("GET", "/").status == 200)
      try world.rewrite(
        world.configuration.replacing(
          "service: web}", with: "service: web, drain: {deadline: 4s, spread: 1s}}"))
      #expect(try world.reload().status / 100 == 2)
      eventually("nobody is taken") { (try? HTTPConnection(port: world.ports.proxy)) == nil }
      #expect(try lasting.request("GET", "/").status == 200)
      eventually("its connection is closed") { (try? lasting.request("GET", "/")) == nil }
      let metrics = try world.admin("GET", "/metrics").text
      #expect(
        metrics.contains(#"azimuth_proxy_closed_total{listener="web",reason="drained"} 1"#))
      try world.rewrite(world.configuration)
      #expect(try world.reload().status / 100 == 2)
      #expect(try HTTPConnection(port: world.ports.proxy).request("GET", "/").status == 200)
    }

    @Test func `a listener that cannot be bound refuses the whole reload`() throws {
      let world = try World()
      let taken = Ports.free()
      let socket = try Socket.listening(on: "127.0.0.1", port: taken)
      defer { withExtendedLifetime(socket) {} }
      try world.rewrite(
        world.configuration.replacing("ttl: 20s", with: "ttl: 60s").replacing(
          "\nadmin:\n",
          with: "    other: {listen: [127.0.0.1:\(taken)], service: web}\n\nadmin:\n"))
      let response = try world.reload()
      #expect((400..<500).contains(response.status))
      #expect(
        response.text.contains("cannot listen on 127.0.0.1:\(taken): Address already in use"),
        "\(response.text)")
      #expect(response.text.contains("proxy.listeners.other.listen"), "\(response.text)")
      #expect(try world.route("133.11.0.1").ttl == 20)
      #expect(try HTTPConnection(port: world.ports.proxy).request("GET", "/").status == 200)
    }

    @Test(arguments: [true, false])
    func `a bad configuration is refused whole, and the old one goes on`(bySignal: Bool) throws {
      let world = try World()
      let before = try world.route("133.11.0.1")
      try world.rewrite(
        world.configuration.replacing("{policy: by-rule,", with: "{policy: by-rules,")
          .replacing("ttl: 20s", with: "ttl: 60s"))
      if bySignal {
        world.process.signal(SIGHUP)
        eventually("the fault in the log") { world.process.all.contains("by-rules") }
      } else {
        let response = try world.reload()
        #expect((400..<500).contains(response.status))
        #expect(response.headers["content-type"]?.hasPrefix("application/problem+json") == true)
        #expect(response.text.contains("by-rules"), "\(response.text)")
      }
      let after = try world.route("133.11.0.1")
      #expect(after.revision == before.revision && after.ttl == 20)
      #expect(try world.dnsRegion(of: "133.11.0.1") == "tokyo")
    }

    @Test func `what an operator said and what probes found are carried over`() throws {
      let world = try World()
      try world.loseTokyoAndSingapore()
      let before = try world.route("133.11.0.1")
      try world.rewrite(world.configuration.replacing("ttl: 20s", with: "ttl: 21s"))
      #expect(try world.reload().status / 100 == 2)
      let after = try world.route("133.11.0.1")
      #expect(after.revision > before.revision && after.outcome == before.outcome)
    }

    @Test func `a new name is there when the reload has ended`() throws {
      let world = try World()
      #expect(try world.ask(DNSQuestion("new.example.org")).code == 3)
      try world.rewrite(
        world.configuration.replacing("      www: web", with: "      www: web\n      new: web"))
      #expect(try world.reload().status / 100 == 2)
      let reply = try world.ask(DNSQuestion("new.example.org", subnet: "133.11.0.1"))
      #expect(reply.addresses == [world.address(of: "tokyo")])
    }

    @Test func `a zone file with errors is refused, and the last good one goes on`() throws {
      let world = try World()
      let file = world.file.deletingLastPathComponent().appending(path: "example.net.zone")
      let head = "$TTL 60\n@ SOA ns mail 1 2 3 4 5\n@ NS ns\n"
      func write(_ text: String) throws {
        try (head + text).write(to: file, atomically: true, encoding: .utf8)
      }
      try write("a A 192.0.2.1\n")
      try world.rewrite(
        world.configuration.replacing(
          "\nzones:\n", with: "\nzones:\n  example.net: {file: example.net.zone}\n"))
      #expect(try world.reload().status / 100 == 2)
      #expect(try world.ask(DNSQuestion("a.example.net")).addresses == ["192.0.2.1"])
      try write("a A 192.0.2.2\nb A 192.0.2.300\n")
      let refused = try world.reload()
      #expect((400..<500).contains(refused.status))
      for part in ["example.net.zone\"", "\"line\" : 5"] {
        #expect(refused.text.contains(part), "\(refused.text)")
      }
      #expect(try world.ask(DNSQuestion("a.example.net")).addresses == ["192.0.2.1"])
      try write("a A 192.0.2.2\n")
      #expect(try world.reload().status / 100 == 2)
      #expect(try world.ask(DNSQuestion("a.example.net")).addresses == ["192.0.2.2"])
    }
  }
}
