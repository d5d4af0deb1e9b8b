import Demonstrating
import NIOCore
import NIOPosix
import Places
import Testing

@Suite(.timeLimit(.minutes(1))) struct DemoEndpointsTests {
  private static let anyPort = Places.SocketAddress(address: .ipv4(0x7F00_0001), port: 0)
  private let demo = DemoEndpoints(
    regions: ["tokyo", "frankfurt"].map { .init(name: $0, address: Self.anyPort) },
    control: Self.anyPort, group: MultiThreadedEventLoopGroup.singleton)

  @Test func `an endpoint says which region it is and whom it sees`() async throws {
    try await demo.start()
    let address = try #require(await demo.address(of: "tokyo"))
    let answer = try await exchange(get("/"), with: address)
    #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
    #expect(answer.contains("region tokyo, client 127.0.0.1:"))
    #expect(answer.hasSuffix(", endpoint \(address)\n"))
    #expect(try await exchange(get("/healthz"), with: address).hasSuffix("\r\n\r\nok\n"))
    #expect(try await exchange(get("/x"), with: address).hasPrefix("HTTP/1.1 404 "))
    let two = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n" + get("/healthz?x")
    let answers = try await exchange(two, with: address)
    #expect(answers.split(separator: "200 OK").count == 3)
    let post = get("/").replacing("GET", with: "POST")
    #expect(try await exchange(post, with: address).contains("Allow: GET, HEAD\r\n"))
    let head = try await exchange(get("/").replacing("GET", with: "HEAD"), with: address)
    #expect(head.hasPrefix("HTTP/1.1 200 OK\r\n") && head.hasSuffix("\r\n\r\n"))
    await demo.shutDown()
  }

  @Test func `what cannot listen is named, with its address`() async throws {
    try await demo.start()
    let tokyo = try #require(await demo.address(of: "tokyo"))
    let other = DemoEndpoints(
      regions: [.init(name: "oslo", address: tokyo)], control: nil,
      group: MultiThreadedEventLoopGroup.singleton)
    await #expect {
      try await other.start()
    } throws: {
      "\($0)".hasPrefix("cannot start the endpoint of oslo on \(tokyo): Address already in use. ")
    }
    await demo.shutDown()
  }

  @Test func `the control port really stops and starts an endpoint`() async throws {
    try await demo.start()
    let control = try #require(await demo.boundControlAddress)
    let tokyo = try #require(await demo.address(of: "tokyo"))
    let open = try await connection(to: tokyo)
    // It is served once it answers.
    try await open.writeAndFlush(ByteBuffer(string: "GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
    let answer = try await exchange(
      "POST /tokyo/stop HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", with: control)
    #expect(answer.hasSuffix("tokyo stopped\n"))
    try await open.closeFuture.get()
    await #expect(throws: (any Error).self) { try await connection(to: tokyo) }
    let overview = try await exchange(get("/"), with: control)
    #expect(overview.contains("tokyo \(tokyo) stopped\n"))
    #expect(overview.contains(" up\n"))
    for _ in 0..<2 {
      let started = try await exchange(
        "POST /tokyo/start HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", with: control)
      #expect(started.hasSuffix("tokyo started\n"))
    }
    #expect(try await exchange(get("/"), with: tokyo).contains("region tokyo"))
    await demo.shutDown()
  }

  @Test func `a GET changes nothing, and strangers are not found`() async throws {
    try await demo.start()
    let control = try #require(await demo.boundControlAddress)
    let refused = try await exchange(get("/tokyo/stop"), with: control)
    #expect(refused.hasPrefix("HTTP/1.1 405 "))
    #expect(refused.contains("Allow: POST\r\n"))
    #expect(try await exchange(get("/"), with: control).contains("stopped") == false)
    for path in ["/berlin/stop", "/tokyo", "/tokyo/restart", "/tokyo/stop/now"] {
      let answer = try await exchange(get(path).replacing("GET", with: "POST"), with: control)
      #expect(answer.hasPrefix("HTTP/1.1 404 "), "\(path)")
    }
    #expect(await demo.stop("berlin") == false)
    #expect(try await demo.start("berlin") == false)
    await demo.shutDown()
  }

  @Test func `if one endpoint cannot listen none does`() async throws {
    try await demo.start()
    let taken = try #require(await demo.address(of: "frankfurt"))
    let second = DemoEndpoints(
      regions: [.init(name: "a", address: Self.anyPort), .init(name: "b", address: taken)],
      control: nil, group: MultiThreadedEventLoopGroup.singleton)
    await #expect(throws: (any Error).self) { try await second.start() }
    let first = try #require(await second.address(of: "a"))
    await #expect(throws: (any Error).self) { try await connection(to: first) }
    await demo.shutDown()
  }

  private func get(_ path: String) -> String {
    "GET \(path) HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
  }

  private func connection(to address: Places.SocketAddress) async throws -> any Channel {
    try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .connect(host: "\(address.address)", port: Int(address.port)).get()
  }

  /// What comes until the server closes.
  private func exchange(_ text: String, with address: Places.SocketAddress) async throws -> String {
    let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .connect(host: "\(address.address)", port: Int(address.port)) { channel in
        channel.eventLoop.makeCompletedFuture {
          try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
        }
      }
    return try await channel.executeThenClose { inbound, outbound in
      try await outbound.write(ByteBuffer(string: text))
      var answer = ""
      for try await buffer in inbound { answer += String(buffer: buffer) }
      return answer
    }
  }
}
