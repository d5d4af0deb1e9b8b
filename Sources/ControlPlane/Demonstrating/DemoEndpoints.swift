package import NIOCore
import NIOHTTP1
package import Places

/// Small HTTP servers that stand for the endpoints of demo regions, and a control port that really
/// stops and starts them.
///
///     GET  /          (endpoint)  which region answered, and whom it saw
///     GET  /healthz   (endpoint)  200 ok
///     GET  /          (control)   the regions and whether they run
///     POST /tokyo/stop, /tokyo/start   (control)
package actor DemoEndpoints {
  package struct Region: Sendable, Equatable {
    package var name: String
    /// Port 0: any free one, kept over a stop and a start.
    package var address: Places.SocketAddress

    package init(name: String, address: Places.SocketAddress) {
      self.name = name
      self.address = address
    }
  }

  private let group: any EventLoopGroup
  private let controlAddress: Places.SocketAddress?
  private let order: [String]
  private var endpoints: [String: DemoServer] = [:]
  private var control: DemoServer?

  /// Of regions with one name the last counts.
  /// - Parameter control: where the control port listens; nil: nowhere.
  package init(regions: [Region], control: Places.SocketAddress?, group: any EventLoopGroup) {
    self.group = group
    controlAddress = control
    order = regions.map(\.name)
    for region in regions {
      endpoints[region.name] = DemoServer(address: region.address, group: group) { request in
        endpointResponse(to: request, region: region.name)
      }
    }
  }

  /// Starts all endpoints and the control port; if one cannot listen, none does.
  ///
  /// - Throws: ``DemoFault``.
  package func start() async throws {
    do {
      for name in order { try await endpoints[name]?.start("the endpoint of \(name)") }
      guard let controlAddress, control == nil else { return }
      let server = DemoServer(address: controlAddress, group: group) { [weak self] request in
        await self?.controlResponse(to: request) ?? DemoResponse(status: .gone, text: "gone\n")
      }
      try await server.start("the control port")
      control = server
    } catch {
      await shutDown()
      throw error
    }
  }

  /// Starts one region's endpoint; one that runs goes on.
  /// - Returns: false if there is no such region.
  package func start(_ region: String) async throws -> Bool {
    guard let endpoint = endpoints[region] else { return false }
    try await endpoint.start("the endpoint of \(region)")
    return true
  }

  /// Closes one region's listening socket and all its connections.
  /// - Returns: false if there is no such region.
  package func stop(_ region: String) async -> Bool {
    guard let endpoint = endpoints[region] else { return false }
    await endpoint.stop()
    return true
  }

  /// Stops everything.
  package func shutDown() async {
    for endpoint in endpoints.values { await endpoint.stop() }
    await control?.stop()
    control = nil
  }

  /// Where a region listens, or will again; nil if there is no such region.
  package func address(of region: String) async -> Places.SocketAddress? {
    await endpoints[region]?.address
  }

  /// nil before ``start()``.
  package var boundControlAddress: Places.SocketAddress? {
    get async { await control?.address }
  }

  private func controlResponse(to request: DemoRequest) async -> DemoResponse {
    let parts = request.path.split(separator: "/").map(String.init)
    if parts.isEmpty {
      guard request.method == .GET else { return .methodNotAllowed(allow: "GET") }
      return DemoResponse(status: .ok, text: await overview())
    }
    guard parts.count == 2, endpoints[parts[0]] != nil, ["start", "stop"].contains(parts[1]) else {
      return DemoResponse(status: .notFound, text: "POST /REGION/stop or /REGION/start\n")
    }
    guard request.method == .POST else { return .methodNotAllowed(allow: "POST") }
    guard parts[1] == "start" else {
      _ = await stop(parts[0])
      return DemoResponse(status: .ok, text: "\(parts[0]) stopped\n")
    }
    do {
      _ = try await start(parts[0])
      return DemoResponse(status: .ok, text: "\(parts[0]) started\n")
    } catch {
      return DemoResponse(status: .internalServerError, text: "\(parts[0]): \(error)\n")
    }
  }

  private func overview() async -> String {
    var lines = ""
    for name in order {
      guard let endpoint = endpoints[name] else { continue }
      lines += "\(name) \(await endpoint.address) \(await endpoint.isRunning ? "up" : "stopped")\n"
    }
    return lines
  }
}

private func endpointResponse(to request: DemoRequest, region: String) -> DemoResponse {
  guard request.method == .GET || request.method == .HEAD else {
    return .methodNotAllowed(allow: "GET, HEAD")
  }
  switch request.path {
  case "/healthz": return DemoResponse(status: .ok, text: "ok\n")
  case "/":
    let text = "region \(region), client \(request.client), endpoint \(request.endpoint)\n"
    return DemoResponse(status: .ok, text: text)
  default: return DemoResponse(status: .notFound, text: "not found\n")
  }
}
