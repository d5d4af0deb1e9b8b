import Foundation
import Glibc
import Synchronization
import TestSupport
import Testing

extension EndToEnd {
  /// Connections by the thousand that do nothing, and others whose clients read nothing.
  @Suite struct `Memory of connections` {
    @Test(.timeLimit(.minutes(2)))
    func `idle ones cost less than half a kilobyte, stalled ones no more than is allowed`() throws {
      let proxy = try QuietProxy()
      // Whatever is made once has been made then.
      var idle = try (0..<100).map { _ in try proxy.idleConnection() }
      proxy.awaitConnections(idle.count)
      let empty = try proxy.residentBytes()
      let count = proxy.idleCount
      for _ in 0..<count { idle.append(try proxy.idleConnection()) }
      proxy.awaitConnections(idle.count)
      let full = try proxy.residentBytes()
      print("\(count) idle connections: \((full - empty) / count) bytes each")
      #expect((full - empty) / count < 512)

      let stalled = try (0..<QuietProxy.stalledCount).map { _ in try proxy.stalledConnection() }
      // Every one of them has more to send than the kernel and its block would hold.
      let limit = QuietProxy.bufferMemory
      let held = { try proxy.metric("azimuth_proxy_held_bytes") }
      eventually("all memory for buffers is in use", within: .seconds(40)) { try held() == limit }
      let most = try proxy.residentBytes()
      print("\(stalled.count) stalled connections: \((most - full) >> 20) MB more")
      #expect(most - full < limit + stalled.count * 4096)

      #expect(proxy.readAll(stalled) == stalled.count)
      eventually("no buffer is in use any more") { try held() == 0 }
      withExtendedLifetime(idle) {}
    }
  }
}

/// The program as a proxy with endpoints that take connections and say nothing, and one that
/// pours the same bytes into each.
private final class QuietProxy {
  static let bufferMemory = 16 << 20
  static let stalledCount = 1000

  /// What each stalled client is sent.
  let block = {
    var generator = SeededGenerator(seed: 1)
    return (0..<512 << 10).map { _ in UInt8.random(in: 0...255, using: &generator) }
  }()
  private let admin = Ports.free()
  private let idle = Ports.free()
  private let stalled = Ports.free()
  private let endpoints: [Socket]
  private let pourer: Socket
  private let folder: URL
  private let process: RunningProcess

  init() throws {
    let (quiet, pouring) = (Ports.free(), Ports.free())
    // They wait in the listeners' queues, which hold some 4,000 each.
    let addresses = (1...5).map { "127.0.12.\($0)" }
    endpoints = try addresses.map { try .listening(on: $0, port: quiet, backlog: 4096) }
    pourer = try .listening(on: "127.0.12.9", port: pouring, backlog: 1024, sendBuffer: 16_384)
    folder = try temporaryFolder()
    let file = folder.appending(path: "c.yaml")
    let quietEndpoints = addresses.map { "\"\($0):\(quiet)\"" }.joined(separator: ", ")
    try """
    regions: {here: {}}
    pools:
      quiet: {endpoints: {here: [\(quietEndpoints)]}}
      pouring: {endpoints: {here: ["127.0.12.9:\(pouring)"]}}
    policies: {only: {type: failover, order: [here]}}
    services:
      quiet: {pool: quiet, policy: only}
      pouring: {pool: pouring, policy: only}
    proxy:
      buffer_memory: 16MiB
      access_log: off
      threads: 1
      listeners:
        idle: {listen: ["127.0.0.1:\(idle)"], service: quiet}
        stalled: {listen: ["127.0.0.1:\(stalled)"], service: pouring}
    admin: {listen: "127.0.0.1:\(admin)"}
    """.write(to: file, atomically: true, encoding: .utf8)
    process = try RunningProcess(Program.path, ["serve", file.path])
    eventually("readiness") {
      guard process.isRunning else { throw World.Ended(log: process.all) }
      return try HTTPConnection(port: admin).request("GET", "/readyz").status == 200
    }
    pour()
  }

  deinit {
    pourer.interrupt()
    process.end(with: SIGKILL)
    try? FileManager.default.removeItem(at: folder)
  }

  /// Ten thousand, or what the system's limit on open files leaves: the program has two for each,
  /// and this process one.
  var idleCount: Int {
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    return min(10_000, (Int(limit.rlim_max) - 3 * Self.stalledCount) / 2 - 1000)
  }

  func idleConnection() throws -> Socket { try .tcp(to: "127.0.0.1", port: idle) }

  func stalledConnection() throws -> Socket {
    try .tcp(to: "127.0.0.1", port: stalled, isSmall: true)
  }

  func awaitConnections(_ count: Int) {
    eventually("\(count) connections", within: .seconds(40)) {
      try self.metric("azimuth_proxy_region_connections_total{listener=\"idle\",region=\"here\"}")
        == count
    }
  }

  func residentBytes() throws -> Int { try metric("process_resident_memory_bytes") }

  func metric(_ name: String) throws -> Int {
    let text = try HTTPConnection(port: admin).request("GET", "/metrics").text
    let line = text.split(separator: "\n").first { $0.hasPrefix(name + " ") }
    return line.flatMap { Int($0.dropFirst(name.utf8.count + 1)) } ?? 0
  }

  /// Each by a few segments a round trip, so many at a time.
  ///
  /// - Returns: how many got what was sent.
  func readAll(_ sockets: [Socket]) -> Int {
    let (block, threads) = (block, 25)
    let right = Mutex(0)
    let running = Mutex(threads)
    for first in 0..<threads {
      Thread.detachNewThread {
        for socket in stride(from: first, to: sockets.count, by: threads).map({ sockets[$0] }) {
          guard let got = try? socket.receive(exactly: block.count), got == block else { continue }
          right.withLock { $0 += 1 }
        }
        running.withLock { $0 -= 1 }
      }
    }
    eventually("all have read", within: .seconds(90)) { running.withLock { $0 } == 0 }
    return right.withLock { $0 }
  }

  /// As much as each connection takes, one after the other, until all have all.
  private func pour() {
    let (pourer, block) = (pourer, block)
    let connections = Mutex<[Socket]>([])
    Thread.detachNewThread {
      while let next = pourer.accept() { connections.withLock { $0.append(next) } }
    }
    Thread.detachNewThread {
      var sent: [Int] = []
      while sent.count < Self.stalledCount || sent.contains(where: { $0 < block.count }) {
        let sockets = connections.withLock { $0 }
        sent += Array(repeating: 0, count: sockets.count - sent.count)
        for (index, socket) in sockets.enumerated() where sent[index] < block.count {
          guard let count = try? socket.sendSome(block[sent[index]...]) else { return }
          sent[index] += count
        }
        rest()
      }
    }
  }
}
