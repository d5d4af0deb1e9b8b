import Admin
import Compiling
import Counters
import DNSWire
import Editions
import Logging
import Proxying
import Publishing
import Routing
import Sampling
import ServiceLifecycle
import Settings
import Zones

/// Explains the decisions that the data plane has noted, each from the edition that it was made
/// from, and writes them as lines of JSON.
final class DecisionLog: Service {
  /// How often notes are taken out of the threads' rings.
  private static let interval = Duration.milliseconds(200)

  private let collector: SampleCollector
  private let settings: @Sendable () async -> Settings
  private let writer: AccessLogWriter
  private let ring: AccessLogRing
  private let shard: CounterShard
  private let written: CounterIndex
  private let dropped: CounterIndex

  init(
    _ writer: AccessLogWriter, collector: SampleCollector, counters: CounterBoard,
    settings: @escaping @Sendable () async -> Settings
  ) {
    self.collector = collector
    self.settings = settings
    self.writer = writer
    ring = writer.makeRing()
    shard = counters.makeShard()
    written = counters.index(of: CounterBoard.Series("azimuth_decision_log_lines_total"))
    dropped = counters.index(of: CounterBoard.Series("azimuth_decision_log_dropped_total"))
  }

  func run() async throws {
    await cancelWhenGracefulShutdown {
      while !Task.isCancelled {
        await self.gather()
        try? await Task.sleep(for: Self.interval)
      }
    }
    await gather()
    writer.stop()
  }

  /// Opens the file anew: for logrotate.
  func reopen() { writer.reopen() }

  private func gather() async {
    let samples = collector.takeDecisions()
    guard !samples.isEmpty else { return }
    let settings = await settings()
    for sample in samples {
      // What steers nothing is no decision.
      guard let text = try? line(sample, settings)?.text() else { continue }
      shard.add(to: ring.append(text) ? written : dropped)
    }
  }

  private func line(_ sample: DecisionSample, _ settings: Settings) -> DecisionLine? {
    let edition = sample.edition
    let seconds = Double(sample.nanoseconds) / 1e9
    switch sample.question {
    case .name(let wire, let type):
      guard let name = DomainName(wire: wire),
        case .steered(let service, let key) = lookUp(name, in: edition)
      else { return nil }
      let type = RecordType(rawValue: type)
      return DecisionLine(
        edition: edition, client: sample.client, service: service,
        question: .name(name.description, isIPv6: type == .aaaa), key: key,
        type: type.description, seconds: seconds)
    case .listener(let listener, let asked):
      let serverName = String(decoding: asked, as: UTF8.self)
      guard
        case .found(let service, let key) = lookUpListener(
          listener, serverName: serverName, settings, in: edition)
      else { return nil }
      return DecisionLine(
        edition: edition, client: sample.client, service: service,
        question: .listener(listener, serverName: serverName.isEmpty ? nil : serverName),
        key: key, type: nil, seconds: seconds)
    }
  }
}

/// nil: it is off.
func makeDecisionLog(
  _ settings: Settings, collector: SampleCollector, counters: CounterBoard,
  publisher: EditionPublisher, logger: Logger
) throws -> DecisionLog? {
  let writer = try makeWriter(
    settings.decisionLog.destination, name: "decision log",
    failed: "azimuth_decision_log_failed_total", counters: counters, logger: logger)
  return writer.map {
    DecisionLog(
      $0, collector: collector, counters: counters,
      settings: { await publisher.compiled.settings })
  }
}
