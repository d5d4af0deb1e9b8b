import NIOPosix
import ProxyProtocol
import Testing

@testable import Probing
@testable import Settings

@Suite struct `A PROXY header of a check` {
  private static let monitor = tcpMonitor(timeout: .seconds(20))

  @Test func `says that the connection is our own`() {
    var monitor = Self.monitor
    #expect(monitor.greeting == [])
    monitor.proxyHeader = .v1
    #expect(monitor.greeting == Array("PROXY UNKNOWN\r\n".utf8))
    monitor.proxyHeader = .v2
    #expect(monitor.greeting == Array("\r\n\r\n\0\r\nQUIT\n".utf8) + [0x20, 0, 0, 0])
  }

  /// By the bare calls, and by a channel.
  @Test(arguments: [
    Settings.Monitor.Kind.http(ProbeRunnerTests.expectation()),
    .exchange(
      .init(sent: Array("GET / HTTP/1.1\r\n\r\n".utf8), expected: .prefix(Array("HTTP".utf8)))),
  ])
  func `goes first`(kind: Settings.Monitor.Kind) async throws {
    let server = try await ScriptedServer.start(ProbeRunnerTests.reply(ProbeRunnerTests.ok))
    var monitor = Self.monitor
    monitor.kind = kind
    monitor.proxyHeader = .v1
    let runner = ProbeRunner(group: MultiThreadedEventLoopGroup.singleton)
    let outcome = await runner.outcome(
      of: ProbeTarget(endpointID: "e", address: server.address, monitor: monitor))
    #expect(outcome == .success)
    let request = try #require(server.seen.requests.first)
    #expect(request.hasPrefix("PROXY UNKNOWN\r\nGET / HTTP/1.1\r\n"))
    await server.stop()
  }

  @Test func `is sent where nothing else is`() async throws {
    let server = try await ScriptedServer.start([.close])
    var monitor = Self.monitor
    monitor.proxyHeader = .v2
    let runner = ProbeRunner(group: MultiThreadedEventLoopGroup.singleton)
    let outcome = await runner.outcome(
      of: ProbeTarget(endpointID: "e", address: server.address, monitor: monitor))
    #expect(outcome == .success)
    await server.stop()
  }
}
