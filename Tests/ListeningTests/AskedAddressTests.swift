import Counters
import Editions
import Listening
import Places
import Testing

/// RFC 2181 §4: the answer leaves from the address that was asked. Clients whose socket is
/// connected, as all of these, take nothing from elsewhere.
@Suite(.timeLimit(.minutes(1))) struct AskedAddressTests {
  private static func answerByteCount(
    bound: String, asked: String, from source: String?
  ) throws -> Int {
    let listener = try UDPListener.start(
      UDPListener.Settings(
        addresses: [try #require(ServerAddress(bound))], threads: 1, receiveBufferBytes: 1 << 16),
      parts: parts(EditionDesk(try edition()), CounterBoard()))
    defer { listener.stop() }
    let port = try #require(listener.boundAddresses.first).port
    let address = try #require(IPAddress(asked))
    let client = Client(
      ServerAddress(address: address, port: port), isStream: false, timeoutMilliseconds: 2_000,
      from: source)
    client.send(try query("www.test.", id: 1))
    return client.receive().count
  }

  @Test(arguments: [
    ("0.0.0.0:0", "127.0.0.3", "127.0.0.1"), ("0.0.0.0:0", "127.0.0.5", "127.0.0.9"),
    ("127.0.0.5:0", "127.0.0.5", "127.0.0.1"), ("[::]:0", "::1", "::1"),
  ])
  func `over UDP`(bound: String, asked: String, source: String) throws {
    #expect(try Self.answerByteCount(bound: bound, asked: asked, from: source) == 42)
  }

  /// Where there is one IPv6 address only, any answer leaves from the right one.
  @Test(.enabled(if: OwnNetwork.isPermitted))
  func `over UDP and IPv6, of several addresses of a network`() throws {
    let counts = try OwnNetwork.run(with: ["fd00::1", "fd00::5"]) {
      try [("fd00::5", "fd00::1"), ("fd00::1", "fd00::5"), ("fd00::5", "::1")].map {
        try Self.answerByteCount(bound: "[::]:0", asked: $0, from: $1)
      }
    }
    #expect(counts == [42, 42, 42])
  }

  @Test(arguments: ["127.0.0.1", "127.0.0.5"])
  func `over TCP`(asked: String) async throws {
    try await StreamWorld.run(address: "0.0.0.0:0") { world in
      let address = try #require(IPAddress(asked))
      let client = Client(
        ServerAddress(address: address, port: world.server.port), isStream: true)
      client.send(framed(try query("www.test.", id: 1)))
      #expect(client.receiveFrame().count == 42)
    }
  }
}
