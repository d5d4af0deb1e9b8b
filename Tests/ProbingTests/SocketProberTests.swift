import NIOPosix
import Places
import Testing

@testable import Probing
@testable import Settings

@Suite struct `Plain probes` {
  private static let ok = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n"

  private let expected = Settings.Monitor.HTTPExpectation(
    method: "GET", path: "/", host: nil, requestHeaders: [], statuses: [200...299],
    degradedStatuses: [], bodyContains: "ok", responseHeaders: [])

  private func target(_ address: SocketAddress, isHTTP: Bool) -> ProbeTarget {
    var monitor = tcpMonitor(timeout: .seconds(20))
    if isHTTP { monitor.kind = .http(expected) }
    return ProbeTarget(endpointID: "e", address: address, monitor: monitor)
  }

  @Test func `run many at once, each over a connection of its own`() async throws {
    let server = try await ScriptedServer.start([.request, .send(Self.ok)])
    let runner = ProbeRunner(group: MultiThreadedEventLoopGroup.singleton)
    let outcomes = await withTaskGroup(of: ProbeOutcome.self) { group in
      for index in 0..<300 {
        let target = target(server.address, isHTTP: index % 3 > 0)
        group.addTask { await runner.outcome(of: target) }
      }
      return await group.reduce(into: []) { $0.append($1) }
    }
    #expect(outcomes == Array(repeating: .success, count: 300))
    #expect(server.seen.requests.count == 200)
    await server.stop()
  }

  @Test func `run over IPv6 too`() async throws {
    let server = try await ScriptedServer.start([.request, .send(Self.ok)], host: "::1")
    let runner = ProbeRunner(group: MultiThreadedEventLoopGroup.singleton)
    #expect(server.address.address.isIPv6)
    #expect(await runner.outcome(of: target(server.address, isHTTP: false)) == .success)
    #expect(await runner.outcome(of: target(server.address, isHTTP: true)) == .success)
    let port = server.address.port
    #expect(server.seen.requests.first?.contains("Host: [::1]:\(port)\r\n") == true)
    await server.stop()
    let outcome = await runner.outcome(of: target(server.address, isHTTP: false))
    guard case .failure = outcome else {
      Issue.record("nobody listens, yet it is \(outcome)")
      return
    }
  }

  @Test func `end with the task that waits for them`() async throws {
    let server = try await ScriptedServer.start([.request])
    let runner = ProbeRunner(group: MultiThreadedEventLoopGroup.singleton)
    let target = target(server.address, isHTTP: true)
    let task = Task { await runner.outcome(of: target) }
    while server.seen.requests.isEmpty { await Task.yield() }
    task.cancel()
    #expect(await task.value == .inconclusive("cancelled"))
    #expect(await runner.outcome(of: self.target(server.address, isHTTP: false)) == .success)
    await server.stop()
  }

  @Test func `send a request of any length`() async throws {
    let server = try await ScriptedServer.start([.request, .send(Self.ok)])
    var expected = self.expected
    let long = String(repeating: "x", count: 4_000_000)
    expected.requestHeaders = [.init(name: "X-Long", value: long)]
    #expect(await probe(.http(expected), at: server.address) == .success)
    #expect(server.seen.requests.first?.contains(long) == true)
    await server.stop()
  }
}
