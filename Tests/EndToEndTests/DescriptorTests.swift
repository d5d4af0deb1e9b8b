import Foundation
import Glibc
import TestSupport
import Testing

extension EndToEnd {
  /// A process has so many descriptors, and peers take them by connecting.
  @Suite struct `File descriptors` {
    /// Asks over a new connection, which stays open.
    private func asked(_ world: World) throws -> Socket {
      let socket = try Socket.tcp(to: "127.0.0.1", port: world.ports.dns)
      let message = DNSQuestion("www.example.org").bytes
      try socket.send(UInt16(message.count).wire + message)
      return socket
    }

    private func isAnswered(_ socket: Socket) -> Bool {
      (try? socket.receive(exactly: 2).count) == 2
    }

    /// Seconds of the processor that a process has used.
    private func processorSeconds(_ identifier: Int32) throws -> Double {
      let text = try String(contentsOfFile: "/proc/\(identifier)/stat", encoding: .utf8)
      // Behind the name, which may hold anything.
      let fields = text.split(separator: ")").last?.split(separator: " ") ?? []
      let ticks = try fields[11...12].map { try #require(Double($0)) }.reduce(0, +)
      return ticks / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    @Test func `the soft limit is raised to the hard one, and it warns if that is too low`() throws
    {
      let world = try World(descriptors: (soft: 64, hard: 2_000))
      let limits = try String(
        contentsOfFile: "/proc/\(world.process.identifier)/limits", encoding: .utf8)
      #expect(limits.contains(#/Max open files +2000 +2000/#), "\(limits)")
      #expect(world.process.all.contains("more connections are allowed than"))
      let sockets = try (0..<90).map { _ in try asked(world) }
      for socket in sockets { #expect(isAnswered(socket)) }
    }

    @Test func `when none is left, it waits without work, answers by UDP, and goes on later`()
      throws
    {
      let world = try World(descriptors: (soft: 160, hard: 160))
      // Connections through the proxy take two each, until no more are accepted.
      var proxied: [HTTPConnection] = []
      for _ in 0..<120 {
        guard
          let connection = try? HTTPConnection(
            port: world.ports.proxy, timeoutMilliseconds: 500),
          (try? connection.request("GET", "/").status) == 200
        else { break }
        proxied.append(connection)
      }
      #expect(proxied.count < 120)
      let waiting = try (0..<60).map { _ in try asked(world) }
      let before = try processorSeconds(world.process.identifier)
      let clock = ContinuousClock()
      let start = clock.now
      var answeredCount = 0
      while clock.now - start < .seconds(2) {
        #expect(try !world.ask(DNSQuestion("www.example.org")).addresses.isEmpty)
        answeredCount += 1
        rest()
      }
      let used = try processorSeconds(world.process.identifier) - before
      #expect(used < 0.6, "\(used) s of the processor in 2 s, \(answeredCount) answers")
      proxied = []
      withExtendedLifetime(waiting) {}
      // What was closed is free once both of its sides have ended.
      eventually("an answer over TCP") { isAnswered(try asked(world)) }
    }
  }
}
