import Crypto
import DNSWire
import Foundation

/// Who is told of events by HTTP.
package struct Webhook: Sendable, Equatable {
  package var url: String
  /// What it is told of.
  package var kinds: Set<Event.Kind>
  /// Signs the bodies (HMAC-SHA-256); nil: nobody does.
  package var secret: String?
  package var timeout: Duration

  /// The URL without its query, which may be secret.
  package var name: String { String(url.prefix { $0 != "?" }) }

  package init(url: String, kinds: Set<Event.Kind>, secret: String?, timeout: Duration) {
    self.url = url
    self.kinds = kinds
    self.secret = secret
    self.timeout = timeout
  }
}

/// One POST.
package struct WebhookRequest: Sendable, Equatable {
  package var url: String
  package var headers: [(name: String, value: String)]
  package var body: [UInt8]
  package var timeout: Duration

  package static func == (a: WebhookRequest, b: WebhookRequest) -> Bool {
    a.url == b.url && a.body == b.body && a.timeout == b.timeout
      && a.headers.elementsEqual(b.headers, by: ==)
  }

  /// - Parameter isIncomplete: events before these were lost.
  init(_ webhook: Webhook, events: [Event], isIncomplete: Bool, node: String) throws {
    struct Body: Encodable {
      var node: String
      var incomplete: Bool
      var events: [Event]
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    body = Array(
      try encoder.encode(Body(node: node, incomplete: isIncomplete, events: events)))
    url = webhook.url
    timeout = webhook.timeout
    headers = [("Content-Type", "application/json")]
    if let secret = webhook.secret {
      let code = HMAC<SHA256>.authenticationCode(
        for: body, using: SymmetricKey(data: Data(secret.utf8)))
      headers.append(("Azimuth-Signature", "sha256=" + hexadecimalText(code)))
    }
  }
}

/// What became of requests to one webhook.
package struct WebhookCounts: Sendable, Equatable {
  package var delivered = 0
  package var failed = 0
  /// The number of the last event that it has, or that is not for it.
  package var position: UInt64 = 0
}

/// Tells one webhook of every event that is for it, in order and at least once: what comes next
/// waits until what came before is taken.
package actor WebhookSender {
  package nonisolated let webhook: Webhook
  private let log: EventLog
  private let node: String
  private let post: @Sendable (WebhookRequest) async throws -> Int
  private let sleep: @Sendable (Duration) async throws -> Void
  private let report: @Sendable (String) -> Void
  package private(set) var counts = WebhookCounts()

  /// Events of one body at most.
  package static let pageSize = 100
  package static let firstPause = Duration.seconds(1)
  package static let longestPause = Duration.seconds(60)

  /// - Parameters:
  ///   - position: the number of the last event that it has.
  ///   - post: sends a request and returns the status of the answer.
  ///   - sleep: waits; the tests' clock does not.
  ///   - report: is told when deliveries begin to fail, and when they succeed again.
  package init(
    _ webhook: Webhook, log: EventLog, node: String, position: UInt64,
    post: @escaping @Sendable (WebhookRequest) async throws -> Int,
    sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) },
    report: @escaping @Sendable (String) -> Void = { _ in }
  ) {
    self.webhook = webhook
    self.log = log
    self.node = node
    self.post = post
    self.sleep = sleep
    self.report = report
    counts.position = position
  }

  /// Until the task is cancelled.
  ///
  /// - Parameter keep: is given the position after each delivery.
  package func run(keep: @Sendable (UInt64) async -> Void) async {
    guard let changes = log.changes() else { return }
    for await _ in changes {
      while !Task.isCancelled, await deliverPage() { await keep(counts.position) }
    }
  }

  /// - Returns: false where nothing was left.
  private func deliverPage() async -> Bool {
    let page = log.page(after: counts.position, limit: Self.pageSize)
    guard !page.events.isEmpty else { return false }
    let events = page.events.filter { webhook.kinds.contains($0.kind) }
    if !events.isEmpty || page.isIncomplete {
      guard await deliver(events, isIncomplete: page.isIncomplete) else { return false }
    }
    counts.position = page.last
    return true
  }

  /// Tries until it is taken, or the task is cancelled: then false.
  private func deliver(_ events: [Event], isIncomplete: Bool) async -> Bool {
    var pause = Self.firstPause
    var isFailing = false
    while !Task.isCancelled {
      let failure: String
      do {
        let status = try await post(
          WebhookRequest(webhook, events: events, isIncomplete: isIncomplete, node: node))
        if (200..<300).contains(status) {
          counts.delivered += 1
          if isFailing { report("takes events again") }
          return true
        }
        failure = "status \(status)"
      } catch {
        failure = "\(error)"
      }
      counts.failed += 1
      if !isFailing { report("does not take events: \(failure)") }
      isFailing = true
      do {
        try await sleep(pause * Double.random(in: 0.75...1.25))
      } catch {
        return false
      }
      pause = min(pause * 2, Self.longestPause)
    }
    return false
  }
}
