import Admin
import Announcing
import AsyncHTTPClient
import Counters
import Foundation
import Logging
import NIOCore
import NIOHTTP1
import ServiceLifecycle
import Settings
import Synchronization

/// Keeps events in their file and tells webhooks of them until the node stops.
struct AnnouncingService: Service {
  let log: EventLog
  let senders: [WebhookSender]
  private let positions: WebhookPositions
  private let stateFolder: String?
  private let kept: KeptEvents
  private let logger: Logger

  /// The log of a node, with what its state folder has kept.
  static func log(_ settings: Settings, now: Double) -> EventLog {
    let kept = settings.stateFolder.map { EventFile(folder: $0).read() } ?? []
    return EventLog(capacity: settings.events.keep, kept: kept, startedAt: now)
  }

  /// - Parameter log: nothing was added to it yet.
  init(_ settings: Settings, log: EventLog, logger: Logger) {
    self.log = log
    self.logger = logger
    stateFolder = settings.stateFolder
    kept = KeptEvents(through: log.last)
    let positions = WebhookPositions(folder: settings.stateFolder)
    self.positions = positions
    senders = settings.events.webhooks.map { webhook in
      WebhookSender(
        webhook, log: log, node: settings.node.id,
        position: positions.kept[webhook.url] ?? log.last, post: post,
        report: { reason in
          logger.warning("webhook \(reason)", metadata: ["url": "\(webhook.name)"])
        })
    }
  }

  func run() async throws {
    await cancelWhenGracefulShutdown {
      await withTaskGroup { group in
        if let stateFolder {
          group.addTask { await keepEvents(in: stateFolder) }
        }
        for sender in senders {
          group.addTask { await deliver(by: sender) }
        }
        // A service that ends by itself would end the node.
        group.addTask { try? await gracefulShutdown() }
      }
    }
  }

  private func keepEvents(in folder: String) async {
    var keeper = EventKeeper(log, in: EventFile(folder: folder)) { reason in
      logger.warning("events cannot be kept", metadata: ["reason": "\(reason)"])
    }
    kept.through.store(
      await keeper.run(after: kept.through.load(ordering: .relaxed)), ordering: .relaxed)
  }

  private func deliver(by sender: WebhookSender) async {
    await sender.run { position in
      do {
        try await positions.keep(position, of: sender.webhook)
      } catch {
        logger.warning(
          "a webhook's position cannot be kept", metadata: ["reason": "\(error)"])
      }
    }
  }
}

/// The number of the last event in the file, when nobody writes it.
private final class KeptEvents: Sendable {
  let through: Atomic<UInt64>
  init(through: UInt64) { self.through = Atomic(through) }
}

/// - Returns: the status of the answer, whose body nobody reads.
private func post(_ request: WebhookRequest) async throws -> Int {
  var message = HTTPClientRequest(url: request.url)
  message.method = .POST
  for (name, value) in request.headers { message.headers.add(name: name, value: value) }
  message.body = .bytes(request.body)
  let response = try await HTTPClient.shared.execute(
    message, timeout: .nanoseconds(Int64(request.timeout / .nanoseconds(1))))
  return Int(response.status.code)
}

/// Figures of events and webhooks for `/metrics`.
func eventSamples(_ log: EventLog, _ senders: [WebhookSender]) async -> [MetricSample] {
  let counts = log.counts
  var samples = Event.Kind.allCases.map { kind in
    MetricSample(
      "azimuth_events_total", labels: [.init("kind", kind.rawValue)],
      value: Double(counts[kind] ?? 0))
  }
  samples.append(MetricSample("azimuth_event_followers", value: Double(log.listenerCount)))
  for sender in senders {
    let counts = await sender.counts
    let url = CounterBoard.Label("url", sender.webhook.name)
    samples += [
      MetricSample(
        "azimuth_webhook_requests_total", labels: [url, .init("result", "delivered")],
        value: Double(counts.delivered)),
      MetricSample(
        "azimuth_webhook_requests_total", labels: [url, .init("result", "failed")],
        value: Double(counts.failed)),
      MetricSample(
        "azimuth_webhook_waiting_events", labels: [url],
        value: Double(log.count(after: counts.position))),
    ]
  }
  return samples
}
