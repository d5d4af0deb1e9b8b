import Admitting
import Compiling
import DNSWire
import Editions
import Foundation
import Places
import Publishing
import Routing
import TestSupport
import Testing

/// A publisher of one active-passive service, whose clock stands where the test puts it.
private final class Ledger: @unchecked Sendable {
  // Moved and read by one test, one call after the other.
  nonisolated(unsafe) var seconds = 1000.0
  nonisolated(unsafe) var notices: [PrimaryNotice] = []
  let publisher: EditionPublisher

  static func configuration(order: String = "milan, paris, madrid", more: String = "") -> String {
    RegionSet.europe.configuration(
      policy: "{type: primary, order: [\(order)], fail_hold: 30s\(more)}")
  }

  init(_ text: String = Ledger.configuration(), store: PrimaryStore? = nil) throws {
    let box = Box()
    publisher = EditionPublisher(
      try compiledText(text), isReady: true, primaryStore: store,
      tell: { box.ledger?.notices.append($0) ?? box.early.append($0) },
      now: { box.ledger?.seconds ?? 1000 })
    notices = box.early
    box.ledger = self
  }

  private final class Box: @unchecked Sendable {
    nonisolated(unsafe) weak var ledger: Ledger?
    nonisolated(unsafe) var early: [PrimaryNotice] = []
  }

  func set(_ region: String, _ health: Health, at second: Double) async {
    seconds = second
    let ids = publisher.desk.take().model.endpoints.map(\.id).filter { $0.hasPrefix("\(region)/") }
    await publisher.apply(
      Dictionary(
        uniqueKeysWithValues: ids.map {
          ($0, EndpointCondition(health: health, lastGood: health == .healthy ? .max : 1))
        }))
  }

  func pass(to second: Double) async {
    seconds = second
    await publisher.advance()
  }

  /// What a client anywhere gets.
  func served() throws -> [String] {
    let edition = publisher.desk.take()
    let client = try #require(IPAddress("194.25.0.1")).client
    let outcome = try #require(edition.explain(client, service: 0)).outcome
    return outcome.regions.map { edition.model.regions[$0].name }
  }

  var epoch: UInt64? {
    publisher.desk.take().board.admissions.primary(ofService: 0)?.epoch
  }

  /// The TXT record that the edition has ready.
  func text() throws -> (text: String, ttl: UInt32) {
    let edition = publisher.desk.take()
    let service = try #require(edition.model.services.firstIndex { $0.name == "_primary.web" })
    let client = try #require(IPAddress("194.25.0.1")).client
    let decision = try #require(edition.explain(client, service: service)).decision
    let entry = edition.answers.entry(outcome: decision.outcome, slot: .init(.txt))
    let bytes = edition.answers.bytes[
      Int(entry.offset)..<Int(entry.offset) + Int(entry.byteCount)]
    let record = Array(bytes)
    #expect(entry.recordCount == 1 && record[3] == 16)
    return (
      String(decoding: record.dropFirst(13), as: UTF8.self),
      record[6..<10].reduce(0) { $0 << 8 | UInt32($1) }
    )
  }
}

private func folder() throws -> String {
  let url = FileManager.default.temporaryDirectory.appending(path: "primaries-\(UUID())")
  try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  return url.path
}

@Suite struct `An active-passive service` {
  @Test func `sends everyone to its primary, until that has failed for the hold`() async throws {
    let ledger = try Ledger()
    #expect(try ledger.served() == ["milan"])
    let epoch = try #require(ledger.epoch)
    #expect(try ledger.text().text == "region=milan epoch=\(epoch)")
    await ledger.set("milan", .unhealthy, at: 1001)
    await ledger.pass(to: 1030)
    // Nobody else is used meanwhile: the last resort gives the primary.
    #expect(try ledger.served() == ["milan"] && ledger.epoch == epoch)
    await ledger.pass(to: 1031)
    #expect(try ledger.served() == ["paris"] && ledger.epoch == epoch + 1)
    #expect(try ledger.text() == ("region=paris epoch=\(epoch + 1)", 5))
    await ledger.set("milan", .healthy, at: 1040)
    await ledger.pass(to: 90_000)
    #expect(try ledger.served() == ["paris"])
    let report = try await ledger.publisher.makePrimary(
      nil, ofService: "web", accepting: .nothing, epoch: epoch + 1)
    #expect(report.region == "milan" && report.epoch == epoch + 2)
    #expect(try ledger.served() == ["milan"])
    #expect(ledger.notices.count == 2)
  }

  @Test func `is down with its primary where only standbys are healthy, if it fails closed`()
    async throws
  {
    let closed = Ledger.configuration().replacing(
      "pool: web}", with: "pool: web, on_all_down: fail_closed}")
    let ledger = try Ledger(closed)
    await ledger.set("milan", .unhealthy, at: 1001)
    #expect(try ledger.served() == [])
  }

  @Test func `returns gradually: both regions have clients, one is the primary`() async throws {
    let text =
      Ledger.configuration(more: ", failback: gradual, failback_after: 10s") + """

        stability: {ramp: 100s, ramp_start: 50%}
        """
    let ledger = try Ledger(text)
    await ledger.set("milan", .unhealthy, at: 1001)
    await ledger.pass(to: 1031)
    await ledger.set("milan", .healthy, at: 1040)
    await ledger.pass(to: 1050)
    let edition = ledger.publisher.desk.take()
    let shares = VerdictCompiler(model: edition.model, service: 0, board: edition.board)
      .compile()
    let regions = Set(shares.outcomes.flatMap(\.regions).map { edition.model.regions[$0].name })
    #expect(regions == ["milan", "paris"])
    await ledger.pass(to: 1151)
    #expect(try ledger.served() == ["milan"])
  }

  @Test func `keeps its epoch over a restart, and a reload`() async throws {
    let store = PrimaryStore(folder: try folder())
    let ledger = try Ledger(store: store)
    let epoch = try #require(ledger.epoch)
    await ledger.set("milan", .unhealthy, at: 1001)
    await ledger.pass(to: 1031)
    let again = try Ledger(store: store)
    #expect(again.epoch == epoch + 1)
    #expect(try again.served() == ["paris"] && again.notices.isEmpty)
    await again.publisher.replace(
      with: try compiledText(Ledger.configuration(order: "madrid, milan, paris")),
      conditions: [:])
    #expect(try again.served() == ["paris"] && again.epoch == epoch + 1)
    await again.publisher.replace(
      with: try compiledText(Ledger.configuration(order: "madrid, milan")), conditions: [:])
    #expect(try again.served() == ["madrid"] && again.epoch == epoch + 2)
  }

  @Test func `never goes back where what was kept is damaged or gone`() async throws {
    let path = try folder()
    let store = PrimaryStore(folder: path)
    try store.save([.init(service: "web", region: "paris", epoch: 40, chosen: false)])
    #expect(try Ledger(store: store).epoch == 40)
    try Data("{\"version\": 1, \"prim".utf8).write(to: URL(filePath: "\(path)/primaries.json"))
    let damaged = try Ledger(store: store)
    #expect(damaged.epoch == 1000, "the seconds of its clock")
    #expect(damaged.notices == [.damaged(movedTo: "\(path)/primaries.json.damaged")])
    try FileManager.default.removeItem(atPath: "\(path)/primaries.json")
    #expect(try Ledger(store: store).epoch == 1000)
    #expect(try Ledger().epoch == 1000)
  }

  @Test func `says so where epochs cannot be kept`() async throws {
    let ledger = try Ledger(store: PrimaryStore(folder: "/proc/nowhere"))
    guard case .notKept? = ledger.notices.first else {
      Issue.record("\(ledger.notices)")
      return
    }
  }

  @Test func `waits for an operator while its standbys are behind`() async throws {
    let urls = ["milan", "paris", "madrid"].map { "\($0): \"http://127.0.0.1:1/\"" }
    let ledger = try Ledger(
      Ledger.configuration(
        more: ", lag: {rpo: 10s, urls: {\(urls.joined(separator: ", "))}}"))
    let epoch = try #require(ledger.epoch)
    await ledger.set("milan", .unhealthy, at: 1001)
    await ledger.publisher.apply([
      LagReading(service: "web", region: "paris", lag: .seconds(40))
    ])
    ledger.seconds = 1031
    await ledger.publisher.apply([
      LagReading(service: "web", region: "paris", lag: .seconds(40))
    ])
    #expect(try ledger.served() == ["milan"])
    #expect(await ledger.publisher.primaryReports.first?.state == .awaitingOperator)
    await #expect(throws: PrimaryRefusal.epochHasChanged(epoch)) {
      try await ledger.publisher.makePrimary(
        "paris", ofService: "web", accepting: .anything, epoch: 7)
    }
    await #expect(
      throws: PrimaryRefusal.refused(.lag("paris", .seconds(40), limit: .seconds(10)))
    ) {
      try await ledger.publisher.makePrimary(
        "paris", ofService: "web", accepting: .nothing, epoch: nil)
    }
    let report = try await ledger.publisher.makePrimary(
      "paris", ofService: "web", accepting: .upTo(.seconds(40)), epoch: epoch)
    #expect(report.epoch == epoch + 1)
    #expect(try ledger.served() == ["paris"])
  }

  @Test(arguments: [
    ("0.35\n", 0.35), ("12", 12), (" 7.0 \r\n", 7), ("", nil), ("1 2", nil), ("-1", nil),
    ("nan", nil), ("1e5", nil), ("99999999999999", nil),
  ])
  func `reads a lag as a plain number of seconds`(answer: String, seconds: Double?) {
    let reading = LagReading(service: "s", region: "r", answer: Array(answer.utf8))
    #expect(reading?.lag == seconds.map { .seconds($0) })
  }
}
