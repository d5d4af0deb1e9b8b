import Answering
import Counters
import DNSWire
import Editions
import Listening
import NIOCore
import NIOPosix
import Places
import ProxyProtocol
import Testing

/// A listener on a loopback address, and what it has counted.
struct StreamWorld {
  let server: ServerAddress
  let board: CounterBoard

  /// Runs `body` with a listener, and stops it.
  static func run(
    _ limits: StreamLimits = StreamLimits(idleTimeout: .seconds(60)),
    address: String = "127.0.0.1:0",
    trusted: [String] = [], tls: TLSIdentity? = nil,
    uncommon: (any UncommonMessages)? = nil, threads: Int = 1, desk: EditionDesk? = nil,
    _ body: (StreamWorld) async throws -> Void
  ) async throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: threads)
    let board = CounterBoard()
    let settings = TCPDNSListener.Settings(
      addresses: [try #require(ServerAddress(address))], limits: limits,
      proxies: TrustedProxies(trusted.compactMap { AddressPrefix($0) }), tls: tls)
    let listener = try await TCPDNSListener.start(
      settings, group: group,
      parts: parts(try desk ?? EditionDesk(edition()), board, uncommon))
    do {
      try await body(StreamWorld(server: listener.boundAddresses[0], board: board))
    } catch {
      await listener.stop()
      try await group.shutdownGracefully()
      throw error
    }
    await listener.stop()
    try await group.shutdownGracefully()
    // Every connection that was opened has ended, and is counted once.
    let world = StreamWorld(server: listener.boundAddresses[0], board: board)
    #expect(world.opened == world.closed())
  }

  var opened: UInt64 { sum("azimuth_dns_connections_opened_total") { _ in true } }

  /// Connections that ended, for one reason or for any.
  func closed(_ reason: String? = nil) -> UInt64 {
    sum("azimuth_dns_connections_closed_total") { labels in
      reason.map { labels.contains(CounterBoard.Label("reason", $0)) } ?? true
    }
  }

  private func sum(_ name: String, where isWanted: ([CounterBoard.Label]) -> Bool) -> UInt64 {
    board.sums().filter { $0.series.name == name && isWanted($0.series.labels) }
      .reduce(0) { $0 + $1.value }
  }

  /// A connection that has been answered once.
  func client(id: UInt8 = 0, from source: String? = nil) throws -> Client {
    let client = Client(server, isStream: true, from: source)
    client.send(framed(try query("www.test.", id: id)))
    #expect(client.receiveFrame().prefix(2) == [0, id])
    return client
  }
}
