import Glibc
import Places
import Proxying
import Synchronization
import Testing

/// Reads so many bytes, and resets the connection.
private func resetting(after count: Int) throws -> TestServer {
  try TestServer { socket in
    _ = try socket.receiveExactly(count)
    socket.reset()
  }
}

@Suite struct `A connection that is reset before the endpoint answers` {
  @Test(arguments: [1, 20_000])
  func `goes to another one with all that was sent, where the listener wants it`(
    count: Int
  ) throws {
    let first = try resetting(after: count)
    let second = try TestServer.echo()
    let world = try ProxyWorld(regions: [[first.address], [second.address]]) {
      $0.repeatedBytes = 32_768
    }
    let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
    let socket = try TestSocket(to: world.address)
    try socket.send(bytes)
    #expect(try socket.receiveExactly(count) == bytes)
    // From then on it is a connection like others.
    try socket.send([7])
    #expect(try socket.receive() == [7])
    socket.finish()
    #expect(try socket.receiveAll() == [])
    #expect(eventually { world.closed(.clientClosed) == 1 })
    #expect(world.counter("repeated_connections") == 1)
    #expect(world.counter("bytes", "up") == UInt64(count + 1))
    withExtendedLifetime((first, second)) {}
  }

  @Test func `passes on the client's FIN as well`() throws {
    let first = try TestServer { socket in
      _ = try socket.receiveAll()
      socket.reset()
    }
    let second = try TestServer { socket in
      let bytes = try socket.receiveAll()
      try socket.send(bytes + [0])
    }
    let world = try ProxyWorld(regions: [[first.address], [second.address]]) {
      $0.repeatedBytes = 1024
    }
    let socket = try TestSocket(to: world.address)
    try socket.send([1, 2])
    socket.finish()
    #expect(try socket.receiveAll() == [1, 2, 0])
    withExtendedLifetime((first, second)) {}
  }

  /// Bytes that are sent, and that are kept at most.
  @Test(arguments: [(10, 0), (3000, 2000)])
  func `is reset for the client where nothing, or not all, was kept`(
    count: Int, kept: Int
  ) throws {
    let first = try resetting(after: count)
    let second = try TestServer.echo()
    let world = try ProxyWorld(regions: [[first.address], [second.address]]) {
      $0.repeatedBytes = kept
    }
    let socket = try TestSocket(to: world.address)
    try socket.send([UInt8](repeating: 1, count: count))
    #expect(throws: SocketFailure.code(ECONNRESET)) { try socket.receive() }
    #expect(world.closed(.upstreamReset) == 1)
    #expect(second.acceptedCount.load(ordering: .relaxed) == 0)
    withExtendedLifetime(first) {}
  }

  @Test func `is reset for the client once the endpoint has answered`() throws {
    let first = try TestServer { socket in
      try socket.send(try socket.receive())
      _ = try socket.receive()
      socket.reset()
    }
    let second = try TestServer.echo()
    let world = try ProxyWorld(regions: [[first.address], [second.address]]) {
      $0.repeatedBytes = 1024
    }
    let socket = try TestSocket(to: world.address)
    try socket.send([1])
    #expect(try socket.receive() == [1])
    try socket.send([2])
    #expect(throws: SocketFailure.code(ECONNRESET)) { try socket.receive() }
    #expect(second.acceptedCount.load(ordering: .relaxed) == 0)
    withExtendedLifetime(first) {}
  }

  @Test func `is reset for the client when all have reset it`() throws {
    let servers = try (0..<3).map { _ in try resetting(after: 1) }
    let world = try ProxyWorld(regions: servers.map { [$0.address] }) { $0.repeatedBytes = 1024 }
    let socket = try TestSocket(to: world.address)
    try socket.send([1])
    #expect(throws: SocketFailure.code(ECONNRESET)) { try socket.receive() }
    #expect(world.closed(.upstreamReset) == 1)
    #expect(world.counter("repeated_connections") == 3)
    #expect(servers.map { $0.acceptedCount.load(ordering: .relaxed) } == [1, 1, 1])
  }
}
