import DNSWire
import NIOCore
import NIOPosix
import Places
import ProxyProtocol
import SelfQuerying
import Synchronization
import Testing
import Transferring

private let clientCookie: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8]
private let serverCookie: [UInt8] = clientCookie + Array(repeating: 9, count: 16)

private func question(id: UInt16 = 77, cookie: [UInt8] = clientCookie) throws -> SelfQuestion {
  SelfQuestion(id: id, name: try DomainName("example.org."), type: .soa, cookie: cookie)
}

/// What a server says to a question.
private struct Answer {
  /// An answer, with authority.
  var flags: UInt16 = 0x8400
  /// The upper bits of the code.
  var extended: UInt32 = 0
  var hasRecord = true
  var cookie: [UInt8]? = serverCookie

  func bytes(to query: [UInt8], id: UInt16? = nil) throws -> [UInt8] {
    let asked = try WireMessage(query)
    let question = try #require(asked.questions.first)
    var builder = MessageBuilder(id: id ?? asked.id, flags: flags, question: question)
    if hasRecord {
      builder.append(
        question.name, question.type, ttlSeconds: 60, data: Array(repeating: 0, count: 22))
    }
    let option = cookie.map { [0, 10, 0, UInt8($0.count)] + $0 } ?? []
    builder.append(
      .root, .opt, recordClass: RecordClass(rawValue: 1_232), ttlSeconds: extended << 24,
      data: [0, 3, 0, 1, 65] + option, to: .additional)
    return builder.bytes
  }
}

@Suite struct `What a node asks itself` {
  @Test func `an answer with authority and a record of the name is right`() throws {
    let question = try question()
    let reading = try #require(question.reading(of: Answer().bytes(to: question.bytes)))
    #expect(reading.fault == nil && reading.cookie == serverCookie && !reading.wantsCookie)
    let plain = try #require(
      question.reading(of: Answer(cookie: nil).bytes(to: question.bytes)))
    #expect(plain.fault == nil && plain.cookie.isEmpty)
  }

  @Test(
    arguments: [
      (0x8402, 0, "answered with code 2"), (0x8405, 0, "answered with code 5"),
      (0x8403, 0, "answered with code 3"), (0x8600, 0, "answered, but cut short"),
      (0x8000, 0, "answered without authority"), (0x8400, 1, "answered with code 16"),
    ] as [(UInt16, UInt32, String)])
  func `other answers are wrong`(flags: UInt16, extended: UInt32, fault: String) throws {
    let question = try question()
    let bytes = try Answer(flags: flags, extended: extended).bytes(to: question.bytes)
    #expect(try #require(question.reading(of: bytes)).fault == fault)
  }

  @Test func `an answer that there is no such record is wrong`() throws {
    let question = try question()
    let bytes = try Answer(hasRecord: false).bytes(to: question.bytes)
    #expect(try #require(question.reading(of: bytes)).fault?.contains("no SOA") == true)
  }

  @Test func `what answers another question is passed over (RFC 5452 §4)`() throws {
    let question = try question()
    #expect(question.reading(of: []) == nil && question.reading(of: question.bytes) == nil)
    #expect(question.reading(of: try Answer().bytes(to: question.bytes, id: 78)) == nil)
    var other = question
    other.type = .a
    #expect(question.reading(of: try Answer().bytes(to: other.bytes)) == nil)
  }

  @Test func `a cookie of another client is none, and BADCOOKIE asks for the given one`() throws {
    let question = try question()
    let foreign = Array(repeating: UInt8(7), count: 24)
    let taken = question.reading(of: try Answer(cookie: foreign).bytes(to: question.bytes))
    #expect(taken?.cookie == [])
    let bad = Answer(flags: 0x8007, extended: 1, hasRecord: false)
    let reading = try #require(question.reading(of: bad.bytes(to: question.bytes)))
    #expect(reading.wantsCookie && reading.fault == "answered with code 23")
    let known = try SelfQueryingTests.question(cookie: serverCookie)
    #expect(known.reading(of: try bad.bytes(to: known.bytes))?.wantsCookie == false)
  }
}

/// A server of one UDP socket that answers as a test says.
private final class Server: ChannelInboundHandler, Sendable {
  typealias InboundIn = AddressedEnvelope<ByteBuffer>
  typealias OutboundOut = AddressedEnvelope<ByteBuffer>

  let asked = Mutex<[[UInt8]]>([])
  private let answer: @Sendable ([UInt8]) -> [UInt8]?
  private let channel = Mutex<(any Channel)?>(nil)

  init(_ answer: @escaping @Sendable ([UInt8]) -> [UInt8]?) { self.answer = answer }

  func start() async throws -> Places.SocketAddress {
    let channel = try await DatagramBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .channelInitializer { $0.pipeline.addHandler(self) }
      .bind(host: "127.0.0.1", port: 0).get()
    self.channel.withLock { $0 = channel }
    return Places.SocketAddress(
      address: .ipv4(0x7F00_0001), port: UInt16(channel.localAddress?.port ?? 0))
  }

  func close() async throws { try await channel.withLock { $0 }?.close() }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let envelope = unwrapInboundIn(data)
    let query = Array(envelope.data.readableBytesView)
    asked.withLock { $0.append(query) }
    guard let bytes = answer(query) else { return }
    context.writeAndFlush(
      wrapOutboundOut(
        AddressedEnvelope(remoteAddress: envelope.remoteAddress, data: ByteBuffer(bytes: bytes))),
      promise: nil)
  }
}

@Suite struct `Asking oneself over real sockets` {
  private let name = Result { try DomainName("example.org.") }

  private func query(
    timeout: Duration = .seconds(5), proxies: TrustedProxies = TrustedProxies()
  ) -> SelfQuery {
    SelfQuery(group: MultiThreadedEventLoopGroup.singleton, timeout: timeout, proxies: proxies)
  }

  @Test func `all addresses must answer rightly`() async throws {
    let good = Server { try? Answer(cookie: nil).bytes(to: $0) }
    let bad = Server { try? Answer(flags: 0x8402).bytes(to: $0) }
    let (one, two) = (try await good.start(), try await bad.start())
    let query = query()
    #expect(await query.fault(of: [one], name: try name.get(), type: .soa) == nil)
    #expect(
      await query.fault(of: [one, two], name: try name.get(), type: .soa)
        == "\(two) answered with code 2")
    let everywhere = Places.SocketAddress(address: .ipv4(0), port: one.port)
    #expect(await query.fault(of: [everywhere], name: try name.get(), type: .soa) == nil)
    for server in [good, bad] { try await server.close() }
  }

  @Test func `silence is a fault when the time is over, and so is a closed port`() async throws {
    let silent = Server { _ in nil }
    let address = try await silent.start()
    #expect(
      await query(timeout: .milliseconds(50)).fault(
        of: [address], name: try name.get(), type: .soa)
        == "\(address) did not answer within 50 ms")
    try await silent.close()
    let fault = await query().fault(of: [address], name: try name.get(), type: .soa)
    #expect(fault?.hasPrefix("\(address) cannot be asked") == true, "\(fault ?? "none")")
  }

  @Test func `a cookie that was given is used, also where the server insists`() async throws {
    let server = Server { query in
      let message = try? WireMessage(query)
      let option = message?[.additional].first?.data ?? []
      let client = Array(option[4..<12])
      let given = client + Array(repeating: 9, count: 16)
      let isKnown = option.count == 4 + given.count
      return try? Answer(
        flags: isKnown ? 0x8400 : 0x8007, extended: isKnown ? 0 : 1, hasRecord: isKnown,
        cookie: given
      ).bytes(to: query)
    }
    let address = try await server.start()
    let query = query()
    for _ in 0..<2 {
      #expect(await query.fault(of: [address], name: try name.get(), type: .soa) == nil)
    }
    #expect(server.asked.withLock { $0.count } == 3)
    try await server.close()
  }

  @Test func `a server that wants a PROXY header of the node's own address gets one`()
    async throws
  {
    let server = Server { try? Answer(cookie: nil).bytes(to: Array($0.dropFirst(16))) }
    let address = try await server.start()
    let loopback = try #require(AddressPrefix("127.0.0.0/8"))
    let query = query(proxies: TrustedProxies([loopback]))
    #expect(await query.fault(of: [address], name: try name.get(), type: .soa) == nil)
    let header = try #require(server.asked.withLock { $0.first })
    #expect(header[12..<16] == [0x20, 0, 0, 0])
    try await server.close()
  }

  /// A documentation address (RFC 5737 §3), which no machine has.
  @Test func `an address that has gone to another machine is not asked whether we are silent`()
    async throws
  {
    let gone = Places.SocketAddress(address: .ipv4(0xC000_0235), port: 53)
    let silence = await query().silence(
      of: [gone], name: try name.get(), type: .soa, within: .milliseconds(50))
    #expect(silence == nil)
  }

  @Test func `any answer is none of silence, and a question is repeated until there is one`()
    async throws
  {
    let heard = Mutex<[[UInt8]]>([])
    let busy = Server { query in
      // It drops the first four.
      let count = heard.withLock {
        $0.append(query)
        return $0.count
      }
      return count < 5 ? nil : try? Answer(flags: 0x8402, hasRecord: false).bytes(to: query)
    }
    let silent = Server { _ in nil }
    let (one, two) = (try await busy.start(), try await silent.start())
    let query = query(timeout: .milliseconds(1))
    let name = try name.get()
    #expect(await query.silence(of: [one], name: name, type: .soa, within: .seconds(60)) == nil)
    #expect(heard.withLock { $0.count == 5 && Set($0).count == 1 })
    #expect(
      await query.silence(of: [one, two], name: name, type: .soa, within: .milliseconds(50))
        == "\(two) did not answer within 50 ms")
    for server in [busy, silent] { try await server.close() }
  }
}
