import Balancing
import Foundation
import Places
import Proxying
import Synchronization
import Testing

/// Bytes that depend on the seed only.
private func randomBytes(_ count: Int, seed: UInt64) -> [UInt8] {
  var random = FastRandom(seed: seed)
  var bytes = [UInt8](repeating: 0, count: count)
  for index in stride(from: 0, to: count, by: 4) {
    let word = random.next() >> 32
    for place in 0..<min(4, count - index) {
      bytes[index + place] = UInt8(truncatingIfNeeded: word >> UInt64(place * 8))
    }
  }
  return bytes
}

@Test(arguments: [1, 100, 4096, 65_536])
func `large random streams pass unchanged both ways`(_ bufferBytes: Int) throws {
  let echo = try TestServer.echo()
  let world = try ProxyWorld(regions: [[echo.address]]) { $0.bufferBytes = bufferBytes }
  let seed = UInt64.random(in: 1 ... .max)
  let sent = randomBytes(min(2_000_000, bufferBytes * 20_000), seed: seed)
  let client = try TestSocket(to: world.address)
  Thread.detachNewThread {
    try? client.send(sent)
    client.finish()
  }
  let received = try client.receiveAll()
  #expect(received == sent, "seed \(seed), \(received.count) bytes of \(sent.count)")
  client.close()
  #expect(eventually { world.closed(.clientClosed) == 1 })
  #expect(world.counter("bytes", "up") == UInt64(sent.count))
  #expect(world.counter("bytes", "down") == UInt64(sent.count))
  #expect(eventually { world.server.connectionCount == 0 })
}

@Test func `an answer arrives after the client has finished`() throws {
  let server = try TestServer { socket in
    let question = try socket.receiveAll()
    try socket.send(Array("got \(question.count)".utf8) + randomBytes(300_000, seed: 7))
  }
  let world = try ProxyWorld(regions: [[server.address]])
  let client = try TestSocket(to: world.address)
  try client.send(randomBytes(100_000, seed: 9))
  client.finish()
  let answer = try client.receiveAll()
  #expect(answer.starts(with: Array("got 100000".utf8)))
  #expect(answer.count == 300_010)
}

@Test func `an upload goes on after the endpoint has finished`() throws {
  let count = Mutex(0)
  let server = try TestServer { socket in
    try socket.send(Array("bye".utf8))
    socket.finish()
    let all = try socket.receiveAll()
    count.withLock { $0 = all.count }
  }
  let world = try ProxyWorld(regions: [[server.address]])
  let client = try TestSocket(to: world.address)
  #expect(try client.receiveAll() == Array("bye".utf8))
  try client.send(randomBytes(1_000_000, seed: 3))
  client.finish()
  #expect(eventually { count.withLock { $0 } == 1_000_000 })
  #expect(eventually { world.closed(.upstreamClosed) == 1 })
}

@Test func `a reset by the client reaches the endpoint as a reset`() throws {
  let end = Mutex<SocketFailure?>(nil)
  let server = try TestServer { socket in
    do {
      while try !socket.receive().isEmpty {}
    } catch let failure as SocketFailure {
      end.withLock { $0 = failure }
    }
  }
  let world = try ProxyWorld(regions: [[server.address]])
  let client = try TestSocket(to: world.address)
  try client.send([1, 2, 3])
  #expect(eventually { world.counter("bytes", "up") == 3 })
  client.reset()
  #expect(eventually { end.withLock { $0 } == .code(ECONNRESET) })
  #expect(eventually { world.closed(.clientReset) == 1 })
}

@Test func `a reset by the endpoint reaches the client as a reset`() throws {
  let server = try TestServer { socket in
    _ = try socket.receive()
    socket.reset()
  }
  let world = try ProxyWorld(regions: [[server.address]])
  let client = try TestSocket(to: world.address)
  try client.send([1, 2, 3])
  #expect(throws: SocketFailure.code(ECONNRESET)) { try client.receive() }
  #expect(eventually { world.closed(.upstreamReset) == 1 })
}

@Test func `a sender is held up by a reader that does not read`() throws {
  let isReading = Atomic<Bool>(false)
  let received = Atomic<Int>(0)
  let server = try TestServer { socket in
    while !isReading.load(ordering: .relaxed) { usleep(1000) }
    while true {
      let count = try socket.receive().count
      if count == 0 { return }
      received.add(count, ordering: .relaxed)
    }
  }
  let world = try ProxyWorld(regions: [[server.address]]) { $0.bufferBytes = 16_384 }
  let client = try TestSocket(to: world.address)
  let sent = Atomic<Int>(0)
  let total = 64 << 20
  Thread.detachNewThread {
    let block = [UInt8](repeating: 5, count: 65_536)
    while sent.load(ordering: .relaxed) < total, (try? client.send(block)) != nil {
      sent.add(block.count, ordering: .relaxed)
    }
    client.finish()
  }
  // What the proxy has read and not passed on is at most one buffer; the rest is the kernel's.
  var last = -1
  #expect(
    eventually {
      let now = sent.load(ordering: .relaxed)
      usleep(100_000)
      defer { last = now }
      return now == last && now > 0
    })
  #expect(sent.load(ordering: .relaxed) < total)
  isReading.store(true, ordering: .relaxed)
  #expect(eventually { received.load(ordering: .relaxed) == total })
}

@Test func `when the memory for held bytes is used up streams still pass unchanged`() throws {
  let isReading = Atomic<Bool>(false)
  let sums = Mutex<[Int]>([])
  let server = try TestServer { socket in
    let first = try socket.receiveExactly(1)
    while first == [1] && !isReading.load(ordering: .relaxed) { usleep(1000) }
    let all = try socket.receiveAll()
    sums.withLock { $0.append(all.reduce(Int(first[0])) { $0 &* 31 &+ Int($1) }) }
  }
  // One block of 64 KiB, and four readers that do not read: three of them have none.
  let world = try ProxyWorld(regions: [[server.address]], heldByteLimit: 1)
  let stream = randomBytes(24 << 20, seed: 11)
  let sent = Atomic<Int>(0)
  for _ in 0..<4 {
    Thread.detachNewThread {
      guard let client = try? TestSocket(to: world.address) else { return }
      try? client.send([1] + stream)
      sent.add(1, ordering: .relaxed)
      client.finish()
      _ = try? client.receiveAll()
    }
  }
  #expect(eventually { world.counter("bytes", "up") > 4 << 20 })
  // Others are served meanwhile.
  let other = try TestSocket(to: world.address)
  try other.send([2] + stream)
  other.finish()
  #expect(eventually { sums.withLock { $0.count } == 1 })
  isReading.store(true, ordering: .relaxed)
  #expect(eventually { sums.withLock { $0.count } == 5 })
  let expected = [1, 1, 1, 1, 2].map { first in stream.reduce(first) { $0 &* 31 &+ Int($1) } }
  #expect(Set(sums.withLock { $0 }) == Set(expected))
}

@Test func `a thousand connections are open at once`() throws {
  let echo = try TestServer { socket in
    try socket.send(try socket.receiveExactly(4))
    _ = try socket.receive()
  }
  let world = try ProxyWorld(regions: [[echo.address]], threads: 2)
  let clients = try (0..<1000).map { _ in try TestSocket(to: world.address) }
  for (index, client) in clients.enumerated() { try client.send(token(index)) }
  for (index, client) in clients.enumerated() {
    #expect(try client.receiveExactly(4) == token(index))
  }
  #expect(world.server.connectionCount == 1000)
  for client in clients { client.close() }
  #expect(eventually { world.server.connectionCount == 0 })
  #expect(world.closed(.clientClosed) == 1000)
}

private func token(_ index: Int) -> [UInt8] { [1, 2, UInt8(index >> 8), UInt8(index & 255)] }

@Test func `stopping resets what is open`() throws {
  let echo = try TestServer.echo()
  let world = try ProxyWorld(regions: [[echo.address]])
  let client = try TestSocket(to: world.address)
  try client.send([1])
  _ = try client.receive()
  world.server.stop()
  #expect(throws: SocketFailure.code(ECONNRESET)) { try client.receive() }
  #expect(world.closed(.shutdown) == 1)
}
