import Answering
import CLinux
import Counters
import Editions
import Glibc
import Listening
import Places
import Testing

@Suite(.timeLimit(.minutes(1))) struct UDPListenerTests {
  private func start(
    _ addresses: [String], edition: Edition, threads: Int = 1
  ) throws -> (listener: UDPListener, desk: EditionDesk, board: CounterBoard) {
    let desk = EditionDesk(edition)
    let board = CounterBoard()
    let addresses = addresses.compactMap { ServerAddress($0) }
    let listener = try UDPListener.start(
      UDPListener.Settings(addresses: addresses, threads: threads, receiveBufferBytes: 1 << 16),
      parts: parts(desk, board))
    return (listener, desk, board)
  }

  @Test func `queries are answered on every address by several threads`() throws {
    let (listener, _, board) = try start(
      ["127.0.0.1:0", "127.0.0.2:0", "[::1]:0"], edition: try edition(), threads: 2)
    defer { listener.stop() }
    for address in listener.boundAddresses {
      #expect(address.port != 0)
      for id in UInt8(0)..<20 {
        let client = Client(address, isStream: false)
        client.send(try query("www.test.", id: id))
        let answer = client.receive()
        #expect(answer.count == 42)
        #expect(answer.prefix(2) == [0, id])
        #expect(answer.suffix(4) == [192, 0, 2, 1])
      }
    }
    let queries = board.sums().first { $0.series.name == "azimuth_dns_queries_total" }
    #expect(queries?.value == 60)
  }

  @Test(arguments: ["127.0.0.1", "::1"])
  func `RFC 9715 §3.1: no fragments for a path MTU that somebody claims`(text: String) throws {
    let address = try #require(IPAddress(text))
    let bytes: [UInt8] =
      switch address {
      case .ipv4(let bits): (0..<4).map { UInt8(truncatingIfNeeded: bits >> (24 - 8 * $0)) }
      case .ipv6(let bits): (0..<16).map { UInt8(truncatingIfNeeded: bits >> (120 - 8 * $0)) }
      }
    let descriptor = az_udp_open(bytes, address.isIPv6 ? 1 : 0, 0, 1 << 16, 100)
    defer { az_udp_close(descriptor) }
    var value: Int32 = -1
    var length = socklen_t(MemoryLayout<Int32>.size)
    let level = Int32(address.isIPv6 ? IPPROTO_IPV6 : IPPROTO_IP)
    let name = address.isIPv6 ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER
    #expect(getsockopt(descriptor, level, name, &value, &length) == 0)
    #expect(value == (address.isIPv6 ? IPV6_PMTUDISC_OMIT : IP_PMTUDISC_OMIT))
  }

  @Test func `a response is never answered, and the next query is`() throws {
    let (listener, _, _) = try start(["127.0.0.1:0"], edition: try edition())
    defer { listener.stop() }
    let client = Client(try #require(listener.boundAddresses.first), isStream: false)
    var response = try query("www.test.", id: 7)
    response[2] |= 0x80
    for packet in [response, [], [1], Array(repeating: 0xFF, count: 3_000)] { client.send(packet) }
    client.send(try query("www.test.", id: 8))
    #expect(client.receive().prefix(2) == [0, 8])
  }

  @Test func `a new edition is served from the next batch on`() throws {
    let (listener, desk, _) = try start(["127.0.0.1:0"], edition: try edition(1))
    defer { listener.stop() }
    let client = Client(try #require(listener.boundAddresses.first), isStream: false)
    for number in UInt8(1)...5 {
      desk.publish(try edition(number))
      client.send(try query("www.test.", id: number))
      #expect(client.receive().suffix(4) == [192, 0, 2, number])
    }
  }

  @Test func `an idle thread lets an old edition go`() throws {
    var old: Edition? = try edition(1)
    weak let watched = old
    let (listener, desk, _) = try start(["127.0.0.1:0"], edition: try #require(old))
    defer { listener.stop() }
    old = nil
    desk.publish(try edition(2))
    while watched != nil { sched_yield() }
  }

  @Test func `an address that is not ours is refused with its reason`() throws {
    let fault = #expect(throws: ListenFault.self) {
      try start(["192.0.2.1:53"], edition: try edition())
    }
    #expect(fault?.description == "cannot listen on 192.0.2.1:53: Cannot assign requested address")
  }
}
