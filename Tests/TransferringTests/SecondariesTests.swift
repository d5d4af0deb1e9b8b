import DNSWire
import Foundation
import Logging
import Places
import Replicating
import Synchronization
import Testing
import Transferring

@Suite struct `A secondary` {
  /// Primaries that say what the test wants, a clock that the test moves, and what is served.
  private final class World: Sendable {
    struct State {
      var now = 1_700_000_000.0
      var asked: [SocketAddress] = []
      /// What each primary has; nil: it cannot be reached.
      var primaries: [SocketAddress: ZoneContents] = [:]
      var served: [DomainName: ZoneContents] = [:]
      var refuses: String?
    }

    static let first = SocketAddress(address: .ipv4(0xC000_0201), port: 53)
    static let second = SocketAddress(address: .ipv4(0xC000_0202), port: 53)
    static let limits = Secondaries.Limits(
      zone: .init(records: 100, bytes: 10_000),
      client: .init(idleTimeout: .seconds(1), timeout: .seconds(1)), maximumTransfers: 2,
      maximumJournalRecords: 3)
    static let zones = [SecondaryZone(name: zone, primaries: [first, second])]

    let state = Mutex(State())
    let desk: TransferDesk
    let folder = FileManager.default.temporaryDirectory.appending(
      path: "azimuth-secondaries-\(UUID().uuidString)")

    init() { desk = TransferDesk(TransferRules(), now: { 0 }, notified: { _, _ in }) }

    deinit { try? FileManager.default.removeItem(at: folder) }

    func secondaries(keeps: Bool = false) -> Secondaries {
      Secondaries(
        Secondaries.Surroundings(
          now: { self.state.withLock(\.now) }, jitter: { 0 },
          fetch: { (session, primary, _) throws(TransferFault) in
            try self.fetch(session, primary)
          },
          publish: { (name, contents) throws(TransferFault) in
            let refusal = self.state.withLock { state in
              if state.refuses == nil { state.served[name] = contents }
              return state.refuses
            }
            if let refusal { throw .zone(refusal) }
          }), desk: desk, store: keeps ? ZoneStore(folder: folder.path) : nil,
        limits: Self.limits, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    /// Plays the primary that the session speaks with.
    private func fetch(
      _ session: TransferSession, _ primary: SocketAddress
    ) throws(TransferFault) -> TransferSession.Result {
      let found = state.withLock { state in
        state.asked.append(primary)
        return state.primaries[primary]
      }
      guard let found else { throw .connection("refused") }
      var session = session
      var asked = session.start(now: 0)
      while true {
        guard let message = try? WireMessage(asked) else { throw .closed }
        let soa = found.authority.record(of: zone)
        let records =
          message.questions[0].type == .soa ? [soa] : [soa] + Array(found.records) + [soa]
        let reply = Reply(id: message.id, type: message.questions[0].type, records: records)
        switch try session.receive(reply.bytes, now: 0) {
        case .wait: throw .closed
        case .send(let next): asked = next
        case .finished(let result): return result
        }
      }
    }

    func set(_ change: (inout State) -> Void) { state.withLock { change(&$0) } }
    var served: ZoneContents? { state.withLock { $0.served[zone] } }
    var asked: [SocketAddress] { state.withLock(\.asked) }

    /// Moves the clock, and waits for the checks that are due then.
    func pass(_ seconds: Double, _ secondaries: Secondaries) async {
      set { $0.now += seconds }
      await secondaries.tick()
      await secondaries.settle()
    }
  }

  private let some = [address("a.example.org.")]

  @Test func `RFC 1034 §4.3.5: a zone comes, is refreshed, expires, and comes again`() async throws
  {
    let world = World()
    world.set { $0.primaries[World.first] = try? contents(1, some) }
    let secondaries = world.secondaries()
    await secondaries.replace(World.zones, limits: World.limits)
    await secondaries.settle()
    #expect(world.served == (try contents(1, some)))
    world.set { $0.primaries[World.first] = try? contents(2, some + [address("b.example.org.")]) }
    await world.pass(3599, secondaries)
    #expect(world.served?.authority.serial == Serial(1) && world.asked.count == 1)
    await world.pass(1, secondaries)
    #expect(world.served?.authority.serial == Serial(2) && world.served?.recordCount == 2)
    world.set { $0.primaries = [:] }
    await world.pass(3600, secondaries)
    #expect(await secondaries.reports.map(\.state) == [.stale])
    #expect(world.asked.suffix(2) == [World.first, World.second])
    await world.pass(86_400 - 3600 - 1, secondaries)
    #expect(world.served != nil)
    await world.pass(1, secondaries)
    #expect(world.served == nil)
    #expect(await secondaries.reports.map(\.state) == [.expired])
    // What has expired binds nobody: the primary may have begun anew.
    world.set { $0.primaries[World.second] = try? contents(1, some) }
    await world.pass(600, secondaries)
    #expect(world.served?.authority.serial == Serial(1))
    #expect(await secondaries.reports.first?.lastTransfer?.primary == World.second)
  }

  @Test func `a zone that is refused leaves the last good one in force`() async throws {
    let world = World()
    world.set { $0.primaries[World.first] = try? contents(1, some) }
    let secondaries = world.secondaries()
    await secondaries.replace(World.zones, limits: World.limits)
    await secondaries.settle()
    world.set {
      $0.primaries[World.first] = try? contents(2, [])
      $0.refuses = "no name server"
    }
    await world.pass(3600, secondaries)
    #expect(world.served == (try contents(1, some)))
    let report = try #require(await secondaries.reports.first)
    #expect(report.serial == Serial(1) && report.state == .stale)
    #expect(report.faults.contains { $0.contains("no name server") })
  }

  @Test func `RFC 1996 §3.11: after a NOTIFY its sender is asked first, and at once`() async throws
  {
    let world = World()
    world.set { $0.primaries[World.first] = try? contents(1, some) }
    let secondaries = world.secondaries()
    await secondaries.replace(World.zones, limits: World.limits)
    await secondaries.settle()
    world.set {
      $0.primaries[World.second] = try? contents(2, some)
      $0.now += 10
    }
    await secondaries.notified(zone, from: World.second.address)
    await secondaries.settle()
    #expect(world.asked == [World.first, World.second])
    #expect(world.served?.authority.serial == Serial(2))
    // A zone that is not ours means nothing.
    await secondaries.notified(name("example.net."), from: World.second.address)
  }

  @Test func `after a restart a zone is served as it was kept, until it expires`() async throws {
    let world = World()
    world.set { $0.primaries[World.first] = try? contents(1, some) }
    let before = world.secondaries(keeps: true)
    await before.replace(World.zones, limits: World.limits)
    await before.settle()
    await before.stop()
    world.set {
      $0.primaries = [:]
      $0.served = [:]
      $0.now += 86_000
    }
    let after = world.secondaries(keeps: true)
    await after.replace(World.zones, limits: World.limits)
    await after.settle()
    #expect(world.served == (try contents(1, some)))
    await world.pass(400, after)
    #expect(world.served == nil)
    await after.stop()
    let late = world.secondaries(keeps: true)
    await late.replace(World.zones, limits: World.limits)
    await late.settle()
    #expect(world.served == nil)
  }

  @Test func `a zone that leaves the configuration leaves the store`() async throws {
    let world = World()
    world.set { $0.primaries[World.first] = try? contents(1, some) }
    let secondaries = world.secondaries(keeps: true)
    await secondaries.replace(World.zones, limits: World.limits)
    await secondaries.settle()
    #expect(try ZoneStore(folder: world.folder.path).load(zone) != nil)
    await secondaries.replace([], limits: World.limits)
    #expect(try ZoneStore(folder: world.folder.path).load(zone) == nil)
    #expect(await secondaries.reports.isEmpty)
  }
}
