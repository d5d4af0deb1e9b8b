import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix
import Places

/// A request without its body.
struct DemoRequest: Sendable {
  var method: HTTPMethod
  /// Without the query.
  var path: String
  /// `address:port` of both ends.
  var client: String
  var endpoint: String
}

struct DemoResponse: Sendable {
  var status: HTTPResponseStatus
  var text: String
  var allow: String?

  static func methodNotAllowed(allow: String) -> DemoResponse {
    DemoResponse(status: .methodNotAllowed, text: "method not allowed\n", allow: allow)
  }
}

/// Why the demo could not start a server of its own.
package struct DemoFault: Error, Sendable, CustomStringConvertible {
  var name: String
  var address: Places.SocketAddress
  var reason: String

  package var description: String {
    "cannot start \(name) on \(address): \(reason). Servers of your own that run there are served by "
      + "\"azimuth serve\", which starts none; another control port is --control's"
  }
}

/// An HTTP/1.1 server that can be stopped, which closes its connections too, and started again on
/// the same port.
actor DemoServer {
  private let group: any EventLoopGroup
  private let respond: @Sendable (DemoRequest) async -> DemoResponse
  private(set) var address: Places.SocketAddress
  private var listener: (any Channel)?
  private var connections = ConnectionSet()
  /// A start or stop waits for the one before.
  private var lastChange: Task<Void, any Error>?

  init(
    address: Places.SocketAddress, group: any EventLoopGroup,
    respond: @escaping @Sendable (DemoRequest) async -> DemoResponse
  ) {
    self.address = address
    self.group = group
    self.respond = respond
  }

  var isRunning: Bool { listener != nil }

  /// Does nothing if it runs.
  ///
  /// - Throws: ``DemoFault``, of what it is called.
  func start(_ name: String) async throws {
    do {
      try await change { try await self.listen() }
    } catch {
      let reason = (error as? IOError).map { String(cString: strerror($0.errnoCode)) }
      throw DemoFault(name: name, address: address, reason: reason ?? "\(error)")
    }
  }

  func stop() async {
    try? await change { await self.close() }
  }

  private func change(_ work: @escaping @Sendable () async throws -> Void) async throws {
    let previous = lastChange
    let task = Task {
      _ = await previous?.result
      try await work()
    }
    lastChange = task
    try await task.value
  }

  private func listen() async throws {
    guard listener == nil else { return }
    let connections = ConnectionSet()
    let respond = self.respond
    let channel = try await ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: 256)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelInitializer { channel in
        connections.insert(channel)
        return channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.configureHTTPServerPipeline()
          try channel.pipeline.syncOperations.addHandler(DemoHandler(respond: respond))
        }
      }
      .bind(host: "\(address.address)", port: Int(address.port)).get()
    if let port = channel.localAddress?.port { address.port = UInt16(port) }
    self.connections = connections
    listener = channel
  }

  private func close() async {
    try? await listener?.close().get()
    listener = nil
    await connections.closeAll()
  }
}
