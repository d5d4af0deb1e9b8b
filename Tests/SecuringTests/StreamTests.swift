import Glibc
import Securing
import TestSupport
import Testing

/// What streams of sessions look like to those who move their bytes.
@Suite struct StreamTests {
  let server: TLSServerContext
  let client: TLSClientContext

  init() throws {
    server = try TLSServerContext(HandshakeTests.site.get())
    client = try TLSClientContext(TLSClientRules(roots: HandshakeTests.authority.get().roots))
  }

  /// Moves bytes both ways at once, in pieces of random sizes, until both streams have ended.
  private func exchange(
    _ pair: SessionPair, _ up: [UInt8], _ down: [UInt8], _ generator: inout SeededGenerator
  ) throws -> (up: [UInt8], down: [UInt8]) {
    struct Flow {
      var source: TLSSession
      var sink: TLSSession
      var bytes: [UInt8]
      var sent = 0
      /// A retry is no shorter than what came before.
      var offered = 0
      var received: [UInt8] = []
      var isFinished = false
      var isAtEnd = false
    }
    let (server, client) = (try #require(pair.server), try #require(pair.client))
    var flows = [
      Flow(source: client, sink: server, bytes: up),
      Flow(source: server, sink: client, bytes: down),
    ]
    while !flows.allSatisfy(\.isAtEnd) {
      for index in flows.indices {
        if flows[index].sent < flows[index].bytes.count {
          let rest = flows[index].bytes.count - flows[index].sent
          let size = min(
            rest, max(flows[index].offered, .random(in: 1...70_000, using: &generator)))
          let start = flows[index].sent
          switch flows[index].source.write(Array(flows[index].bytes[start..<start + size])) {
          case .done(let count):
            flows[index].sent += count
            flows[index].offered = size - count
          case .wantsWrite: flows[index].offered = size
          case let other: Issue.record("a write came to \(other)")
          }
        } else if !flows[index].isFinished {
          flows[index].isFinished = flows[index].source.finish() == .done(0)
        }
        let size = Int.random(in: 1...70_000, using: &generator)
        let (result, bytes) = flows[index].sink.read(size)
        flows[index].received += bytes
        if result == .ended { flows[index].isAtEnd = true }
        if case .broken(let why) = result { throw Broken(why: why) }
      }
    }
    return (flows[0].received, flows[1].received)
  }

  struct Broken: Error { var why: TLSBreak }

  @Test(arguments: [Int32(0), 4096])
  func `8 MiB both ways at once arrive as they were, through windows large and small`(
    _ bufferBytes: Int32
  ) throws {
    let seed = UInt64.random(in: 0 ... .max)
    var generator = SeededGenerator(seed: seed)
    let up = (0..<8 << 20).map { _ in UInt8.random(in: 0...255, using: &generator) }
    let down = (0..<8 << 20).map { _ in UInt8.random(in: 0...255, using: &generator) }
    let pair = try SessionPair.open(server, client, bufferBytes: bufferBytes)
    let received = try exchange(pair, up, down, &generator)
    #expect(received.up == up && received.down == down, "seed \(seed)")
  }

  @Test func `RFC 8446 §6.1: a stream ends while the other goes on`() throws {
    let pair = try SessionPair.open(server, client)
    let (server, client) = (try #require(pair.server), try #require(pair.client))
    #expect(client.write([1, 2, 3]) == .done(3))
    #expect(client.finish() == .done(0))
    #expect(server.read().bytes == [1, 2, 3])
    #expect(server.read().result == .ended)
    #expect(server.read().result == .ended)
    #expect(server.write([4, 5]) == .done(2))
    #expect(client.read().bytes == [4, 5])
    #expect(server.finish() == .done(0))
    #expect(client.read().result == .ended)
  }

  @Test func `RFC 8446 §6.1: an end without close_notify may be a cut`() throws {
    let pair = try SessionPair.open(server, client)
    let (server, client) = (try #require(pair.server), try #require(pair.client))
    #expect(client.write([1, 2, 3]) == .done(3))
    shutdown(pair.clientSocket, Int32(SHUT_WR))
    #expect(server.read().bytes == [1, 2, 3])
    #expect(server.read().result == .broken(.truncated))
    #expect(server.read().result == .broken(.truncated))
  }

  @Test func `What follows a short read is known without another call`() throws {
    let pair = try SessionPair.open(server, client)
    let (server, client) = (try #require(pair.server), try #require(pair.client))
    #expect(client.write([UInt8](repeating: 7, count: 100)) == .done(100))
    #expect(server.read(60).result == .done(60))
    #expect(server.hasMore)
    #expect(server.read(60).result == .done(40))
    #expect(!server.hasMore)
    #expect(server.read().result == .wantsRead)
  }

  @Test func `A reset is told`() throws {
    let pair = try SessionPair.open(server, client)
    let (server, client) = (try #require(pair.server), try #require(pair.client))
    // What nobody has read when a socket closes makes a reset of it.
    #expect(server.write([1]) == .done(1))
    pair.client = nil
    let other = dup(open("/dev/null", O_RDONLY))
    dup2(other, pair.clientSocket)
    close(other)
    withExtendedLifetime(client) {}
    // A program that another test is starting has the socket for a moment more.
    var result = server.read().result
    for _ in 0..<1000 where result == .wantsRead {
      usleep(1000)
      result = server.read().result
    }
    #expect(result == .broken(.reset))
  }

  @Test func `Records that are none break the session`() throws {
    let pair = try SessionPair.open(server, client)
    let server = try #require(pair.server)
    let bytes = Array("GET / HTTP/1.1\r\n\r\n".utf8)
    #expect(send(pair.clientSocket, bytes, bytes.count, 0) == bytes.count)
    #expect(server.read().result == .broken(.failed))
    #expect(server.read().result == .broken(.failed))
    #expect(!server.reason.isEmpty)
  }

  @Test func `A session goes on with its certificate when others begin with a new one`() throws {
    let authority = try HandshakeTests.authority.get()
    let old = try authority.sign(["swap.example.org"])
    let serial = try certificateFile(old)
    var context = try TLSServerContext(old)
    let first = try SessionPair.open(context, client, name: "swap.example.org")
    let new = try authority.sign(["swap.example.org", "second.example.org"])
    #expect(try certificateFile(new) != serial)
    context = try TLSServerContext(new)
    let second = try SessionPair.open(context, client, name: "second.example.org")
    for pair in [first, second] {
      #expect(try #require(pair.client).write([9]) == .done(1))
      #expect(try #require(pair.server).read().bytes == [9])
    }
    #expect(context.names == [["swap.example.org", "second.example.org"]])
  }
}
