import Admin
import Announcing
import ArgumentParser
import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import Terminal
import UnixSignals

/// `azimuth top`: a node, looked at.
struct Top: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Look at a node in the terminal: rates, regions, events.",
    discussion: """
      Keys: q ends it, p holds what is shown, s sorts the regions by name, by rate or by health. \
      With --once, one picture goes to standard output, as plain lines.
      """)

  /// Between two looks at the keys and at the size of the terminal.
  private static let tick = Duration.milliseconds(50)

  /// In one picture.
  private static let mostEventsOfOne = 20

  @OptionGroup var admin: AdminOptions
  @Option(help: "Seconds from one question to the next, 0.2 to 60.")
  var interval = 2.0
  @Flag(help: "Print one picture and end; code 1 if the node cannot be reached.")
  var once = false

  func run() async throws {
    guard (0.2...60).contains(interval) else {
      throw ValidationError("--interval wants 0.2 to 60 seconds")
    }
    let watched = try WatchedNode(admin, interval: .seconds(interval))
    if once {
      let hasAnswered = await printOnce(watched)
      await watched.end()
      if !hasAnswered { throw ExitCode(1) }
      return
    }
    guard let screen = Screen() else {
      writeToStandardError("This is no terminal; --once prints one picture.\n")
      throw ExitCode(1)
    }
    defer { screen.restore() }
    // The terminal is put back however it ends.
    let signals = await UnixSignalsSequence(trapping: .sigterm, .sighup, .sigint)
    await withTaskGroup { group in
      group.addTask { await watched.run() }
      group.addTask { for await _ in signals { return } }
      group.addTask { await Self.show(watched, on: screen) }
      // Whichever ends first.
      await group.next()
      group.cancelAll()
    }
    await watched.end()
  }

  /// - Returns: false if the node cannot be reached.
  private func printOnce(_ watched: WatchedNode) async -> Bool {
    await watched.ask()
    // Rates take two.
    if await watched.snapshot.loss == nil {
      try? await Task.sleep(for: .seconds(min(interval, 1)))
      await watched.ask()
    }
    var snapshot = await watched.snapshot
    snapshot.events = Array(snapshot.events.prefix(Self.mostEventsOfOne))
    guard !snapshot.node.isEmpty else {
      writeToStandardError(
        "\(snapshot.address) cannot be reached: \(snapshot.loss?.reason ?? "no answer")\n")
      return false
    }
    let columns = ProcessInfo.processInfo.environment["COLUMNS"].flatMap { Int($0) } ?? 120
    let frame = TopFrame(snapshot, view: TopView(), columns: max(1, columns), hasKeys: false)
    print(frame.lines.map(\.text).joined(separator: "\n"))
    return true
  }

  /// Until a key ends it.
  private static func show(_ watched: WatchedNode, on screen: Screen) async {
    // https://no-color.org
    let hasColours = ProcessInfo.processInfo.environment["NO_COLOR"]?.isEmpty ?? true
    var view = TopView()
    var held: TopSnapshot?
    var shown: TopFrame?
    while !Task.isCancelled {
      guard let keys = screen.keys() else { return }
      for key in keys {
        guard view.press(key) else { return }
      }
      var snapshot = await watched.snapshot
      if view.isPaused {
        let loss = snapshot.loss
        snapshot = held ?? snapshot
        // That the node is gone is told all the same.
        snapshot.loss = loss
        held = snapshot
      } else {
        held = nil
      }
      let (columns, rows) = screen.size
      let frame = TopFrame(snapshot, view: view, columns: columns, rows: rows)
      if frame != shown { screen.show(frame, hasColours: hasColours) }
      shown = frame
      try? await Task.sleep(for: tick)
    }
  }
}

/// What a node says, asked again and again.
private actor WatchedNode {
  private static let mostEvents = 200
  private static let counters: [String: String] = [
    "azimuth_dns_queries_total": "dns", "azimuth_proxy_accepted_total": "proxy",
    "azimuth_dns_steered_total": "dns region", "azimuth_proxy_decisions_total": "proxy region",
  ]

  private let client: AdminClient
  private let interval: Duration
  private let start = ContinuousClock.now
  private var known: TopSnapshot
  private var lastEvent: UInt64 = 0
  private var meter = RateMeter()
  /// Since when nothing is heard, and why.
  private var lost: (since: ContinuousClock.Instant, reason: String)?

  /// - Throws: what is wrong with the node's address.
  init(_ admin: AdminOptions, interval: Duration) throws {
    client = try admin.client()
    self.interval = interval
    known = TopSnapshot(address: admin.admin)
  }

  /// Nothing is asked after this.
  func end() async { await client.end() }

  var snapshot: TopSnapshot {
    var snapshot = known
    snapshot.loss = lost.map {
      TopSnapshot.Loss(
        seconds: Int((ContinuousClock.now - $0.since) / .seconds(1)), reason: $0.reason)
    }
    return snapshot
  }

  func run() async {
    while !Task.isCancelled {
      let next = ContinuousClock.now + interval
      await ask()
      try? await Task.sleep(until: next)
    }
  }

  func ask() async {
    do {
      try await take()
      lost = nil
    } catch {
      guard !Task.isCancelled else { return }
      lost = (lost?.since ?? .now, reasonOfSilence(error))
    }
  }

  private func take() async throws {
    let status = try decoded(StatusReport.self, await read("/v1/status"))
    let regions = try decoded(RegionList.self, await read("/v1/regions"))
    let overrides = status.counts.overrides
    let metrics = String(decoding: try await read("/metrics"), as: UTF8.self)
    let events = try decoded(
      EventList.self, await read("/v1/events", query: "since=\(lastEvent)"))
    let rates = meter.take(Self.sums(metrics), at: ContinuousClock.now - start)
    known.node = status.node
    known.version = status.version
    known.edition = status.edition
    known.revision = status.revision
    known.isReady = status.ready
    known.uptimeSeconds = status.uptimeSeconds
    known.endpoints = status.counts.endpoints
    known.healthyEndpoints = status.counts.healthyEndpoints
    known.overrides = overrides
    known.dnsRate = rates.map { $0["dns"] ?? 0 }
    known.proxyRate = rates.map { $0["proxy"] ?? 0 }
    known.regions = regions.regions.map { TopSnapshot.Region($0, rates) }
    lastEvent = events.last
    let fresh = events.events.reversed().map { TopSnapshot.Event($0) }
    known.events = Array((fresh + known.events).prefix(Self.mostEvents))
  }

  private static func sums(_ metrics: String) -> [String: Double] {
    var sums = ["dns": 0.0, "proxy": 0.0]
    for line in MetricLine.all(of: Set(counters.keys), in: metrics) {
      guard let name = counters[line.name] else { continue }
      let key = name.hasSuffix("region") ? "\(name) \(line.labels["region"] ?? "")" : name
      sums[key, default: 0] += line.value
    }
    return sums
  }

  private func read(_ path: String, query: String? = nil) async throws -> [UInt8] {
    var request = try client.request(path, query: query)
    if path != "/metrics" { request.headers.add(name: "Accept", value: "application/json") }
    let response = try await client.http.execute(request, timeout: .seconds(5))
    let answer = try await response.body.collect(upTo: 64 << 20)
    guard response.status == .ok else {
      throw Unanswered(description: "\(path) is answered with \(response.status.code)")
    }
    return Array(answer.readableBytesView)
  }
}

extension TopSnapshot.Region {
  /// - Parameter rates: decisions a second; nil: not known yet.
  fileprivate init(_ report: RegionReport, _ rates: [String: Double]?) {
    let pools = report.pools
    self.init(
      name: report.name, standing: Self.standing(report),
      healthyEndpoints: pools.reduce(0) { $0 + $1.healthyEndpoints },
      endpoints: pools.reduce(0) { $0 + $1.endpoints },
      dnsRate: rates.map { $0["dns region \(report.name)"] ?? 0 },
      proxyRate: rates.map { $0["proxy region \(report.name)"] ?? 0 }, load: report.load,
      limit: report.limit ?? report.capacity, admission: report.dial * report.opening)
  }

  /// As the dashboard has it: an operator's word, or the worst of its pools.
  private static func standing(_ report: RegionReport) -> String {
    guard ["auto", "up"].contains(report.override) else { return report.override }
    let order = ["healthy", "degraded", "unknown", "unhealthy", "removed"]
    let worst = report.pools.compactMap { order.firstIndex(of: $0.health) }.max()
    return worst.map { order[$0] } ?? "unused"
  }
}

extension TopSnapshot.Event {
  fileprivate init(_ event: Event) {
    self.init(
      at: "\(event.at)", kind: event.kind.rawValue, subject: event.subject, from: event.from,
      to: event.to, cause: event.cause, author: event.author)
  }
}
