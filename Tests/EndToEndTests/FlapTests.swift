import Foundation
import TestSupport
import Testing

extension EndToEnd {
  /// Endpoints that come and go faster than any probe could tell, beside HAProxy with the same
  /// settings.
  @Suite struct `While endpoints come and go` {
    /// The demo, where Tokyo has three endpoints; the next region is Singapore.
    private struct Flapping {
      let world: World
      let servers: [RegionServer]
      let haproxy: FlapProxy

      init(_ listener: String = "") throws {
        world = try World { configuration in
          configuration.replacing(#/(?m)^      tokyo: +\[127\.0\.10\.1:(\d+)\]/#) { match in
            let names = (21...23).map { #""127.0.10.\#($0):\#(match.1)""# }
            return "      tokyo: [\(names.joined(separator: ", "))]"
          }.replacing("service: web}", with: "service: web\(listener)}")
        }
        let port = world.ports.endpoints
        servers = try (21...23).map {
          try RegionServer(region: "tokyo", address: "127.0.10.\($0)", port: port)
        }
        haproxy = try FlapProxy(
          endpoints: (21...23).map { "127.0.10.\($0):\(port)" }, next: "127.0.10.2:\(port)")
        let world = world
        eventually("Tokyo's three endpoints are healthy") {
          try world.route("133.11.0.1").outcome.addresses.count == 3
        }
      }

      /// New connections through both at once, while the servers come and go.
      ///
      /// - Parameter leavesNone: whether all of them may be gone at a time.
      func run(_ seed: UInt64, rounds: Int, leavesNone: Bool) throws -> (
        ours: [Load.Event], theirs: [Load.Event]
      ) {
        let ours = (0..<3).map { _ in Load.proxy(world, from: "127.81.0.1") }
        let theirs = (0..<3).map { _ in haproxy.load(world) }
        var generator = SeededGenerator(seed: seed)
        var gone: Set<Int> = []
        for _ in 0..<rounds {
          let index = Int.random(in: servers.indices, using: &generator)
          if gone.remove(index) != nil {
            try servers[index].start()
          } else if leavesNone || gone.count < servers.count - 1 {
            servers[index].stop()
            gone.insert(index)
          }
          ours.wait(connections: .random(in: 5...200, using: &generator))
        }
        for index in gone { try servers[index].start() }
        return (ours.flatMap { $0.stop() }, theirs.flatMap { $0.stop() })
      }

      func closed(_ reason: String) throws -> Int {
        let text = try world.admin("GET", "/metrics").text
        let pattern = try Regex(
          "azimuth_proxy_closed_total\\{[^}]*reason=\"\(reason)\"[^}]*\\} (\\d+)")
        return text.matches(of: pattern).reduce(0) { $0 + (Int($1[1].substring ?? "") ?? 0) }
      }
    }

    @Test(.timeLimit(.minutes(2)), arguments: [false, true])
    func `no connection fails that another one could have served`(leavesNone: Bool) throws {
      let flapping = try Flapping(", retry_after_reset: 4KiB")
      let seed = UInt64.random(in: 0 ... .max)
      let (ours, theirs) = try flapping.run(seed, rounds: 60, leavesNone: leavesNone)
      let failures = ours.compactMap(\.failure)
      let rivals = theirs.compactMap(\.failure)
      print(
        "flaps with seed \(seed): \(failures.count) of \(ours.count) connections failed;",
        "HAProxy: \(rivals.count) of \(theirs.count)")
      #expect(failures.isEmpty, "seed \(seed): \(failures.prefix(3))")
      #expect(ours.count > 500)
      let regions = Set(ours.compactMap { try? $0.result.get() })
      // Another region before one that has failed lately.
      #expect(regions.isSubset(of: ["tokyo", "singapore"]))
    }

    @Test(.timeLimit(.minutes(2)))
    func `what fails without repetition is what an endpoint had taken and reset`() throws {
      let flapping = try Flapping()
      let seed = UInt64.random(in: 0 ... .max)
      let (ours, theirs) = try flapping.run(seed, rounds: 60, leavesNone: false)
      let failures = ours.compactMap(\.failure)
      #expect(
        try failures.count == flapping.closed("upstream_reset"), "seed \(seed): \(failures)")
      for reason in ["connect_failed", "connect_timed_out", "connect_budget"] {
        #expect(try flapping.closed(reason) == 0, "seed \(seed)")
      }
      #expect(!theirs.isEmpty)
    }

    @Test(.timeLimit(.minutes(2)))
    func `a fence holds, and nobody is refused as long as one endpoint inside is up`() throws {
      // Probes that happen to meet an endpoint while it is gone have no say: by them both are down.
      let world = try World {
        $0.replacing("fall: 2", with: "fall: 100").replacing(
          "listeners:\n",
          with:
            """
            listeners:
                eu: {listen: [127.0.0.1:\(port)], service: eu, retry_after_reset: 4KiB}

            """
        )
      }
      let inside = ["frankfurt", "dublin"]
      let servers = try inside.map { try #require(world.regions[$0]) }
      let loads = (0..<3).map { _ in
        Load {
          let connection = try HTTPConnection(port: port, from: "127.49.0.1")
          return try connection.request("GET", "/", headers: ["Connection": "close"]).text
            .trimmingCharacters(in: .whitespacesAndNewlines)
        }
      }
      for round in 0..<20 {
        servers[round % 2].stop()
        loads.wait(connections: 100)
        try servers[round % 2].start()
        loads.wait(connections: 20)
      }
      let events = loads.flatMap { $0.stop() }
      #expect(events.compactMap(\.failure).isEmpty, "\(events.compactMap(\.failure).prefix(3))")
      #expect(Set(events.compactMap { try? $0.result.get() }) == Set(inside))
      servers.forEach { $0.stop() }
      for _ in 0..<20 {
        let answer = try? HTTPConnection(port: port, from: "127.49.0.1").request("GET", "/").text
        #expect(answer == nil)
      }
    }

    private let port = Ports.free()
  }
}

extension [Load] {
  /// Until they have made so many more together.
  fileprivate func wait(connections: Int) {
    var count: Int { reduce(0) { $0 + $1.count } }
    let goal = count + connections
    eventually("\(connections) more connections") { count >= goal }
  }
}

/// HAProxy in front of some endpoints, and of one that takes over when these are gone.
private final class FlapProxy {
  let port: Int
  private let proxy: HAProxy

  /// As the demo: an HTTP check each second, 250 ms while it is unsure, up and down after two; one
  /// second to connect; four attempts, each with another endpoint.
  init(endpoints: [String], next: String) throws {
    let port = Ports.free()
    self.port = port
    let servers = endpoints.enumerated().map { "  server s\($0.offset) \($0.element) check" }
    proxy = try HAProxy { _ in
      """
      listen flaps
        bind 127.0.0.1:\(port)
        balance leastconn
        timeout connect 1s
        retries 3
        option redispatch 1
        default-server inter 1s fastinter 250ms rise 2 fall 2
        option httpchk GET /healthz
      \(servers.joined(separator: "\n"))
        server next \(next) check backup
      """
    }
    eventually("HAProxy serves") {
      try HTTPConnection(port: port).request("GET", "/").status == 200
    }
  }

  func load(_ world: World) -> Load {
    let port = port
    return Load {
      let connection = try HTTPConnection(port: port)
      return try connection.request("GET", "/", headers: ["Connection": "close"]).text
    }
  }
}
