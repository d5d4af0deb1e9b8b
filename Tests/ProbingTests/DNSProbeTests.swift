import DNSWire
import NIOCore
import NIOPosix
import Places
import Testing
import Transferring

@testable import Probing
@testable import Settings

@Suite struct DNSProbeTests {
  static let name = (try? DomainName("www.example.org.")) ?? .root

  /// What a server answers: code, and addresses.
  struct Answer: Sendable {
    var code: UInt16 = 0
    var addresses: [[UInt8]] = [[192, 0, 2, 1], [192, 0, 2, 2]]
    var isTruncated = false
  }

  static let answers: [(Answer, [Settings.Monitor.ResponseCode], [UInt8]?, ProbeOutcome)] = [
    (Answer(), [.noError], nil, .success), (Answer(), [.noError], [192, 0, 2, 2], .success),
    (
      Answer(), [.noError], [192, 0, 2, 3],
      .failure("answered A 192.0.2.1, 192.0.2.2, wanted 192.0.2.3")
    ),
    (
      Answer(addresses: []), [.noError], [192, 0, 2, 3],
      .failure("answered A nothing, wanted 192.0.2.3")
    ),
    (Answer(addresses: []), [.noError], nil, .success),
    (Answer(code: 2), [.noError], nil, .failure("answered SERVFAIL, wanted NOERROR")),
    (Answer(code: 3), [.nameError], nil, .success),
    (Answer(code: 3), [.noError, .nameError], [192, 0, 2, 1], .success),
    (
      Answer(code: 9), [.noError, .refused], nil,
      .failure("answered code 9, wanted NOERROR, REFUSED")
    ),
  ]

  @Test(arguments: answers.indices) func `an answer is judged`(row: Int) {
    let (answer, codes, data, outcome) = Self.answers[row]
    let judge = DNSJudge(
      id: 7, .init(name: Self.name, type: .a, responseCodes: codes, data: data))
    #expect(judge.reading(of: Self.message(answer, to: judge.bytes)) == .decided(outcome))
  }

  @Test func `names in data compare without case`() throws {
    let wanted = try RecordData.encode(.mx, text: "10 Mail.example.org.", origin: .root)
    let found = try RecordData.encode(.mx, text: "10 mail.EXAMPLE.org.", origin: .root)
    let judge = DNSJudge(id: 7, .init(name: Self.name, type: .mx, data: wanted))
    let query = try WireMessage(judge.bytes)
    var builder = MessageBuilder(id: 7, flags: 0x8400, question: query.questions.first)
    builder.append(Self.name, .mx, ttlSeconds: 0, data: found)
    #expect(judge.reading(of: builder.bytes) == .decided(.success))
  }

  @Test func `what does not answer the question is not heeded`() throws {
    let judge = DNSJudge(id: 7, .init(name: Self.name, type: .a))
    let other = DNSJudge(id: 8, .init(name: Self.name, type: .a))
    let another = DNSJudge(id: 7, .init(name: Self.name, type: .aaaa))
    #expect(judge.reading(of: Self.message(Answer(), to: other.bytes)) == nil)
    #expect(judge.reading(of: Self.message(Answer(), to: another.bytes)) == nil)
    #expect(judge.reading(of: judge.bytes) == nil)
    #expect(judge.reading(of: []) == nil)
    let truncated = Self.message(Answer(isTruncated: true), to: judge.bytes)
    #expect(judge.reading(of: truncated) == .truncated)
    // RFC 1035 §4.1.1: FORMERR without a question.
    let unread: [UInt8] = [0, 7, 0x80, 1, 0, 0, 0, 0, 0, 0, 0, 0]
    #expect(
      judge.reading(of: unread) == .decided(.failure("answered FORMERR, wanted NOERROR")))
  }

  @Test func `UDP is asked first, and TCP if the answer is truncated`() async throws {
    let kind = Settings.Monitor.Kind.dns(
      .init(name: Self.name, type: .a, data: [192, 0, 2, 2]))
    let server = try await DNSServer.start(udp: Answer(), tcp: nil)
    #expect(await probe(kind, at: server.address) == .success)
    await server.stop()
    let large = try await DNSServer.start(udp: Answer(isTruncated: true), tcp: Answer())
    #expect(await probe(kind, at: large.address) == .success)
    await large.stop()
    let odd = try await DNSServer.start(
      udp: Answer(isTruncated: true), tcp: Answer(isTruncated: true))
    #expect(
      await probe(kind, at: odd.address) == .failure("answer is truncated over TCP, too"))
    await odd.stop()
    let half = try await DNSServer.start(udp: Answer(isTruncated: true), tcp: nil)
    #expect(await probe(kind, at: half.address) == .failure("connection refused"))
    await half.stop()
    #expect(await probe(kind, at: half.address) == .failure("connection refused"))
  }

  @Test func `silence runs into the time-out`() async throws {
    let server = try await DNSServer.start(udp: nil, tcp: nil)
    #expect(
      await probe(
        .dns(.init(name: Self.name, type: .a)), at: server.address, timeout: .milliseconds(100))
        == .failure("timed out after 100 ms waiting for an answer"))
    await server.stop()
  }

  static func message(_ answer: Answer, to query: [UInt8]) -> [UInt8] {
    guard let asked = try? WireMessage(query) else { return [] }
    var builder = MessageBuilder(
      id: asked.id, flags: 0x8400 | answer.code | (answer.isTruncated ? 0x0200 : 0),
      question: asked.questions.first)
    if !answer.isTruncated {
      for data in answer.addresses { builder.append(name, .a, ttlSeconds: 0, data: data) }
    }
    return builder.bytes
  }
}

/// Answers every question on loopback alike.
private struct DNSServer {
  let address: Places.SocketAddress
  private let channels: [any Channel]

  /// - Parameters:
  ///   - udp: nil: silent.
  ///   - tcp: nil: nobody listens.
  static func start(
    udp: DNSProbeTests.Answer?, tcp: DNSProbeTests.Answer?
  ) async throws -> DNSServer {
    // A port that is free for UDP may be taken for TCP.
    for _ in 0..<100 {
      if let server = try? await bound(udp: udp, tcp: tcp) { return server }
    }
    return try await bound(udp: udp, tcp: tcp)
  }

  private static func bound(
    udp: DNSProbeTests.Answer?, tcp: DNSProbeTests.Answer?
  ) async throws -> DNSServer {
    let group = MultiThreadedEventLoopGroup.singleton
    let streams = try await ServerBootstrap(group: group).childChannelInitializer { channel in
      channel.eventLoop.makeCompletedFuture {
        if let tcp {
          try channel.pipeline.syncOperations.addHandler(StreamAnswers(answer: tcp))
        }
      }
    }.bind(host: "127.0.0.1", port: 0).get()
    let port = streams.localAddress?.port ?? 0
    if tcp == nil { try await streams.close() }
    let datagrams: any Channel
    do {
      datagrams = try await DatagramBootstrap(group: group).channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(DatagramAnswers(answer: udp))
        }
      }.bind(host: "127.0.0.1", port: port).get()
    } catch {
      try? await streams.close()
      throw error
    }
    return DNSServer(
      address: Places.SocketAddress(address: .ipv4(0x7F00_0001), port: UInt16(port)),
      channels: tcp == nil ? [datagrams] : [datagrams, streams])
  }

  func stop() async { for channel in channels { try? await channel.close() } }
}

private final class DatagramAnswers: ChannelInboundHandler {
  typealias InboundIn = AddressedEnvelope<ByteBuffer>
  typealias OutboundOut = AddressedEnvelope<ByteBuffer>
  let answer: DNSProbeTests.Answer?

  init(answer: DNSProbeTests.Answer?) { self.answer = answer }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let envelope = unwrapInboundIn(data)
    guard let answer else { return }
    let bytes = DNSProbeTests.message(answer, to: Array(envelope.data.readableBytesView))
    context.writeAndFlush(
      wrapOutboundOut(
        AddressedEnvelope(remoteAddress: envelope.remoteAddress, data: ByteBuffer(bytes: bytes))),
      promise: nil)
  }
}

private final class StreamAnswers: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer
  let answer: DNSProbeTests.Answer

  init(answer: DNSProbeTests.Answer) { self.answer = answer }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let bytes = DNSProbeTests.message(
      answer, to: Array(unwrapInboundIn(data).readableBytesView.dropFirst(2)))
    context.writeAndFlush(
      wrapOutboundOut(
        ByteBuffer(bytes: [UInt8(bytes.count >> 8), UInt8(bytes.count & 0xFF)] + bytes)),
      promise: nil)
  }
}
