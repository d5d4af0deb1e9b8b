import DNSWire
package import Editions
package import Logging

/// Resolves the names that serve in place of endpoints, again and again, and publishes what they
/// are. Asks nothing while no name is wanted.
package actor NameResolver {
  package typealias Question = ResolvedNames.Question

  /// How often it is asked what is wanted: a reload's new names wait no longer.
  static let pollInterval = Duration.seconds(1)
  /// While more is due than may be asked at once.
  static let shortestWait = Duration.milliseconds(10)

  private let wanted: @Sendable () async -> Set<Question>
  private let ask: @Sendable (Question) async -> StubQuery.Reading
  private let publish: @Sendable (ResolvedNames) async -> Void
  private let logger: Logger
  private let clock = ContinuousClock()
  private let start: ContinuousClock.Instant
  private var keeper = NameKeeper()

  /// - Parameters:
  ///   - wanted: asked every second.
  ///   - ask: such as ``StubResolver/addresses(of:)``; ends by itself.
  ///   - publish: called with all that is known whenever that may have changed.
  package init(
    logger: Logger, wanted: @escaping @Sendable () async -> Set<Question>,
    ask: @escaping @Sendable (Question) async -> StubQuery.Reading,
    publish: @escaping @Sendable (ResolvedNames) async -> Void
  ) {
    self.wanted = wanted
    self.ask = ask
    self.publish = publish
    self.logger = logger
    start = clock.now
  }

  /// Until its task is cancelled.
  package func run() async {
    await withDiscardingTaskGroup { group in
      while !Task.isCancelled {
        keeper.want(await wanted(), now: now)
        for question in keeper.takeDue(now: now) {
          group.addTask { await self.resolve(question) }
        }
        await publish(keeper.results(now: now))
        let wait = keeper.nextMoment(now: now).map { Duration.seconds($0 - now) }
        try? await Task.sleep(
          for: min(max(wait ?? Self.pollInterval, Self.shortestWait), Self.pollInterval))
      }
      group.cancelAll()
    }
  }

  private func resolve(_ question: Question) async {
    let reading = await ask(question)
    guard !Task.isCancelled else { return }
    let name = DomainName(wire: question.name)?.description ?? "?"
    let type = question.isIPv6 ? "AAAA" : "A"
    switch reading {
    case .addresses(let addresses, let ttlSeconds):
      if keeper.failureCount(of: question) > 0 {
        logger.notice("a target resolves again", metadata: ["name": "\(name)", "type": "\(type)"])
      }
      keeper.succeeded(question, addresses: addresses, ttlSeconds: ttlSeconds, now: now)
    case .truncated: fail(question, name, type, "the answer is truncated even over TCP")
    case .failure(let reason): fail(question, name, type, reason)
    }
    await publish(keeper.results(now: now))
  }

  private func fail(_ question: Question, _ name: String, _ type: String, _ reason: String) {
    guard keeper.failed(question, now: now) else { return }
    logger.warning(
      "a target cannot be resolved; what was known of it serves on",
      metadata: ["name": "\(name)", "type": "\(type)", "reason": "\(reason)"])
  }

  private var now: Double {
    let elapsed = (clock.now - start).components
    return Double(elapsed.seconds) + Double(elapsed.attoseconds) / 1e18
  }
}
