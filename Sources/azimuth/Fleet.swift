import ArgumentParser
import AsyncHTTPClient
import Clustering
import Foundation
import NIOCore
import NIOHTTP1

/// `azimuth fleet`: the nodes that share a store.
struct Fleet: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Say how a fleet stands.", subcommands: [Status.self])

  /// `azimuth fleet status`: what one of the nodes sees of all of them.
  struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List the nodes of a fleet, those that straggle, and the store's layers.",
      discussion: """
        Any node can be asked; it says what it sees itself. A node straggles that refuses what \
        the store says, has not taken it in time, or was not heard of lately.
        """)

    @Option(help: "The admin address of a node, such as http://127.0.0.1:8053.")
    var admin = "http://127.0.0.1:8053"
    @OptionGroup var output: OutputOptions

    func run() async throws {
      var address = URLComponents(string: admin) ?? URLComponents()
      address.path = "/v1/fleet"
      guard let url = address.string, address.host != nil else {
        throw ValidationError("--admin wants a URL, such as http://127.0.0.1:8053")
      }
      let response = try await HTTPClient.shared.execute(
        HTTPClientRequest(url: url), timeout: .seconds(10))
      let body = try await response.body.collect(upTo: 16 << 20)
      guard response.status.code == 200 else {
        writeToStandardError("\(String(buffer: body))\n")
        throw ExitCode(1)
      }
      switch output.output {
      case .json: print(String(buffer: body), terminator: "")
      case .text:
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        print(try decoder.decode(FleetReport.self, from: Data(body.readableBytesView)).text)
      }
    }
  }
}
