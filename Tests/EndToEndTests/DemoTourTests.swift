import Foundation
import TestSupport
import Testing

extension EndToEnd {
  /// What the README promises a newcomer.
  @Suite struct `The demo` {
    static let world = Result { try World(verb: "demo") }

    @Test(arguments: [
      ("133.11.0.1", "tokyo"), ("200.144.248.41", "saopaulo"), ("141.2.0.1", "frankfurt"),
    ])
    func `sends a subnet to its nearest region, with a scope`(
      subnet: String, region: String
    ) throws {
      let world = try Self.world.get()
      let dig = try Program.shell(
        "dig @127.0.0.1 -p \(world.ports.dns) www.example.org +subnet=\(subnet)/32")
      #expect(dig.output.contains(world.address(of: region)), "\(dig.all)")
      #expect(dig.output.contains(#/CLIENT-SUBNET: [\d.]+/32/([89]|[12]\d|3[0-2])\b/#))
    }

    @Test(arguments: [
      ("127.81.0.1", "tokyo"), ("127.55.0.1", "saopaulo"), ("127.49.0.1", "frankfurt"),
      ("127.1.213.1", "california"), ("127.27.0.1", "johannesburg"), ("127.61.0.1", "sydney"),
    ])
    func `takes source addresses for places, for DNS and for the proxy`(
      source: String, region: String
    ) throws {
      let world = try Self.world.get()
      let dig = try Program.shell(
        "dig -b \(source) @127.0.0.1 -p \(world.ports.dns) www.example.org +short")
      #expect(dig.output == "\(world.address(of: region))\n", "\(dig.all)")
      let curl = try Program.shell(
        "curl -s --interface \(source) http://127.0.0.1:\(world.ports.proxy)/")
      #expect(curl.output.contains(region), "\(curl.all)")
    }

    @Test func `moves DNS and proxy when an endpoint stops, and back when it starts`() throws {
      let world = try Self.world.get()
      let control = try HTTPConnection(port: world.ports.control)
      let source = "127.81.0.1"
      #expect(try world.proxyRegion(from: source) == "tokyo")
      #expect(try control.request("POST", "/tokyo/stop").status == 200)
      // The proxy finds out by itself and does not wait for a health check.
      #expect(try world.proxyRegion(from: source) != "tokyo")
      eventually("DNS leaves Tokyo") { try world.dnsRegion(from: source) != "tokyo" }
      #expect(try world.dnsRegion(from: source) == world.proxyRegion(from: source))
      #expect(try world.dnsRegion(of: "200.144.248.41") == "saopaulo")

      #expect(try control.request("POST", "/tokyo/start").status == 200)
      eventually("DNS comes back") { try world.dnsRegion(from: source) == "tokyo" }
      eventually("the proxy comes back") { try world.proxyRegion(from: source) == "tokyo" }
    }

    @Test func `says where and why`() throws {
      let world = try Self.world.get()
      let curl = try Program.shell(
        "curl -s 'http://127.0.0.1:\(world.ports.admin)"
          + "/v1/route?ip=133.11.0.1&name=www.example.org'")
      #expect(curl.output.contains("tokyo") && curl.output.contains("reason"), "\(curl.all)")
    }

    @Test func `prints what to try`() throws {
      let world = try Self.world.get()
      for word in ["dig", "+subnet=", "curl", "--interface", "/v1/route", "/tokyo/stop"] {
        eventually("\(word) in the tour") { world.process.output.contains(word) }
      }
    }

    @Test func `names the source of its geodata`() throws {
      #expect(try Self.world.get().process.all.contains("IP Geolocation by DB-IP"))
    }

    @Test func `of a fleet says what it lacks`() throws {
      let tour = try Program.shell("scripts/fleet-demo /nowhere/azimuth || true")
      #expect(tour.output.contains("there is no program /nowhere/azimuth"), "\(tour.all)")
      #expect(tour.errors.isEmpty)
    }

    @Test(.enabled(if: EtcdCluster.isInstalled), .timeLimit(.minutes(4)))
    func `of a fleet comes to what its tour says`() throws {
      let tour = try Program.shell(
        "scripts/fleet-demo \(Program.path) --once", within: .seconds(200))
      #expect(tour.status == 0, "\(tour.all)")
      #expect(tour.output.contains("That was the tour."))
      try endsQuietly()
    }

    /// Whoever hangs up on its endpoints, as nodes do when they end.
    private func endsQuietly() throws {
      let demo = try RunningProcess("\(Program.root)/scripts/fleet-demo", ["/bin/true"])
      let rude = """
        import socket, struct
        server = socket.create_connection(("127.0.32.1", 8080))
        server.sendall(b"GET / HTTP/1.1\\r\\n")
        server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        """
      let script = try temporaryFolder().appending(path: "rude.py")
      try rude.write(to: script, atomically: true, encoding: .utf8)
      eventually("its endpoints answer", within: .seconds(20)) {
        (try? Program.shell("python3 \(script.path)"))?.status == 0
      }
      eventually("it asks the nodes", within: .seconds(20)) { demo.output.contains("1. Five") }
      demo.end(with: SIGINT)
      #expect(demo.status == 0 && demo.errors.isEmpty, "\(demo.all)")
    }
  }
}
