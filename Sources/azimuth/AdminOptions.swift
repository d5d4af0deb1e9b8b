import ArgumentParser
import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1

/// The node that a verb asks.
struct AdminOptions: ParsableArguments {
  /// What changes something goes with the bearer token that it holds.
  static let tokenVariable = "AZIMUTH_TOKEN"

  @Option(help: "The admin address of a node, such as http://127.0.0.1:8053.")
  var admin = "http://127.0.0.1:8053"

  /// What the node answers; if that is a refusal, prints it and ends with code 1.
  ///
  /// - Parameter query: such as `force=true`.
  func ask(
    _ method: String, _ path: String, query: String? = nil, body: [UInt8]? = nil
  ) async throws -> [UInt8] {
    var address = URLComponents(string: admin) ?? URLComponents()
    address.path = path
    address.query = query
    guard let url = address.string, address.host != nil else {
      throw ValidationError("--admin wants a URL, such as http://127.0.0.1:8053")
    }
    var request = HTTPClientRequest(url: url)
    request.method = HTTPMethod(rawValue: method)
    if let token = ProcessInfo.processInfo.environment[Self.tokenVariable] {
      request.headers.add(name: "Authorization", value: "Bearer \(token)")
    }
    if let body {
      request.headers.add(name: "Content-Type", value: "application/json")
      request.body = .bytes(ByteBuffer(bytes: body))
    }
    let response = try await HTTPClient.shared.execute(request, timeout: .seconds(30))
    let answer = try await response.body.collect(upTo: 16 << 20)
    guard (200..<300).contains(response.status.code) else {
      writeToStandardError("\(String(buffer: answer))\n")
      throw ExitCode(1)
    }
    return Array(answer.readableBytesView)
  }
}
