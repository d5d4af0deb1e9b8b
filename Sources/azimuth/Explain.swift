import Admin
import ArgumentParser
import Compiling
import Editions
import Foundation
import Places
import Routing
import Settings
import Simulating

/// `azimuth explain`: the decision for a client, from a running instance or from a configuration.
struct Explain: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Say where a client of a name goes, and why.",
    discussion: """
      With --admin the running instance answers, with the health that it sees. Without, the \
      configuration is compiled and every endpoint counts as healthy, save those of --down and \
      --drain.
      """)

  @Argument(help: "The client's IPv4 or IPv6 address.")
  var address: String
  @Argument(help: "A steered name, or with --listener the name of a listener.")
  var name: String
  @Flag(help: "The name is that of a listener of the proxy.")
  var listener = false
  @Option(help: "With --listener: what the client's ClientHello asks for.")
  var serverName: String?
  @Option(help: "A or AAAA.")
  var type = "A"
  @Option(help: "The configuration file.")
  var config = "config/azimuth.yaml"
  @Option(
    help: "The admin address of a running instance: http://127.0.0.1:8053, unix:/run/…/admin.sock.")
  var admin: String?
  @OptionGroup var adminTLS: AdminTLSOptions
  @OptionGroup var failures: ScenarioOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    guard admin == nil || failures.scenario == Scenario() else {
      throw ValidationError("--down and --drain go without --admin: ask POST /v1/simulate")
    }
    guard let address = IPAddress(address) else {
      throw ValidationError("\"\(address)\" is not an IPv4 or IPv6 address")
    }
    guard listener || serverName == nil else {
      throw ValidationError("--server-name goes with --listener")
    }
    guard ["A", "AAAA"].contains(type.uppercased()) else {
      throw ValidationError("--type wants A or AAAA, not \"\(type)\"")
    }
    let report =
      if let admin {
        try await runningReport(admin)
      } else {
        try offlineReport(address)
      }
    switch output.output {
    case .json: print(String(decoding: try jsonText(report), as: UTF8.self), terminator: "")
    case .text: print(report.text)
    }
  }

  private func offlineReport(_ address: IPAddress) throws -> RouteReport {
    let compiled = try compile(try readSettings(config))
    let scenario = failures.scenario
    if let fault = scenario.faults(regions: compiled.settings.regions.map(\.name)).first {
      throw ValidationError(fault)
    }
    let edition = Edition(
      number: 1, revision: 1, zones: compiled.zones, maps: compiled.maps, model: compiled.model,
      board: scenario.board(from: compiled.healthyBoard, model: compiled.model), isReady: true)
    let service: Int
    let question: RouteReport.Question
    var key: RoutedKey?
    if listener {
      (service, key) = try listenerService(edition, compiled.settings)
      question = .listener(name, serverName: serverName)
    } else {
      (service, key) = try steeredService(edition)
      question = .name(name, isIPv6: type.uppercased() == "AAAA")
    }
    guard
      let report = RouteReport(
        edition: edition, address: address, service: service, question: question, key: key)
    else { throw ValidationError("there is no service for \"\(name)\"") }
    return report
  }

  private func listenerService(
    _ edition: Edition, _ settings: Settings
  ) throws -> (Int, RoutedKey?) {
    switch lookUpListener(name, serverName: serverName ?? "", settings, in: edition) {
    case .found(let service, let key): return (service, key)
    case .noSuchListener: throw ValidationError("there is no listener \"\(name)\"")
    case .noRoute:
      throw ValidationError(
        serverName.map { "listener \"\(name)\" has no service for \"\($0)\"" }
          ?? "listener \"\(name)\" goes by the asked name: wants --server-name")
    }
  }

  private func steeredService(_ edition: Edition) throws -> (Int, RoutedKey?) {
    switch lookUp(name, in: edition) {
    case .steered(let service, let key): return (service, key)
    case .static:
      throw ValidationError("\"\(name)\" is not steered: every client gets the same records")
    case .noSuchName: throw ValidationError("there is no name \"\(name)\" in its zone")
    case .notOurs: throw ValidationError("\"\(name)\" is in no zone of this configuration")
    case .malformed(let reason): throw ValidationError(reason)
    }
  }

  private func runningReport(_ admin: String) async throws -> RouteReport {
    var question = URLComponents()
    question.queryItems = [
      URLQueryItem(name: "ip", value: address),
      URLQueryItem(name: listener ? "listener" : "name", value: name),
    ]
    if let serverName {
      question.queryItems?.append(URLQueryItem(name: "server_name", value: serverName))
    }
    if !listener { question.queryItems?.append(URLQueryItem(name: "type", value: type)) }
    let client = try adminTLS.client(of: admin)
    let body = try await client.askOnce(
      "GET", "/v1/route", query: question.percentEncodedQuery)
    return try client.understood { try RouteReport(json: body) }
  }
}
