import Foundation
import TestSupport
import Testing

extension EndToEnd {
  /// What SIGTERM and SIGINT do to those who are served.
  @Suite struct `The end of a node` {
    private func world(_ stop: String) throws -> World {
      try World { $0 + "\nstop: \(stop)\n" }
    }

    private func readiness(_ world: World) -> Int? {
      try? HTTPConnection(port: world.ports.admin).request("GET", "/readyz").status
    }

    private func proxied(_ world: World) throws -> Socket {
      let client = try Socket.tcp(to: "127.0.0.1", port: world.ports.proxy)
      try client.send(Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
      return client
    }

    @Test func `it is not ready first, serves on for a while, and then lets connections finish`()
      throws
    {
      let world = try world("{delay: 2s, deadline: 300s}")
      var open: Socket? = try proxied(world)
      #expect(try open?.receive(64).isEmpty == false)
      world.process.signal(SIGTERM)
      eventually("503") { readiness(world) == 503 }
      // New clients are still served by both planes.
      #expect(try proxied(world).receive(64).count > 0)
      #expect(try world.ask(DNSQuestion("www.example.org")).addresses.count == 1)
      eventually("nobody is taken") {
        (try? proxied(world).receive(64).count) ?? 0 == 0
      }
      // DNS answers on, and so does the connection that was open.
      #expect(try world.ask(DNSQuestion("www.example.org")).addresses.count == 1)
      #expect(readiness(world) == 503 && world.process.isRunning)
      open = nil
      eventually("the end") { !world.process.isRunning }
      #expect(world.process.status == 0, "\(world.process.all)")
    }

    @Test func `who stays is closed at the deadline`() throws {
      let world = try world("{deadline: 1s, spread: 500ms}")
      var open: Socket? = try proxied(world)
      #expect(try open?.receive(64).isEmpty == false)
      world.process.signal(SIGTERM)
      eventually("the end") { !world.process.isRunning }
      #expect(world.process.status == 0, "\(world.process.all)")
      open = nil
    }

    @Test func `SIGINT waits for nobody`() throws {
      let world = try world("{delay: 300s, deadline: 300s}")
      var open: Socket? = try proxied(world)
      #expect(try open?.receive(64).isEmpty == false)
      world.process.signal(SIGTERM)
      eventually("503") { readiness(world) == 503 }
      world.process.signal(SIGINT)
      eventually("the end") { !world.process.isRunning }
      #expect(world.process.status == 0, "\(world.process.all)")
      open = nil
    }
  }
}
