import Glibc
package import NIOCore
import NIOHTTP2
import NIOPosix
import NIOSSL
import Places
import Settings

/// Runs one probe: a new connection to the target's address, closed once the outcome is known. The
/// plain kinds, of which there may be thousands, go by `SocketProber`, the others by channels.
/// Follows no redirect and resolves no name.
package struct ProbeRunner: Sendable {
  private let group: any EventLoopGroup
  private let loop: (any EventLoop)?
  private let contexts = TLSContexts()
  private let commands: CommandRunner
  private let sockets = SocketProber()

  /// - Parameters:
  ///   - loop: where probes without TLS run, best the ``Prober``'s own; nil: as the others do.
  ///   - allowsCommands: programs that the configuration names may be run.
  package init(
    group: any EventLoopGroup, loop: (any EventLoop)? = nil, allowsCommands: Bool = false
  ) {
    self.group = group
    self.loop = loop
    commands = CommandRunner(isAllowed: allowsCommands)
  }

  /// Programs that the configuration names may be run.
  package var allowsCommands: Bool { commands.isAllowed }

  /// Files of roots are read again from now on.
  package func forgetRoots() { contexts.forget() }

  /// Ends within the monitor's time-out. A target without monitor succeeds at once; a calculated
  /// one is not probed itself (see ``ProbeScheduler``).
  package func outcome(of target: ProbeTarget) async -> ProbeOutcome {
    guard let monitor = target.monitor else { return .success }
    if case .command(let command) = monitor.kind {
      return await commands.outcome(of: command, target: target, timeout: monitor.timeout)
    }
    switch monitor.kind {
    case .tcp:
      return await sockets.outcome(
        of: target.address, greeting: monitor.greeting, exchange: nil, timeout: monitor.timeout)
    case .http(let expectation):
      return await sockets.outcome(
        of: target.address, greeting: monitor.greeting,
        exchange: HTTPExchange(expectation, address: target.address), timeout: monitor.timeout)
    default: break
    }
    let loop = monitor.kind.tls == nil ? self.loop ?? group.next() : group.next()
    // Time-out, cancellation and the connection race for it; all but the first do nothing.
    let outcome = loop.makePromise(of: ProbeOutcome.self)
    let run = ProbeRun(
      target: target, monitor: monitor, loop: loop, contexts: contexts, outcome: outcome)
    return await withTaskCancellationHandler {
      run.start()
      do {
        return try await run.result.get()
      } catch {
        return .inconclusive("\(error)")
      }
    } onCancel: {
      outcome.succeed(.inconclusive("cancelled"))
    }
  }
}

/// A probe over the network.
private struct ProbeRun: Sendable {
  let target: ProbeTarget
  let monitor: Settings.Monitor
  let loop: any EventLoop
  let contexts: TLSContexts
  let outcome: EventLoopPromise<ProbeOutcome>
  /// What the probe waits for, should the time run out.
  private let phase: NIOLoopBoundBox<String>
  /// What is wrong with the end of the certificate.
  private let shortfall: NIOLoopBoundBox<String?>

  init(
    target: ProbeTarget, monitor: Settings.Monitor, loop: any EventLoop, contexts: TLSContexts,
    outcome: EventLoopPromise<ProbeOutcome>
  ) {
    self.target = target
    self.monitor = monitor
    self.loop = loop
    self.contexts = contexts
    self.outcome = outcome
    phase = .makeBoxSendingValue("connecting", eventLoop: loop)
    shortfall = .makeBoxSendingValue(nil, eventLoop: loop)
  }

  /// The outcome, with what the certificate and the monitor's leniency make of it.
  var result: EventLoopFuture<ProbeOutcome> {
    outcome.futureResult.map { [shortfall, monitor] found in
      switch found {
      case .success: return shortfall.value.map { .degraded($0) } ?? .success
      case .failure(let cause):
        if case .agent(let agent) = monitor.kind, agent.isOptional { return .inconclusive(cause) }
        return found
      default: return found
      }
    }
  }

  func start() {
    let timeout = TimeAmount(monitor.timeout)
    let timer = loop.scheduleTask(in: timeout) { [outcome, phase] in
      let limit = timeout.nanoseconds / 1_000_000
      outcome.succeed(.failure("timed out after \(limit) ms \(phase.value)"))
    }
    outcome.futureResult.whenComplete { _ in timer.cancel() }
    do {
      let address = try NIOCore.SocketAddress(
        ipAddress: "\(target.address.address)", port: Int(target.address.port))
      if case .dns(let expectation) = monitor.kind {
        DNSProbe(expectation, address: address, loop: loop, phase: phase, outcome: outcome).start()
      } else {
        try connect(to: address, timeout: timeout)
      }
    } catch {
      outcome.succeed(.inconclusive("\(error)"))
    }
  }

  private func connect(to address: NIOCore.SocketAddress, timeout: TimeAmount) throws {
    let context = try tlsContext()
    ClientBootstrap(group: loop)
      // Ours ends it before.
      .connectTimeout(timeout + .seconds(1))
      .channelInitializer { channel in
        // Whatever decides, the connection is over with it.
        outcome.futureResult.whenComplete { _ in channel.close(promise: nil) }
        // Closed by a reset: half the packets, and nothing waits for a minute on this machine.
        _ = (channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0))
        return channel.eventLoop.makeCompletedFuture {
          try addGreeting(to: channel)
          if let context { try addTLS(context, to: channel) }
          try addHandlers(to: channel)
        }
      }
      .connect(to: address)
      .whenComplete { [phase, outcome] result in
        switch result {
        case .failure(let error): outcome.succeed(probeFailure(error))
        case .success: phase.value = "waiting for a full response"
        }
      }
  }

  /// nil where no TLS is wanted.
  private func tlsContext() throws -> NIOSSLContext? {
    guard let (verification, protocols) = monitor.kind.tls else { return nil }
    do {
      return try contexts.context(for: verification, protocols: protocols)
    } catch {
      throw UnreadableRoots(file: verification.rootsFile, reason: "\(error)")
    }
  }

  /// In front of TLS, as the PROXY protocol wants it.
  private func addGreeting(to channel: any Channel) throws {
    let greeting = monitor.greeting
    guard !greeting.isEmpty else { return }
    try channel.pipeline.syncOperations.addHandler(GreetingHandler(greeting))
  }

  private func addTLS(_ context: NIOSSLContext, to channel: any Channel) throws {
    guard let (verification, _) = monitor.kind.tls else { return }
    let pipeline = channel.pipeline.syncOperations
    let name = serverName(verification.serverName ?? monitor.kind.host)
    try pipeline.addHandler(NIOSSLClientHandler(context: context, serverHostname: name))
    if let margin = verification.expiryMargin {
      try pipeline.addHandler(CertificateHandler(margin: margin, shortfall: shortfall))
    }
  }

  private func addHandlers(to channel: any Channel) throws {
    let pipeline = channel.pipeline.syncOperations
    switch monitor.kind {
    case .tcp, .http, .dns, .command, .calculated: break
    case .exchange(let exchange):
      try pipeline.addHandler(
        ByteProbeHandler(
          sent: exchange.sent, judge: exchange.expected.map { ExchangeJudge($0) },
          hasTLS: exchange.tls != nil, outcome: outcome))
    case .agent(let agent):
      try pipeline.addHandler(
        ByteProbeHandler(
          sent: agent.sent, judge: AgentJudge(), hasTLS: false, outcome: outcome))
    case .https(let expectation, _):
      let exchange = HTTPExchange(expectation, address: target.address)
      try pipeline.addHandler(HTTPProbeHandler(exchange, outcome: outcome))
    case .grpc(let expectation):
      let multiplexer = try addGRPCHandlers(to: channel, outcome: outcome)
      let (address, timeout, outcome) = (target.address, monitor.timeout, outcome)
      multiplexer.createStreamChannel { stream in
        stream.eventLoop.makeCompletedFuture {
          try stream.pipeline.syncOperations.addHandler(
            GRPCProbeHandler(expectation, address: address, timeout: timeout, outcome: outcome))
        }
      }.whenFailure { outcome.succeed(probeFailure($0)) }
    }
  }
}

private struct UnreadableRoots: Error, CustomStringConvertible {
  var file: String?
  var reason: String
  var description: String {
    "certificate roots \(file ?? "of the system") cannot be read: \(reason)"
  }
}

extension Settings.Monitor.Kind {
  /// nil where no TLS is wanted; the protocols are those of ALPN (RFC 7301 §3.1).
  fileprivate var tls: (verification: Settings.Monitor.TLSVerification, protocols: [String])? {
    switch self {
    case .https(_, let verification): (verification, ["http/1.1"])
    case .grpc(let expectation): expectation.tls.map { ($0, ["h2"]) }
    case .exchange(let exchange): exchange.tls.map { ($0, []) }
    case .tcp, .http, .dns, .agent, .command, .calculated: nil
    }
  }

  /// The name that the request carries.
  fileprivate var host: String? {
    switch self {
    case .https(let expectation, _): expectation.host
    case .grpc(let expectation): expectation.authority
    default: nil
    }
  }
}

/// The name to ask for and to find in the certificate: without a port; nil for an address, which
/// SNI must not carry (RFC 6066 §3). The certificate must then name the address that was checked.
/// (NIOSSL takes a certificate that names that address also where a name is wanted.)
package func serverName(_ host: String?) -> String? {
  guard let host, IPAddress(host) == nil, Places.SocketAddress(host) == nil else { return nil }
  if host.first == "[" { return nil }
  let name = String(host.prefix { $0 != ":" })
  return name.isEmpty || IPAddress(name) != nil ? nil : name
}
