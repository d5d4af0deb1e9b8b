import Foundation
import Testing

extension EndToEnd {
  /// client → the nearest node → the node of the tenant's home → its endpoint.
  @Suite struct `Nodes that relay to each other` {
    /// A node whose listener `relay` takes connections from the others and sends each to `target`.
    private func node(
      _ id: String, listening port: Int, to target: Int, header: String
    ) throws -> World {
      try World { configuration in
        configuration
          .replacing(#/(?m)^node: .*$/#, with: "node: {id: \(id)}")
          .replacing(
            "pools:\n",
            with: """
              pools:
                next:
                  proxy_protocol: \(header)
                  endpoints: {tokyo: ["127.0.0.1:\(target)"]}

              """
          )
          .replacing(
            "policies:\n", with: "policies:\n  there: {type: proximity, regions: [tokyo]}\n"
          )
          .replacing("services:\n", with: "services:\n  next: {policy: there, pool: next}\n")
          .replacing(
            "  listeners:\n",
            with: """
                listeners:
                  relay:
                    listen: ["127.0.0.1:\(port)"]
                    service: next
                    proxy_protocol: {trusted: [127.0.0.1]}

              """)
      }
    }

    private func connection(to port: Int) throws -> Socket {
      let client = try Socket.tcp(to: "127.0.0.1", port: port)
      try client.send(Array("PROXY TCP4 192.0.2.7 198.51.100.1 4000 443\r\nhello".utf8))
      return client
    }

    @Test(.timeLimit(.minutes(2)))
    func `tell the last one who the client is`() throws {
      let (edge, home) = (Ports.free(), Ports.free())
      let endpoint = Ports.free()
      let listener = try Socket.listening(on: "127.0.0.1", port: endpoint)
      let near = try node("near", listening: edge, to: home, header: "v2")
      let far = try node("far", listening: home, to: endpoint, header: "v1")
      let client = try connection(to: edge)
      let accepted = try #require(listener.accept())
      let line = "PROXY TCP4 192.0.2.7 198.51.100.1 4000 443\r\nhello"
      var octets: [UInt8] = []
      while octets.count < line.utf8.count { octets += try accepted.receive(1024) }
      #expect(String(decoding: octets, as: UTF8.self) == line)
      try accepted.send(Array("welcome".utf8))
      #expect(try client.receive(7) == Array("welcome".utf8))
      withExtendedLifetime((near, far)) {}
    }

    @Test(.timeLimit(.minutes(2)))
    func `do not relay in a circle`() throws {
      let (one, other) = (Ports.free(), Ports.free())
      let first = try node("first", listening: one, to: other, header: "v2")
      let second = try node("second", listening: other, to: one, header: "v2")
      let client = try connection(to: one)
      #expect((try? client.receive(1))?.isEmpty ?? true)
      let text = "azimuth_proxy_closed_total{listener=\"relay\",reason=\"relay_loop\"} 1"
      eventually("the loop is found") { try first.admin("GET", "/metrics").text.contains(text) }
      #expect(try !second.admin("GET", "/metrics").text.contains(text))
    }
  }
}
