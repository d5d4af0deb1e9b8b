import Answering
import Counters
import DNSWire
import Editions
import Listening
import Places
import ProxyProtocol
import RateLimiting
import Synchronization
import TestSupport
import Testing

/// Notes who sent uncommon messages, and repeats them.
private final class Witness: UncommonMessages {
  let sources = Mutex<[ServerAddress]>([])

  func answers(
    to message: [UInt8], from source: ServerAddress, over transport: Responder.Transport,
    edition: Edition
  ) -> (any AnswerStream)? {
    sources.withLock { $0.append(source) }
    return Echo(message)
  }

  private final class Echo: AnswerStream {
    private var message: [UInt8]?
    init(_ message: [UInt8]) { self.message = message }
    func next() -> [UInt8]? {
      defer { message = nil }
      return message
    }
  }
}

/// The PROXY protocol in front of DNS over UDP.
@Suite(.timeLimit(.minutes(1))) struct ProxiedDatagramTests {
  private struct World {
    let listener: UDPListener
    let board: CounterBoard

    init(
      _ address: String = "127.0.0.1:0", trusted: [String] = ["127.0.0.0/30", "::1/128"],
      rules: AnswerRules = AnswerRules(), limiterBytes: Int = 64,
      uncommon: (any UncommonMessages)? = nil
    ) throws {
      board = CounterBoard()
      let parts = ResponderParts(
        desk: EditionDesk(try edition(rules: rules)), counters: board,
        limiter: RateLimiter(byteCount: limiterBytes, seed: 0), uncommon: uncommon)
      listener = try UDPListener.start(
        UDPListener.Settings(
          addresses: [try #require(ServerAddress(address))], threads: 1,
          receiveBufferBytes: 1 << 16,
          proxies: TrustedProxies(trusted.compactMap { AddressPrefix($0) })),
        parts: parts)
    }

    func client(from source: String? = nil) -> Client {
      Client(listener.boundAddresses[0], isStream: false, from: source)
    }

    var droppedCount: UInt64 {
      let reason = CounterBoard.Label("reason", "proxy_header")
      return board.sums().filter { $0.series.labels.contains(reason) }.reduce(0) { $0 + $1.value }
    }
  }

  /// A header of version 2 and 536 octets, the most that is read.
  private static var longest: [UInt8] {
    var header = proxyHeader(from: [192, 0, 2, 1], transport: 0x12)
    header[14] = 2
    header[15] = 8
    return header + [4, 1, 0xF9] + Array(repeating: 0, count: 505)
  }

  private static var ipv6: [UInt8] {
    Array(proxyHeader(from: [], transport: 0x22).prefix(14)) + [0, 36]
      + Array(repeating: 0x20, count: 32) + [0, 1, 0, 53]
  }

  @Test(arguments: [
    proxyHeader(from: [192, 0, 2, 1], transport: 0x12), proxyHeader(from: [192, 0, 2, 1]),
    proxyHeader(from: [192, 0, 2, 1], command: 0x20), ipv6, longest,
  ])
  func `a query behind a trusted proxy's header is answered, without a header`(header: [UInt8])
    throws
  {
    for address in ["127.0.0.1:0", "[::1]:0"] {
      let world = try World(address)
      defer { world.listener.stop() }
      let client = world.client()
      for id in UInt8(1)...3 {
        client.send(header + (try query("www.test.", id: id)))
        let answer = client.receive()
        #expect(answer.prefix(2) == [0, id])
        #expect(answer.suffix(4) == [192, 0, 2, 1])
        #expect(answer.count == 42)
      }
      #expect(world.droppedCount == 0)
    }
  }

  @Test func `the longest query fits behind the longest header`() throws {
    let witness = Witness()
    let world = try World(uncommon: witness)
    defer { world.listener.stop() }
    // A transfer is asked for, and behind the question there is an option of padding.
    var message = try query("test.", id: 1, type: .axfr)
    message[11] = 1
    let padding = 1_232 - message.count - 15
    message += [0, 0, 41, 4, 208, 0, 0, 0, 0]
    message += [UInt8((padding + 4) >> 8), UInt8((padding + 4) & 255), 0, 12]
    message += [UInt8(padding >> 8), UInt8(padding & 255)] + Array(repeating: 0, count: padding)
    #expect(message.count == 1_232)
    let client = world.client()
    client.send(Self.longest + message)
    #expect(client.receive() == message)
  }

  @Test func `the client is the one that the header names, its port too`() throws {
    let witness = Witness()
    let world = try World(uncommon: witness)
    defer { world.listener.stop() }
    let proxy = world.client()
    let asked = try query("test.", id: 1, type: .axfr)
    for header in [
      proxyHeader(from: [192, 0, 2, 1], transport: 0x12),
      proxyHeader(from: [192, 0, 2, 1], command: 0x20, transport: 0x12),
    ] {
      proxy.send(header + asked)
      #expect(proxy.receive() == asked)
    }
    let plain = world.client(from: "127.0.0.9")
    plain.send(asked)
    #expect(plain.receive() == asked)
    let sources = witness.sources.withLock { $0 }
    #expect(sources.count == 3)
    #expect(sources[0].description == "192.0.2.1:40000")
    #expect(sources[1].address == IPAddress("127.0.0.1"))
    #expect(sources[2].address == IPAddress("127.0.0.9"))
  }

  @Test func `clients are limited by the address that the header names`() throws {
    let limits = RateLimits(rates: .init(answers: 1, nameErrors: 1, errors: 1), slip: 0)
    let world = try World(rules: AnswerRules(rateLimits: limits), limiterBytes: 1 << 16)
    defer { world.listener.stop() }
    let client = world.client()
    func ask(_ id: UInt8, for network: UInt8) throws {
      let header = proxyHeader(from: [192, 0, network, 1], transport: 0x12)
      client.send(header + (try query("www.test.", id: id)))
    }
    // The first network asks for more than it gets; another one is answered all the same.
    for id in UInt8(1)...40 { try ask(id, for: 2) }
    try ask(99, for: 3)
    var ids: [UInt8] = []
    repeat { ids.append(client.receive()[1]) } while ids.last != 99
    #expect(ids.count < 10)
  }

  @Test func `of a trusted proxy, what has no header or a damaged one is dropped and counted`()
    throws
  {
    let world = try World()
    defer { world.listener.stop() }
    let client = world.client()
    let asked = try query("www.test.", id: 1)
    let good = proxyHeader(from: [192, 0, 2, 1], transport: 0x12)
    var damaged = good
    damaged[12] = 0x31
    // Version 1 is for streams only.
    let text = Array("PROXY TCP4 192.0.2.1 198.51.100.7 40000 53\r\n".utf8)
    let bad = [asked, damaged + asked, text + asked, Array(good.dropLast()), [], [13]]
    for datagram in bad { client.send(datagram) }
    // Nothing behind the header: no query.
    client.send(good)
    client.send(good + (try query("www.test.", id: 2)))
    #expect(client.receive().prefix(2) == [0, 2])
    #expect(world.droppedCount == UInt64(bad.count))
  }

  @Test(arguments: [["127.0.0.0/30"], []])
  func `of everybody else a header is no header, and draws no more than an error`(
    trusted: [String]
  ) throws {
    let world = try World(trusted: trusted)
    defer { world.listener.stop() }
    let client = world.client(from: "127.0.0.9")
    let asked = try query("www.test.", id: 1)
    client.send(proxyHeader(from: [192, 0, 2, 1], transport: 0x12) + asked)
    client.send(asked)
    var answer = client.receive()
    if answer.prefix(2) == [13, 10] {
      #expect(answer.count == 12 && answer[3] & 15 != 0)
      answer = client.receive()
    }
    #expect(answer.prefix(2) == [0, 1])
    #expect(world.droppedCount == 0)
  }

  @Test func `on a wildcard address the proxy is answered from the address that it asked`() throws {
    let world = try World("0.0.0.0:0")
    defer { world.listener.stop() }
    let asked = ServerAddress(
      address: try #require(IPAddress("127.0.0.5")), port: world.listener.boundAddresses[0].port)
    let client = Client(asked, isStream: false)
    client.send(
      proxyHeader(from: [192, 0, 2, 1], transport: 0x12) + (try query("www.test.", id: 1)))
    #expect(client.receive().count == 42)
  }

  @Test func `whatever a trusted proxy sends, the next query is answered`() throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    var generator = SeededGenerator(seed: seed)
    let world = try World()
    defer { world.listener.stop() }
    let client = world.client()
    let header = proxyHeader(from: [192, 0, 2, 1], transport: 0x12)
    for round in 0..<2_000 {
      var datagram = header + (try query("www.test.", id: 1))
      for _ in 0...Int.random(in: 0..<3, using: &generator) {
        let place = Int.random(in: 0..<datagram.count, using: &generator)
        datagram[place] = .random(in: 0...255, using: &generator)
      }
      if Bool.random(using: &generator) {
        datagram.removeLast(.random(in: 0...datagram.count, using: &generator))
      }
      client.send(datagram)
      guard round % 20 == 0 else { continue }
      client.send(header + (try query("www.test.", id: 200)))
      var answer = client.receive()
      // Those before it may be answered too, by errors.
      while !answer.isEmpty && (answer.prefix(2) != [0, 200] || answer.count != 42) {
        answer = client.receive()
      }
      try #require(!answer.isEmpty, "seed \(seed), round \(round)")
    }
  }
}
