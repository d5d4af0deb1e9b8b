import Announcing
import FoundationEssentials
import HTTPTypes
import Hummingbird
import NIOCore
import Publishing
import ServiceLifecycle

extension AdminServer {
  /// Followers at one time.
  static let maximumFollowers = 64
  /// A follower that hears of nothing gets a comment so often, so that both sides see that the
  /// connection lives.
  static let heartbeat = Duration.seconds(15)

  /// `GET /v1/events?since=`: transitions in order, as server-sent events, or as a JSON document
  /// for those who ask for that type; that has `limit` of them at most, and a Link to the next.
  func events(_ request: Request) async throws -> Response {
    var query = QueryReader(request, known: ["since", "cursor", "limit", "follow"])
    let isDocument = request.headers[.accept]?.contains("application/json") == true
    let since = eventNumber(query["since"], "since", &query)
    let cursor = query["cursor"].map { eventNumber($0, "cursor", &query) }
    let limit = query.number("limit", in: pageLimits) ?? pageLimits.upperBound
    if query["limit"] != nil, !isDocument {
      query.report("limit", "is for those who accept application/json")
    }
    if query["since"] != nil, query["cursor"] != nil {
      query.report("cursor", "goes without since: give one of them")
    }
    let resumed = request.headers[HTTPField.Name.lastEventID].map {
      eventNumber($0, "Last-Event-ID", &query)
    }
    let follow = query["follow"] ?? "true"
    if !["true", "false"].contains(follow) { query.report("follow", "wants true or false") }
    guard query.errors.isEmpty else { throw query.problem }
    let start = resumed ?? cursor ?? since
    let log = sources.publisher.events
    if isDocument {
      let page = log.page(after: start, limit: limit)
      let hasMore = log.count(after: page.last) > 0
      return try Response.json(
        EventList(page),
        headers: hasMore ? nextPage(of: request, cursor: "\(page.last)", limit: limit) : [:])
    }
    guard follow == "true" else { return streamed(after: start, changes: nil) }
    guard let changes = log.changes(mostListeners: Self.maximumFollowers) else {
      throw Problem(
        .serviceUnavailable, "there are \(Self.maximumFollowers) followers already",
        type: .busy)
    }
    return streamed(after: start, changes: changes)
  }

  private func eventNumber(
    _ text: String?, _ name: String, _ query: inout QueryReader
  ) -> UInt64 {
    guard let text else { return 0 }
    if let number = UInt64(text) { return number }
    query.report(name, "wants the id of an event")
    return 0
  }

  private func streamed(after start: UInt64, changes: AsyncStream<Void>?) -> Response {
    let log = sources.publisher.events
    return Response(
      status: .ok,
      headers: [.contentType: "text/event-stream", .cacheControl: "no-store"],
      body: ResponseBody { writer in
        var stream = EventStream(log: log, last: start)
        if let changes {
          let ticks = Ticks(changes, heartbeat: Self.heartbeat)
          defer { ticks.end() }
          await withGracefulShutdownHandler {
            await stream.follow(ticks.stream) { try await writer.write($0) }
          } onGracefulShutdown: {
            ticks.end()
          }
        } else {
          while let text = stream.next() { try await writer.write(text) }
        }
        try await writer.finish(nil)
      })
  }
}

extension HTTPField.Name {
  /// Of those who lost their connection (HTML Living Standard §9.2.4).
  fileprivate static let lastEventID = HTTPField.Name("Last-Event-ID") ?? .ifMatch
}

/// Writes events as the HTML Living Standard §9.2.6 has them: `id`, `event`, `data`.
private struct EventStream {
  let log: EventLog
  var last: UInt64

  /// What came since; nil where nothing did.
  mutating func next() -> ByteBuffer? {
    let page = log.page(after: last)
    guard !page.events.isEmpty || page.isIncomplete else { return nil }
    last = page.last
    var buffer = ByteBuffer()
    if page.isIncomplete { buffer.writeString("event: incomplete\ndata: {}\n\n") }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    for event in page.events {
      guard let data = try? encoder.encode(event) else { continue }
      buffer.writeString("id: \(event.id)\nevent: \(event.kind.rawValue)\ndata: ")
      buffer.writeBytes(data)
      buffer.writeString("\n\n")
    }
    return buffer
  }

  /// Until the reader goes away or there are no more ticks.
  mutating func follow(
    _ ticks: AsyncStream<Void>, write: (ByteBuffer) async throws -> Void
  ) async {
    do {
      // At once, so that whoever waits for the head of the answer gets it.
      try await write(ByteBuffer(string: ": events\n\n"))
      for await _ in ticks {
        guard let first = next() else {
          try await write(ByteBuffer(string: ":\n\n"))
          continue
        }
        try await write(first)
        while let more = next() { try await write(more) }
      }
    } catch {
      // The reader is gone.
    }
  }
}

/// Ticks when there may be something new, and at the latest after some time.
private struct Ticks: Sendable {
  let stream: AsyncStream<Void>
  private let continuation: AsyncStream<Void>.Continuation
  private let relay: Task<Void, Never>
  private let beat: Task<Void, any Error>

  init(_ changes: AsyncStream<Void>, heartbeat: Duration) {
    let (stream, continuation) = AsyncStream.makeStream(
      of: Void.self, bufferingPolicy: .bufferingNewest(1))
    self.stream = stream
    self.continuation = continuation
    relay = Task { for await _ in changes { continuation.yield() } }
    beat = Task {
      while true {
        try await Task.sleep(for: heartbeat)
        continuation.yield()
      }
    }
  }

  func end() {
    relay.cancel()
    beat.cancel()
    continuation.finish()
  }
}
