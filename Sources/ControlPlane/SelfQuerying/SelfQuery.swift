package import DNSWire
package import NIOCore
import NIOPosix
package import Places
package import ProxyProtocol
import Synchronization

/// Asks a node's own DNS over real sockets, as its clients do: only what comes back shows that it
/// serves. A question to each address, all at once, each from a port of its own, so that in the
/// course of time every thread is asked.
package final class SelfQuery: Sendable {
  /// From a question of ``silence(of:name:type:within:)`` to the same one again. Often: of a thread
  /// that has far too much to do a few answers come, of one that is stuck none.
  private static let repeatPace = TimeAmount.milliseconds(100)

  private let group: any EventLoopGroup
  private let timeout: TimeAmount
  private let proxies: TrustedProxies
  /// By the address that gave it.
  private let cookies = Mutex<[Places.SocketAddress: [UInt8]]>([:])

  /// - Parameters:
  ///   - timeout: for each answer.
  ///   - proxies: from whose addresses DNS wants a PROXY header; those may be the node's own.
  package init(
    group: any EventLoopGroup, timeout: Duration = .seconds(1),
    proxies: TrustedProxies = TrustedProxies()
  ) {
    self.group = group
    self.timeout = TimeAmount(timeout)
    self.proxies = proxies
  }

  /// - Parameters:
  ///   - addresses: on which DNS listens; unspecified ones are asked over loopback.
  ///   - name: that exists there.
  /// - Returns: what the first address that did not answer rightly said; nil: all did.
  package func fault(
    of addresses: [Places.SocketAddress], name: DomainName, type: RecordType
  ) async -> String? {
    await withTaskGroup(of: String?.self) { tasks in
      for address in addresses {
        tasks.addTask {
          await self.fault(of: address, name: name, type: type).map { "\(address) \($0)" }
        }
      }
      return await tasks.reduce(nil) { $0 ?? $1 }
    }
  }

  /// Whether DNS answers at all: whatever it says, a thread has received, decided and sent. A
  /// question without an answer is asked again and again from the same port, by which the kernel
  /// chooses the thread: one that is stuck keeps it unanswered, one that is busy does not.
  ///
  /// - Parameters:
  ///   - addresses: on which DNS listens; unspecified ones are asked over loopback, and those that
  ///     no interface has are not asked: they may have gone to another node (VRRP).
  ///   - limit: how long they may take.
  /// - Returns: which address was silent; nil: all answered.
  package func silence(
    of addresses: [Places.SocketAddress], name: DomainName, type: RecordType,
    within limit: Duration
  ) async -> String? {
    let own = Self.addressesOfInterfaces
    return await withTaskGroup(of: String?.self) { tasks in
      for address in addresses where Self.isOwn(address.reachable.address, own) {
        tasks.addTask {
          let reading = await self.ask(
            address, name, type, within: TimeAmount(limit), again: Self.repeatPace)
          return reading.isAnswer ? nil : reading.fault.map { "\(address) \($0)" }
        }
      }
      return await tasks.reduce(nil) { $0 ?? $1 }
    }
  }

  /// nil: they are not known.
  private static var addressesOfInterfaces: Set<IPAddress>? {
    guard let devices = try? System.enumerateDevices() else { return nil }
    let texts = devices.compactMap { $0.address?.ipAddress }
    return Set(texts.compactMap { IPAddress($0.prefix { $0 != "%" }) })
  }

  private static func isOwn(_ address: IPAddress, _ interfaces: Set<IPAddress>?) -> Bool {
    // All of 127.0.0.0/8 is, though the interface names one address.
    if case .ipv4(let bits) = address, bits >> 24 == 127 { return true }
    return interfaces?.contains(address) ?? true
  }

  private func fault(
    of address: Places.SocketAddress, name: DomainName, type: RecordType
  ) async -> String? {
    let first = await ask(address, name, type, within: timeout)
    return first.wantsCookie
      ? await ask(address, name, type, within: timeout).fault : first.fault
  }

  private func ask(
    _ address: Places.SocketAddress, _ name: DomainName, _ type: RecordType,
    within timeout: TimeAmount, again pace: TimeAmount? = nil
  ) async -> SelfQuestion.Reading {
    let cookie =
      cookies.withLock { $0[address] }
      ?? (0..<SelfQuestion.clientCookieBytes).map { _ in .random(in: .min ... .max) }
    let question = SelfQuestion(
      id: .random(in: .min ... .max), name: name, type: type, cookie: cookie)
    let reading = await reading(of: question, from: address, within: timeout, again: pace)
    if !reading.cookie.isEmpty { cookies.withLock { $0[address] = reading.cookie } }
    return reading
  }

  /// - Parameter pace: from the question to the same one again; nil: it is asked once.
  private func reading(
    of question: SelfQuestion, from address: Places.SocketAddress, within timeout: TimeAmount,
    again pace: TimeAmount?
  ) async -> SelfQuestion.Reading {
    let loop = group.next()
    // The answer, the time-out and errors race for it; all but the first do nothing.
    let reading = loop.makePromise(of: SelfQuestion.Reading.self)
    let timer = loop.scheduleTask(in: timeout) {
      reading.succeed(.failed("did not answer within \(timeout.nanoseconds / 1_000_000) ms"))
    }
    reading.futureResult.whenComplete { _ in timer.cancel() }
    do {
      let server = try NIOCore.SocketAddress(
        ipAddress: "\(address.reachable.address)", port: Int(address.port))
      let handler = SelfQueryHandler(
        question: question, server: server, proxies: proxies, pace: pace, reading: reading)
      DatagramBootstrap(group: loop).channelInitializer { channel in
        // Whatever decides, the socket is closed with it.
        reading.futureResult.whenComplete { _ in channel.close(promise: nil) }
        return channel.pipeline.addHandler(handler)
      }.connect(to: server).whenFailure { reading.succeed(.failed("cannot be asked: \($0)")) }
      return try await reading.futureResult.get()
    } catch {
      reading.fail(error)
      return .failed("cannot be asked: \(error)")
    }
  }
}

extension SelfQuestion.Reading {
  fileprivate static func failed(_ fault: String) -> Self {
    Self(fault: fault, cookie: [], wantsCookie: false, isAnswer: false)
  }
}

extension TimeAmount {
  fileprivate init(_ duration: Duration) {
    self = .nanoseconds(Int64(duration / .nanoseconds(1)))
  }
}

extension Places.SocketAddress {
  /// Where whoever listens on every address is met.
  fileprivate var reachable: Self {
    switch address {
    case .ipv4(0): Self(address: .ipv4(0x7F00_0001), port: port)
    case .ipv6(0): Self(address: .ipv6(1), port: port)
    default: self
    }
  }
}

/// Sends the question once connected, and takes the first datagram that answers it; from elsewhere
/// than the server none comes, since the socket is connected.
private final class SelfQueryHandler: ChannelInboundHandler, Sendable {
  typealias InboundIn = AddressedEnvelope<ByteBuffer>
  typealias OutboundOut = AddressedEnvelope<ByteBuffer>

  private let question: SelfQuestion
  private let server: NIOCore.SocketAddress
  private let proxies: TrustedProxies
  private let pace: TimeAmount?
  private let reading: EventLoopPromise<SelfQuestion.Reading>

  init(
    question: SelfQuestion, server: NIOCore.SocketAddress, proxies: TrustedProxies,
    pace: TimeAmount?, reading: EventLoopPromise<SelfQuestion.Reading>
  ) {
    self.question = question
    self.server = server
    self.proxies = proxies
    self.pace = pace
    self.reading = reading
  }

  func channelActive(context: ChannelHandlerContext) {
    let own = context.localAddress?.ipAddress.flatMap { IPAddress($0) }
    let isProxy = own.map { proxies.contains($0) } ?? false
    let bytes = (isProxy ? Self.header : []) + question.bytes
    let envelope = AddressedEnvelope(remoteAddress: server, data: ByteBuffer(bytes: bytes))
    context.writeAndFlush(wrapOutboundOut(envelope), promise: nil)
    guard let pace else { return }
    let channel = context.channel
    let again = context.eventLoop.scheduleRepeatedTask(initialDelay: pace, delay: pace) { _ in
      channel.writeAndFlush(envelope, promise: nil)
    }
    reading.futureResult.whenComplete { _ in again.cancel() }
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let bytes = Array(unwrapInboundIn(data).data.readableBytesView)
    if let answer = question.reading(of: bytes) { reading.succeed(answer) }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    reading.succeed(.failed("cannot be asked: \(error)"))
  }

  /// Of version 2: we speak for ourselves, LOCAL.
  private static let header: [UInt8] =
    [0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A] + [0x20, 0, 0, 0]
}
