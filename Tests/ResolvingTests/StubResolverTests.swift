import Editions
import Logging
import NIOCore
import NIOPosix
import Places
import Resolving
import Synchronization
import Testing

private let good = "a.example.net 300 A 192.0.2.1"
private let found = StubQuery.Reading.addresses([.ipv4(0xC000_0201)], ttlSeconds: 300)

private func resolver(
  _ servers: ScriptedResolver..., timeout: TimeAmount = .seconds(5)
) -> StubResolver {
  let addresses = servers.map(\.address)
  return StubResolver(group: MultiThreadedEventLoopGroup.singleton, timeout: timeout) { addresses }
}

@Suite struct `Asking resolvers` {
  @Test func `each question comes from a port of its own (RFC 5452 §9.2)`() async throws {
    let server = try await ScriptedResolver { query, _ in [try reply(to: query, [good])] }
    let stub = resolver(server)
    for _ in 0..<5 { #expect(await stub.addresses(of: question) == found) }
    #expect(Set(server.script.asked.withLock { $0.map(\.port) }).count > 1)
    try await server.close()
  }

  @Test func `what does not answer the question is passed over (RFC 5452 §9.1)`() async throws {
    let server = try await ScriptedResolver { query, _ in
      let other = StubQuery(id: 0, question: .init(name: question.name, isIPv6: true)).bytes
      return [
        [], [1, 2, 3], query, try reply(to: query, [good], id: 0),
        try reply(to: Array(query[..<2]) + other[2...], []), try reply(to: query, [good]),
      ]
    }
    #expect(await resolver(server).addresses(of: question) == found)
    try await server.close()
  }

  @Test func `what is truncated is asked for over TCP (RFC 7766 §5)`() async throws {
    let server = try await ScriptedResolver { query, isTCP in
      [try reply(to: query, isTCP ? [good] : [], flags: isTCP ? 0x8180 : 0x8380)]
    }
    #expect(await resolver(server).addresses(of: question) == found)
    #expect(server.script.asked.withLock { $0.map(\.isTCP) } == [false, true])
    try await server.close()
  }

  @Test func `the next one is asked when one is silent or fails`() async throws {
    let silent = try await ScriptedResolver { _, _ in [] }
    let failing = try await ScriptedResolver { query, _ in
      [try reply(to: query, [], flags: 0x8182)]
    }
    let server = try await ScriptedResolver { query, _ in [try reply(to: query, [good])] }
    let stub = resolver(silent, failing, server, timeout: .milliseconds(200))
    #expect(await stub.addresses(of: question) == found)
    for each in [silent, failing, server] { try await each.close() }
  }

  @Test func `all are asked twice before that is a failure`() async throws {
    let server = try await ScriptedResolver { query, isTCP in
      isTCP ? [] : [try reply(to: query, [], flags: 0x8380)]
    }
    let answer = await resolver(server).addresses(of: question)
    #expect(
      answer
        == .failure("the connection ended without an answer, asked \(server.address)"))
    #expect(server.script.asked.withLock { $0.count } == 4)
    try await server.close()
    let none = StubResolver(group: MultiThreadedEventLoopGroup.singleton) { [] }
    #expect(await none.addresses(of: question) == .failure("there is no resolver to ask"))
  }
}

@Suite struct `Keeping names resolved` {
  @Test func `publishes what is wanted as soon as it is known, and drops what is not`() async {
    let wanted = Mutex<Set<ResolvedNames.Question>>([question])
    let (updates, continuation) = AsyncStream.makeStream(of: ResolvedNames.self)
    let resolver = NameResolver(
      logger: Logger(label: "test"), wanted: { wanted.withLock { $0 } }, ask: { _ in found },
      publish: { _ = continuation.yield($0) })
    let task = Task { await resolver.run() }
    for await update in updates {
      let isWanted = wanted.withLock { !$0.isEmpty }
      if isWanted, update[question]?.addresses == [.ipv4(0xC000_0201)] {
        wanted.withLock { $0 = [] }
      } else if !isWanted, update == .none {
        break
      }
    }
    task.cancel()
    await task.value
  }
}
