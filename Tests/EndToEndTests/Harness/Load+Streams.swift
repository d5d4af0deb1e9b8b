import Foundation
import Testing

extension Load {
  /// A new connection over TCP for each query.
  static func dnsOverTCP(_ world: World, subnet: String) -> Load {
    Load { [unowned world] in
      let socket = try Socket.tcp(to: "127.0.0.1", port: world.ports.dns)
      let query = DNSQuestion("www.example.org", subnet: subnet).bytes
      try socket.send(UInt16(query.count).wire + query)
      let length = try socket.receive(exactly: 2)
      let reply = try DNSReply(
        try socket.receive(exactly: length.reduce(0) { $0 << 8 | Int($1) }))
      guard let region = reply.addresses.first.flatMap({ world.region(of: $0) }) else {
        throw Failure(text: "\(reply)")
      }
      return region
    }
  }

  /// Connections through the proxy that are in use for half a second each, one after the other.
  static func streams(_ world: World, from source: String) -> Load {
    Load { [unowned world] in
      let end = ContinuousClock.now + .milliseconds(500)
      let connection = try HTTPConnection(port: world.ports.proxy, from: source)
      var region = ""
      while ContinuousClock.now < end {
        let response = try connection.request("GET", "/")
        region = world.named(in: response.text)
        guard response.status == 200, World.names.contains(region) else {
          throw Failure(text: response.text)
        }
      }
      return region
    }
  }

  /// Of everything that users do: queries over both transports, new connections and lasting ones.
  static func ofEverything(on world: World) throws -> [Load] {
    [
      try dns(world, subnet: "133.11.0.1"), try dns(world, subnet: "141.2.0.1"),
      dnsOverTCP(world, subnet: "133.11.0.1"), proxy(world, from: "127.81.0.1"),
      streams(world, from: "127.81.0.1"),
    ]
  }
}

/// Ends the loads; nothing may have failed, and of each something must have happened.
func expectNoFailure(
  of loads: [Load], sourceLocation: SourceLocation = #_sourceLocation
) {
  for load in loads {
    let events = load.stop()
    let failures = events.compactMap(\.failure)
    #expect(
      failures.isEmpty, "\(failures.count) of \(events.count): \(failures.prefix(3))",
      sourceLocation: sourceLocation)
    #expect(events.count > 0, sourceLocation: sourceLocation)
  }
}

/// How often something is to be done: less than is wished for where many tests are run.
func rounds(_ variable: String, otherwise count: Int) -> Int {
  ProcessInfo.processInfo.environment[variable].flatMap { Int($0) } ?? count
}
