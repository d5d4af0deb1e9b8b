import Counters
import DNSWire
import Editions
import Glibc
import Listening
import Places
import RateLimiting
import Routing
import Testing
import Zones

/// Not NIO's.
typealias ServerAddress = Places.SocketAddress

/// A zone `test.` with `www A 192.0.2.n`, `n` the edition's number.
func edition(
  _ number: UInt8 = 1, rules: AnswerRules = AnswerRules(), isReady: Bool = true
) throws -> Edition {
  let apex = try DomainName("test.")
  let big = (0..<255).map { _ in "\"" + String(repeating: "x", count: 200) + "\"" }
  let source = ZoneSource(
    name: apex,
    soa: ZoneSource.StartOfAuthority(
      primary: apex, mailbox: apex, serial: 1, refreshSeconds: 2, retrySeconds: 3,
      expireSeconds: 4, minimumSeconds: 5, ttlSeconds: 6),
    records: [
      ZoneSource.Record(
        owner: try DomainName("www.test."), ttlSeconds: 60, type: .a, data: [192, 0, 2, number]),
      ZoneSource.Record(
        owner: try DomainName("big.test."), ttlSeconds: 60, type: .txt,
        data: try RecordData.encode(.txt, text: big.joined(separator: " "), origin: apex)),
    ])
  let model = RoutingModel(
    regions: [], pools: [], endpoints: [], services: [], maps: [], places: PlaceTable())
  return Edition(
    number: UInt64(number), revision: UInt64(number),
    zones: try ZoneTableBuilder(seed: 1).build([source]), maps: CohortMaps([]), model: model,
    board: HealthBoard(conditions: []), rules: rules, isReady: isReady)
}

func parts(
  _ desk: EditionDesk, _ counters: CounterBoard, _ uncommon: (any UncommonMessages)? = nil
) -> ResponderParts {
  ResponderParts(
    desk: desk, counters: counters, limiter: RateLimiter(byteCount: 64, seed: 0),
    uncommon: uncommon)
}

func query(_ name: String, id: UInt8, type: RecordType = .a) throws -> [UInt8] {
  [0, id, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0] + (try DomainName(name).wire)
    + [0, UInt8(type.rawValue), 0, 1]
}

func framed(_ message: [UInt8]) -> [UInt8] {
  [UInt8(message.count >> 8), UInt8(message.count & 255)] + message
}

/// Waits for a condition, 20 s at most.
func eventually(
  _ what: String, sourceLocation: SourceLocation = #_sourceLocation, _ isTrue: () -> Bool
) {
  let clock = ContinuousClock()
  let end = clock.now + .seconds(20)
  while !isTrue() {
    guard clock.now < end else {
      Issue.record("\(what) did not come", sourceLocation: sourceLocation)
      return
    }
    usleep(2_000)
  }
}

/// A blocking socket of a test's client, connected to a loopback address; reads wait 5 s at most,
/// or as long as is said.
final class Client {
  private let descriptor: Int32

  /// - Parameter source: an address to send from, of the server's family.
  init(
    _ server: ServerAddress, isStream: Bool, receiveBufferBytes: Int32? = nil,
    timeoutMilliseconds: Int = 5_000, from source: String? = nil
  ) {
    let kind = isStream ? SOCK_STREAM : SOCK_DGRAM
    descriptor = socket(server.address.isIPv6 ? AF_INET6 : AF_INET, Int32(kind.rawValue), 0)
    var timeout = timeval(
      tv_sec: timeoutMilliseconds / 1_000, tv_usec: timeoutMilliseconds % 1_000 * 1_000)
    setsockopt(
      descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    if var bytes = receiveBufferBytes {
      setsockopt(
        descriptor, SOL_SOCKET, SO_RCVBUF, &bytes, socklen_t(MemoryLayout<Int32>.size))
    }
    if let source = source.flatMap({ IPAddress($0) }) {
      withSystemAddress(ServerAddress(address: source, port: 0)) {
        _ = Glibc.bind(descriptor, $0, $1)
      }
    }
    withSystemAddress(server) { _ = Glibc.connect(descriptor, $0, $1) }
  }

  deinit { close(descriptor) }

  /// Whether an IPv6 address is there and ready.
  static func canSend(from address: ServerAddress) -> Bool {
    let descriptor = socket(AF_INET6, Int32(SOCK_DGRAM.rawValue), 0)
    defer { close(descriptor) }
    var isBound = false
    withSystemAddress(address) { isBound = Glibc.bind(descriptor, $0, $1) == 0 }
    return isBound
  }

  func send(_ bytes: [UInt8]) {
    _ = Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
  }

  func endSending() { shutdown(descriptor, Int32(SHUT_WR)) }

  /// What has come, `count` bytes at most; empty at the end and after 5 s.
  func receive(_ count: Int = 65_536) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    let received = recv(descriptor, &bytes, count, 0)
    return Array(bytes[..<max(0, received)])
  }

  /// Whether the other side closes the connection before the time is up, as nothing else comes.
  func seesEnd() -> Bool {
    var byte: UInt8 = 0
    let received = recv(descriptor, &byte, 1, 0)
    return received == 0 || received < 0 && errno != EAGAIN
  }

  /// Exactly so many bytes, or fewer at the end.
  func receiveAll(_ count: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < count {
      let more = receive(count - bytes.count)
      if more.isEmpty { break }
      bytes += more
    }
    return bytes
  }

  /// One framed message; empty at the end.
  func receiveFrame() -> [UInt8] {
    let head = receiveAll(2)
    guard head.count == 2 else { return [] }
    return receiveAll(Int(head[0]) << 8 | Int(head[1]))
  }
}

private func withSystemAddress(
  _ address: ServerAddress, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Void
) {
  func pass<Address>(_ system: Address) {
    withUnsafeBytes(of: system) { bytes in
      bytes.withMemoryRebound(to: sockaddr.self) {
        if let first = $0.baseAddress { body(first, socklen_t(bytes.count)) }
      }
    }
  }
  switch address.address {
  case .ipv4(let bits):
    var system = sockaddr_in()
    system.sin_family = sa_family_t(AF_INET)
    system.sin_port = address.port.bigEndian
    system.sin_addr.s_addr = bits.bigEndian
    pass(system)
  case .ipv6(let bits):
    var system = sockaddr_in6()
    system.sin6_family = sa_family_t(AF_INET6)
    system.sin6_port = address.port.bigEndian
    withUnsafeMutableBytes(of: &system.sin6_addr) { bytes in
      for index in 0..<16 {
        bytes[index] = UInt8(truncatingIfNeeded: bits >> UInt128(120 - 8 * index))
      }
    }
    pass(system)
  }
}
