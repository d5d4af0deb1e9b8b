import ArgumentParser
import Clustering
import Foundation

/// `azimuth fleet`: the nodes that share a store.
struct Fleet: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Say how a fleet stands, and roll a configuration out.",
    subcommands: [Status.self, RollOut.self])

  /// `azimuth fleet status`: what one of the nodes sees of all of them.
  struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List the nodes of a fleet, those that straggle, and the store's layers.",
      discussion: """
        Any node can be asked; it says what it sees itself. A node straggles that refuses what \
        the store says, has not taken it in time, or was not heard of lately.
        """)

    @OptionGroup var admin: AdminOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
      switch output.output {
      case .json:
        let body = try await admin.ask("GET", "/v1/fleet")
        print(String(decoding: body, as: UTF8.self), terminator: "")
      case .text: print(try await admin.ask(FleetReport.self, "/v1/fleet").text)
      }
    }
  }
}

/// As the admin API writes JSON.
func decoded<Value: Decodable>(_ type: Value.Type, _ json: [UInt8]) throws -> Value {
  let decoder = JSONDecoder()
  decoder.keyDecodingStrategy = .convertFromSnakeCase
  return try decoder.decode(type, from: Data(json))
}
