import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOPosix
import Settings

/// What says a number by HTTP, or as the first line on a TCP connection (`tcp://host:port`), as
/// agents do; nil: the status of an answer is not 200.
func fetchedNumber(_ url: String, timeout: Duration) async throws -> [UInt8]? {
  let timeAmount = TimeAmount.nanoseconds(Int64(timeout / .nanoseconds(1)))
  let parts = try URLText(url, for: .number)
  if parts.scheme == .tcp, let port = parts.port {
    return try await firstLine(host: parts.host, port: Int(port), timeout: timeAmount)
  }
  let response = try await HTTPClient.shared.execute(
    HTTPClientRequest(url: url), timeout: timeAmount)
  let body = try await response.body.collect(upTo: mostByteCount)
  return response.status.code == 200 ? Array(body.readableBytesView) : nil
}

/// A number is shorter.
private let mostByteCount = 1024

/// What a server sends up to its first line's end, or up to its FIN.
private func firstLine(host: String, port: Int, timeout: TimeAmount) async throws -> [UInt8] {
  let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
    .connectTimeout(timeout)
    .connect(host: host, port: port) { channel in
      channel.eventLoop.makeCompletedFuture {
        try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
      }
    }
  // Closing it ends the reading below.
  let deadline = channel.channel.eventLoop.scheduleTask(in: timeout) {
    channel.channel.close(promise: nil)
  }
  defer { deadline.cancel() }
  return try await channel.executeThenClose { inbound, _ in
    var line: [UInt8] = []
    for try await bytes in inbound {
      line += bytes.readableBytesView
      if line.contains(UInt8(ascii: "\n")) || line.count > mostByteCount { break }
    }
    return Array(line.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") })
  }
}
