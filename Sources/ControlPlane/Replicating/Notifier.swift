package import DNSWire
package import Logging
package import Places
package import Transferring

/// Tells secondaries that a zone has changed (RFC 1996 §3), until they say that they heard it.
package actor Notifier {
  package struct Target: Sendable, Hashable {
    package var address: SocketAddress
    package var key: TransferKey?

    package init(address: SocketAddress, key: TransferKey?) {
      self.address = address
      self.key = key
    }
  }

  /// A zone and who is to know of it.
  package struct Announcement: Sendable {
    package var zone: DomainName
    package var authority: Authority
    package var targets: [Target]

    package init(zone: DomainName, authority: Authority, targets: [Target]) {
      self.zone = zone
      self.authority = authority
      self.targets = targets
    }
  }

  /// Sends a message and waits so long for what the closure says is the answer.
  package typealias Ask =
    @Sendable (
      _ message: [UInt8], _ peer: SocketAddress, _ timeout: Duration,
      _ isAnswer: @escaping @Sendable ([UInt8]) -> Bool
    ) async -> Bool

  /// RFC 1996 §3.6 advises five times 60 s; ours begin sooner and are over after 2 minutes.
  package static let timeouts: [Duration] = [
    .seconds(2), .seconds(4), .seconds(8), .seconds(16), .seconds(32), .seconds(60),
  ]

  private struct Errand: Hashable {
    var zone: DomainName
    var target: Target
  }

  private let ask: Ask
  private let desk: TransferDesk
  private let now: @Sendable () -> Double
  private let logger: Logger
  private var serials: [Errand: Serial] = [:]
  private var tasks: [Errand: Task<Void, Never>] = [:]

  /// - Parameter now: seconds since 1970.
  package init(
    desk: TransferDesk, logger: Logger, now: @escaping @Sendable () -> Double,
    ask: @escaping Ask
  ) {
    self.desk = desk
    self.logger = logger
    self.now = now
    self.ask = ask
  }

  /// Takes all zones as they are now; who was told of a serial already is not told again.
  package func announce(_ announcements: [Announcement]) {
    var next: [Errand: Serial] = [:]
    for announcement in announcements {
      for target in announcement.targets {
        let errand = Errand(zone: announcement.zone, target: target)
        next[errand] = announcement.authority.serial
        if serials[errand] != announcement.authority.serial { start(errand, announcement) }
      }
    }
    for errand in tasks.keys where next[errand] == nil {
      tasks.removeValue(forKey: errand)?.cancel()
    }
    serials = next
  }

  package func stop() {
    for task in tasks.values { task.cancel() }
    tasks = [:]
  }

  /// Until all that is under way has ended: for tests.
  package func settle() async {
    for task in tasks.values { await task.value }
  }

  private func start(_ errand: Errand, _ announcement: Announcement) {
    tasks[errand]?.cancel()
    tasks[errand] = Task { [ask, now, desk, logger] in
      for timeout in Self.timeouts where !Task.isCancelled {
        let notice = Self.notice(announcement, key: errand.target.key, now: UInt64(max(0, now())))
        if await ask(notice.bytes, errand.target.address, timeout, notice.isAnswer) {
          desk.count { $0.notifiesAcknowledged += 1 }
          return
        }
      }
      if Task.isCancelled { return }
      desk.count { $0.notifiesUnanswered += 1 }
      logger.warning(
        "a secondary does not answer NOTIFY",
        metadata: ["zone": "\(errand.zone)", "secondary": "\(errand.target.address)"])
    }
  }

  /// A NOTIFY with a new id, and what answers it: whatever code stands in it, the secondary is
  /// there and has read it (RFC 1996 §3.8).
  private static func notice(
    _ announcement: Announcement, key: TransferKey?, now: UInt64
  ) -> (bytes: [UInt8], isAnswer: @Sendable ([UInt8]) -> Bool) {
    let id = UInt16.random(in: .min ... .max)
    // Opcode NOTIFY, authoritative.
    var builder = MessageBuilder(
      id: id, flags: 0x2400,
      question: WireMessage.Question(name: announcement.zone, type: .soa))
    builder.append(
      announcement.zone, .soa, ttlSeconds: announcement.authority.ttlSeconds,
      data: announcement.authority.data)
    let signing = key.map { ResponseVerifier.signing(builder.bytes, with: $0, now: now) }
    return (
      signing?.request ?? builder.bytes,
      { bytes in
        guard let message = try? WireMessage(bytes), message.id == id, message.isResponse,
          message.opcode == .notify
        else { return false }
        guard var verifier = signing?.verifier else { return true }
        return (try? verifier.check(bytes, message, now: now)) != nil
      }
    )
  }
}
