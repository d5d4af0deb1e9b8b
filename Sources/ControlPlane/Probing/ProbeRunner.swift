package import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Places
import Settings

/// Runs one probe: a new connection to the target's address, closed once the outcome is known.
/// Follows no redirect and resolves no name.
package struct ProbeRunner: Sendable {
  private let group: any EventLoopGroup
  private let contexts = TLSContexts()

  package init(group: any EventLoopGroup) { self.group = group }

  /// Files of roots are read again from now on.
  package func forgetRoots() { contexts.forget() }

  /// Ends within the monitor's time-out. A target without monitor succeeds at once.
  package func outcome(of target: ProbeTarget) async -> ProbeOutcome {
    guard let monitor = target.monitor else { return .success }
    let loop = group.next()
    // Time-out, cancellation and the connection race for it; all but the first do nothing.
    let outcome = loop.makePromise(of: ProbeOutcome.self)
    return await withTaskCancellationHandler {
      start(target, monitor: monitor, on: loop, outcome: outcome)
      do {
        return try await outcome.futureResult.get()
      } catch {
        return .inconclusive("\(error)")
      }
    } onCancel: {
      outcome.succeed(.inconclusive("cancelled"))
    }
  }

  private func start(
    _ target: ProbeTarget, monitor: Settings.Monitor, on loop: any EventLoop,
    outcome: EventLoopPromise<ProbeOutcome>
  ) {
    let phase = NIOLoopBoundBox.makeBoxSendingValue("connecting", eventLoop: loop)
    let timeout = TimeAmount(monitor.timeout)
    let timer = loop.scheduleTask(in: timeout) {
      let limit = timeout.nanoseconds / 1_000_000
      outcome.succeed(.failure("timed out after \(limit) ms \(phase.value)"))
    }
    outcome.futureResult.whenComplete { _ in timer.cancel() }
    do {
      let address = try NIOCore.SocketAddress(
        ipAddress: "\(target.address.address)", port: Int(target.address.port))
      let context = try tlsContext(for: monitor)
      ClientBootstrap(group: loop)
        // Ours ends it before.
        .connectTimeout(timeout + .seconds(1))
        .channelInitializer { channel in
          // Whatever decides, the connection is over with it.
          outcome.futureResult.whenComplete { _ in channel.close(promise: nil) }
          return channel.eventLoop.makeCompletedFuture {
            try addHandlers(to: channel, target: target, context: context, outcome: outcome)
          }
        }
        .connect(to: address)
        .whenComplete { result in
          switch result {
          case .failure(let error): outcome.succeed(probeFailure(error))
          case .success:
            phase.value = "waiting for a full response"
            if case .tcp = monitor.kind { outcome.succeed(.success) }
          }
        }
    } catch {
      outcome.succeed(.inconclusive("\(error)"))
    }
  }

  /// nil where no TLS is wanted.
  private func tlsContext(for monitor: Settings.Monitor) throws -> NIOSSLContext? {
    guard case .https(_, let verification) = monitor.kind else { return nil }
    do {
      return try contexts.context(for: verification)
    } catch {
      throw UnreadableRoots(file: verification.rootsFile, reason: "\(error)")
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

private func addHandlers(
  to channel: any Channel, target: ProbeTarget, context: NIOSSLContext?,
  outcome: EventLoopPromise<ProbeOutcome>
) throws {
  let pipeline = channel.pipeline.syncOperations
  let expectation: Settings.Monitor.HTTPExpectation
  switch target.monitor?.kind {
  case .none, .tcp: return
  case .http(let wanted): expectation = wanted
  case .https(let wanted, let verification):
    expectation = wanted
    if let context {
      let name = serverName(verification.serverName ?? wanted.host)
      try pipeline.addHandler(NIOSSLClientHandler(context: context, serverHostname: name))
    }
  }
  try pipeline.addHTTPClientHandlers(leftOverBytesStrategy: .dropBytes)
  try pipeline.addHandler(
    HTTPProbeHandler(expectation: expectation, address: target.address, outcome: outcome))
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
