import ClientLimits
import Editions
import Foundation
import Glibc
import Places
import ProxyProtocol
import Proxying
import ServerNames
import Synchronization
import TestSupport
import Testing

private let trusted = TrustedProxies([AddressPrefix("127.0.0.0/8")].compactMap(\.self))

private func pattern(_ text: String) throws -> ServerNamePattern {
  try #require(ServerNamePattern(text))
}

/// A header of version 2 for a client of this address.
///
/// - Parameter path: of the nodes before; empty: none is said.
private func header(
  from client: String, text: Bool = false, path: String = ""
) throws -> [UInt8] {
  let ends = ProxyHeader.Ends(
    source: try #require(SocketAddress(client)),
    destination: try #require(SocketAddress("198.51.100.1:443")))
  var octets = [UInt8](repeating: 0, count: ProxyHeader.maximumByteCount)
  var span = octets.mutableSpan
  var buffer = span.mutableBytes
  if text {
    let count = ProxyHeaderWriter.writeText(ends, into: &buffer)
    return Array(octets[..<count])
  }
  var header = ProxyHeaderWriter(ends, into: &buffer)
  let nodes = Array(path.utf8)
  if !nodes.isEmpty { header.add(.path, nodes.span.bytes, into: &buffer) }
  header.end(into: &buffer)
  let count = header.byteCount
  return Array(octets[..<count])
}

/// LOCAL: a health check of the proxy in front.
private func localHeader() -> [UInt8] {
  var octets = [UInt8](repeating: 0, count: ProxyHeader.maximumByteCount)
  var span = octets.mutableSpan
  var buffer = span.mutableBytes
  let count = ProxyHeaderWriter(nil, into: &buffer).byteCount
  return Array(octets[..<count])
}

private func hello(_ name: String) -> [UInt8] { HelloParts.records(HelloParts.named(name).message) }

@Suite struct `A listener behind a proxy` {
  @Test(arguments: [false, true], [false, true])
  func `takes the client that the header names, and passes on what follows it`(
    isText: Bool, isCut: Bool
  ) throws {
    let server = try TestServer.echo()
    defer { withExtendedLifetime(server) {} }
    let world = try ProxyWorld(regions: [[server.address]]) {
      $0.trustedProxies = trusted
      $0.clientLimits.address.connections = 1
    }
    let first = try TestSocket(to: world.address)
    let octets = try header(from: "203.0.113.7:4000", text: isText)
    if isCut {
      for octet in octets {
        try first.send([octet])
        usleep(200)
      }
      try first.send([1, 2, 3])
    } else {
      try first.send(octets + [1, 2, 3])
    }
    #expect(try first.receiveExactly(3) == [1, 2, 3])
    // Limits count the client and not the proxy in front.
    let second = try TestSocket(to: world.address)
    try second.send(try header(from: "203.0.113.8:4000", text: isText) + [4])
    #expect(try second.receive() == [4])
    let third = try TestSocket(to: world.address)
    try third.send(try header(from: "203.0.113.7:4001", text: isText) + [5])
    #expect(throws: SocketFailure.code(ECONNRESET)) { try third.receive() }
    #expect(world.closed(.clientLimit) == 1)
  }

  @Test func `takes a health check of the proxy for what it is`() throws {
    let server = try TestServer.echo()
    defer { withExtendedLifetime(server) {} }
    let world = try ProxyWorld(regions: [[server.address]]) { $0.trustedProxies = trusted }
    let socket = try TestSocket(to: world.address)
    try socket.send(localHeader() + [9])
    #expect(try socket.receive() == [9])
  }

  /// The nodes before, and whether the connection may come.
  @Test(arguments: [("there", true), ("there,where", true), ("here", false), ("a,here,b", false)])
  func `refuses a connection that it has had before`(path: String, isTaken: Bool) throws {
    let server = try TestServer.echo()
    defer { withExtendedLifetime(server) {} }
    let world = try ProxyWorld(regions: [[server.address]], header: .v2) {
      $0.trustedProxies = trusted
    }
    let socket = try TestSocket(to: world.address)
    try socket.send(try header(from: "203.0.113.7:4000", path: path) + [9])
    guard isTaken else {
      #expect(throws: SocketFailure.code(ECONNRESET)) { try socket.receive() }
      #expect(world.closed(.relayLoop) == 1)
      return
    }
    var octets: [UInt8] = []
    while octets.last != 9 { octets += try socket.receive() }
    let decoded = try ProxyHeader.decode(stream: octets.span.bytes)
    let found = try #require(decoded)
    let value = found.value(of: .path, in: octets.span.bytes)
    #expect(value.map { String(decoding: octets[$0], as: UTF8.self) } == "\(path),here")
  }

  @Test func `takes nobody else`() throws {
    let server = try TestServer.echo()
    defer { withExtendedLifetime(server) {} }
    let world = try ProxyWorld(regions: [[server.address]]) {
      $0.trustedProxies = TrustedProxies([AddressPrefix("192.0.2.0/24")].compactMap(\.self))
    }
    let socket = try TestSocket(to: world.address)
    #expect(throws: SocketFailure.code(ECONNRESET)) { try socket.receive() }
    #expect(world.closed(.untrustedProxy) == 1)
    #expect(server.acceptedCount.load(ordering: .relaxed) == 0)
  }

  static let wrong: [(String, [UInt8], CloseReason)] = [
    ("another protocol", Array("GET / HTTP/1.1\r\n\r\n".utf8), .proxyHeader),
    ("a line without end", Array(repeating: UInt8(ascii: "P"), count: 108), .proxyHeader),
  ]

  @Test(arguments: wrong)
  func `refuses what is no header`(what: String, octets: [UInt8], reason: CloseReason) throws {
    let server = try TestServer.echo()
    defer { withExtendedLifetime(server) {} }
    let world = try ProxyWorld(regions: [[server.address]]) { $0.trustedProxies = trusted }
    let socket = try TestSocket(to: world.address)
    try socket.send(octets)
    #expect(throws: SocketFailure.code(ECONNRESET)) { try socket.receive() }
    #expect(world.closed(reason) == 1)
    #expect(world.counter("connect_attempts") == 0)
  }

  @Test func `waits for the header no longer than its time`() throws {
    let server = try TestServer.echo()
    defer { withExtendedLifetime(server) {} }
    let world = try ProxyWorld(regions: [[server.address]]) {
      $0.trustedProxies = trusted
      $0.greetingTimeout = .milliseconds(200)
    }
    let begun = Date()
    let socket = try TestSocket(to: world.address)
    try socket.send(Array(try header(from: "203.0.113.7:4000").dropLast()))
    #expect(throws: SocketFailure.code(ECONNRESET)) { try socket.receive() }
    #expect(Date().timeIntervalSince(begun) >= 0.18)
    #expect(world.closed(.greetingTimeout) == 1)
  }

  @Test func `notices a client that ends in the midst of it`() throws {
    let server = try TestServer.echo()
    defer { withExtendedLifetime(server) {} }
    let world = try ProxyWorld(regions: [[server.address]]) { $0.trustedProxies = trusted }
    let silent = try TestSocket(to: world.address)
    silent.finish()
    #expect(eventually { world.closed(.greetingEnded) == 1 })
    let half = try TestSocket(to: world.address)
    try half.send([0x0D, 0x0A])
    half.finish()
    #expect(eventually { world.closed(.greetingEnded) == 2 })
    let gone = try TestSocket(to: world.address)
    try gone.send([0x0D, 0x0A])
    gone.reset()
    #expect(eventually { world.server.connectionCount == 0 })
  }
}

/// Two services, whose connections go to servers of different names.
private struct NamedWorld {
  let servers: [TestServer]
  let world: ProxyWorld

  init(
    _ named: [(String, service: String)], other: String?,
    edit: (inout ProxyListenerSettings) -> Void = { _ in }
  ) throws {
    servers = try ["red", "blue"].map { try TestServer.namedEcho($0) }
    let named = try named.map {
      ListenerServices.Names.Named(try pattern($0.0), serviceName: $0.service)
    }
    world = try ProxyWorld(
      services: ["red": servers[0].address, "blue": servers[1].address]
    ) {
      $0.services = .init(named: named, other: other)
      edit(&$0)
    }
  }
}

@Suite struct `A listener that looks at names` {
  private static let named = [
    ("www.example.com", service: "red"), ("*.example.com", service: "blue"),
  ]

  static let cases: [(name: String, other: String?, wanted: String?)] = [
    ("www.example.com", nil, "red"), ("WWW.Example.COM", nil, "red"),
    ("a.example.com", nil, "blue"), ("b.a.example.com", nil, "blue"),
    ("example.com", nil, nil), ("example.com", "red", "red"), ("other.test", "blue", "blue"),
  ]

  @Test(arguments: cases)
  func `sends each to its service, the hello first`(
    name: String, other: String?, wanted: String?
  ) throws {
    let named = try NamedWorld(Self.named, other: other)
    let socket = try TestSocket(to: named.world.address)
    try socket.send(hello(name))
    guard let wanted else {
      #expect(throws: SocketFailure.code(ECONNRESET)) { try socket.receive() }
      #expect(named.world.closed(.noRoute) == 1)
      return
    }
    let answer = Array(wanted.utf8) + hello(name)
    #expect(try socket.receiveExactly(answer.count) == answer)
    withExtendedLifetime(named) {}
  }

  @Test(arguments: [1, 7, 100])
  func `reads a hello in many segments and records`(recordByteCount: Int) throws {
    let named = try NamedWorld(Self.named, other: nil)
    let socket = try TestSocket(to: named.world.address)
    let octets = HelloParts.records(
      HelloParts.named("www.example.com").message, of: recordByteCount)
    for part in stride(from: 0, to: octets.count, by: 11) {
      try socket.send(Array(octets[part..<min(part + 11, octets.count)]))
      usleep(300)
    }
    let answer = Array("red".utf8) + octets
    #expect(try socket.receiveExactly(answer.count) == answer)
    withExtendedLifetime(named) {}
  }

  @Test func `sends what is not TLS where no name sends it elsewhere`() throws {
    let named = try NamedWorld(Self.named, other: "blue")
    let socket = try TestSocket(to: named.world.address)
    try socket.send(Array("SSH-2.0-x\r\n".utf8))
    #expect(try socket.receiveExactly(15) == Array("blueSSH-2.0-x\r\n".utf8))
    withExtendedLifetime(named) {}
  }

  @Test func `refuses TLS that breaks its rules`() throws {
    let named = try NamedWorld(Self.named, other: "blue")
    let socket = try TestSocket(to: named.world.address)
    try socket.send([22, 3, 1, 0, 0])
    #expect(throws: SocketFailure.code(ECONNRESET)) { try socket.receive() }
    #expect(named.world.closed(.malformedHello) == 1)
  }

  @Test func `reads a name behind the header of a proxy`() throws {
    let named = try NamedWorld(Self.named, other: nil) { $0.trustedProxies = trusted }
    let socket = try TestSocket(to: named.world.address)
    try socket.send(try header(from: "203.0.113.7:4000") + hello("a.example.com"))
    let answer = Array("blue".utf8) + hello("a.example.com")
    #expect(try socket.receiveExactly(answer.count) == answer)
    withExtendedLifetime(named) {}
  }

  @Test func `gives the client's time to speak, and then that to connect`() throws {
    let named = try NamedWorld(Self.named, other: nil) {
      $0.connectBudget = .milliseconds(300)
      $0.greetingTimeout = .seconds(5)
    }
    let socket = try TestSocket(to: named.world.address)
    usleep(500_000)
    try socket.send(hello("www.example.com"))
    #expect(try socket.receiveExactly(3) == Array("red".utf8))
    withExtendedLifetime(named) {}
  }
}

@Suite struct `Endpoints that want a header` {
  @Test(arguments: ProxyVersion.allCases)
  func `get it before all else, and nobody else does`(version: ProxyVersion) throws {
    let server = try TestServer.echo()
    defer { withExtendedLifetime(server) {} }
    let world = try ProxyWorld(regions: [[server.address]], header: version)
    let socket = try TestSocket(to: world.address)
    let own = try Sockets.localAddress(of: socket.fd)
    try socket.send([1, 2, 3])
    var octets: [UInt8] = []
    while !octets.suffix(3).elementsEqual([1, 2, 3]) { octets += try socket.receive() }
    let decoded = try ProxyHeader.decode(stream: octets.span.bytes)
    let found = try #require(decoded)
    #expect(found.byteCount == octets.count - 3)
    #expect(found.ends == ProxyHeader.Ends(source: own, destination: world.address))
    func text(_ field: ProxyField) -> String? {
      found.value(of: field, in: octets.span.bytes).map {
        String(decoding: octets[$0], as: UTF8.self)
      }
    }
    #expect(text(.region) == (version == .v2 ? "r0" : nil))
    #expect(text(.decision) == (version == .v2 ? "1-0" : nil))
    #expect((text(.uniqueID)?.split(separator: "-").count == 3) == (version == .v2))
    #expect(text(.path) == (version == .v2 ? "here" : nil))
    #expect(text(.authority) == nil)
    #expect(text(.epoch) == nil)
  }

  @Test func `get the name, and what the proxy in front says of the client`() throws {
    let server = try TestServer.echo()
    defer { withExtendedLifetime(server) {} }
    let name = ListenerServices.Names.Named(try pattern("*.example.com"), serviceName: "service")
    let world = try ProxyWorld(regions: [[server.address]], header: .v2) {
      $0.trustedProxies = trusted
      $0.services = .init(named: [name], other: nil)
    }
    let socket = try TestSocket(to: world.address)
    try socket.send(try header(from: "[2001:db8::7]:4000") + hello("a.example.com"))
    let tail = hello("a.example.com")
    var octets: [UInt8] = []
    while !octets.suffix(tail.count).elementsEqual(tail) { octets += try socket.receive() }
    let decoded = try ProxyHeader.decode(stream: octets.span.bytes)
    let found = try #require(decoded)
    #expect(found.ends?.source == SocketAddress("[2001:db8::7]:4000"))
    let authority = found.value(of: .authority, in: octets.span.bytes)
    #expect(authority.map { String(decoding: octets[$0], as: UTF8.self) } == "a.example.com")
  }
}
