import Announcing
import Crypto
import Foundation
import Synchronization
import Testing

/// Takes requests, and refuses as many of the first as it is told.
private final class Receiver: Sendable {
  struct Body: Decodable {
    var node: String
    var incomplete: Bool
    var events: [Event]
  }

  private let state: Mutex<(refusals: Int, requests: [WebhookRequest], pauses: [Duration])>

  init(refusing refusals: Int = 0) { state = Mutex((refusals, [], [])) }

  func take(_ request: WebhookRequest) -> Int {
    state.withLock { state in
      guard state.refusals == 0 else {
        state.refusals -= 1
        return 503
      }
      state.requests.append(request)
      return 204
    }
  }

  func pause(_ duration: Duration) { state.withLock { $0.pauses.append(duration) } }

  var requests: [WebhookRequest] { state.withLock(\.requests) }
  var pauses: [Duration] { state.withLock(\.pauses) }
  var bodies: [Body] {
    requests.compactMap { try? JSONDecoder().decode(Body.self, from: Data($0.body)) }
  }
  var subjects: [String] { bodies.flatMap(\.events).map(\.subject) }
}

@Suite struct `A webhook` {
  private func hook(
    _ kinds: Set<Event.Kind> = Set(Event.Kind.allCases), secret: String? = nil
  ) -> Webhook {
    Webhook(
      url: "http://127.0.0.1/hook?key=1", kinds: kinds, secret: secret, timeout: .seconds(1))
  }

  private func add(_ subjects: [String], to log: EventLog, kind: Event.Kind = .regionHealth) {
    log.append(subjects.map { Change(kind, of: $0) }, edition: 1, revision: 1, now: 1)
  }

  /// Runs a sender until the receiver has what is wanted.
  private func deliver(
    _ log: EventLog, to receiver: Receiver, _ webhook: Webhook, from position: UInt64 = 0,
    until isDone: @escaping @Sendable () -> Bool
  ) async -> (position: UInt64, counts: WebhookCounts) {
    let kept = Mutex<UInt64>(position)
    let sender = WebhookSender(
      webhook, log: log, node: "n1", position: position, post: { receiver.take($0) },
      sleep: { receiver.pause($0) })
    let task = Task { await sender.run { position in kept.withLock { $0 = position } } }
    while !isDone() || kept.withLock({ $0 }) < log.last { await Task.yield() }
    task.cancel()
    await task.value
    return (kept.withLock { $0 }, await sender.counts)
  }

  @Test func `is told in order, and again until it takes it`() async {
    let log = EventLog()
    let receiver = Receiver(refusing: 3)
    add((0..<250).map(String.init), to: log)
    let (position, counts) = await deliver(log, to: receiver, hook()) {
      receiver.subjects.count == 250
    }
    #expect(receiver.subjects == (0..<250).map(String.init))
    #expect(receiver.requests.count == 3 && counts.failed == 3 && counts.delivered == 3)
    #expect(position == log.last)
    #expect(receiver.pauses.count == 3)
    #expect(receiver.pauses.allSatisfy { $0 <= WebhookSender.longestPause * 1.25 })
    #expect(receiver.pauses[2] > receiver.pauses[0])
    #expect(receiver.bodies.allSatisfy { $0.node == "n1" && !$0.incomplete })
  }

  @Test func `is told only of what it asked for, and of the rest only that it passed`() async {
    let log = EventLog()
    let receiver = Receiver()
    add(["a"], to: log)
    add(["b"], to: log, kind: .overrideSet)
    add(["c"], to: log)
    let (position, _) = await deliver(log, to: receiver, hook([.overrideSet])) {
      !receiver.requests.isEmpty
    }
    #expect(receiver.subjects == ["b"] && position == log.last)
  }

  @Test func `goes on where it was, and is told where something was lost`() async {
    let log = EventLog(capacity: 5)
    let receiver = Receiver()
    add(["a", "b"], to: log)
    let first = await deliver(log, to: receiver, hook()) { receiver.subjects.count == 2 }
    for number in 0..<20 { add(["\(number)"], to: log) }
    _ = await deliver(log, to: receiver, hook(), from: first.position) {
      receiver.subjects.last == "19"
    }
    #expect(receiver.bodies.map(\.incomplete) == [false, true])
  }

  @Test func `can check who has told it`() async throws {
    let log = EventLog()
    let receiver = Receiver()
    add(["a"], to: log)
    _ = await deliver(log, to: receiver, hook(secret: "s3cret")) { !receiver.requests.isEmpty }
    let request = try #require(receiver.requests.first)
    let signature = request.headers.first { $0.name == "Azimuth-Signature" }?.value
    let code = HMAC<SHA256>.authenticationCode(
      for: Data(request.body), using: SymmetricKey(data: Data("s3cret".utf8)))
    let text = code.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    #expect(signature == "sha256=\(text)")
  }
}
