import Admin
import ArgumentParser
import Compiling
import Foundation
import Settings
import Simulating
import StateFiles
import Terminal

/// `azimuth simulate`: what becomes of the clients if something changes.
struct Simulate: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Say where clients would go if regions failed, or with another configuration.",
    discussion: """
      Everything counts as healthy but what is said to be down. Clients are the people of the \
      world, or those of a log.
      """)

  @OptionGroup var configuration: ConfigurationOptions
  @OptionGroup var changes: ScenarioOptions
  @Option(help: "Another configuration, in which the regions below fail, or nothing does.")
  var candidate: String?
  @Option(help: "A .mmdb file in place of the configuration's; may be repeated.")
  var mmdb: [String] = []
  @Option(help: "REGION=NUMBER: a bias of -99 to 99 where distance decides; may be repeated.")
  var bias: [String] = []
  @Option(help: "REGION=SHARE: a dial of 0 to 100%; may be repeated.")
  var dial: [String] = []
  @Option(help: "Clients as lines of address or address,weight, in place of people.")
  var log: String?
  @Option(help: "Only this service; may be repeated.")
  var service: [String] = []
  @Option(
    help: "New connections a second of all clients together; so that loaded regions spill over.")
  var load: Double?
  @Option(help: "Write a picture (SVG) to this file too.")
  var picture: String?
  @OptionGroup var output: OutputOptions

  func run() async throws {
    let compiled = try compileWithKeptLatencies(configuration.settings())
    var scenario = changes.scenario
    scenario.biases = try biases()
    scenario.dials = try dials()
    if !mmdb.isEmpty { scenario.databases = try mmdb.map(absolutePath) }
    if let candidate { scenario.configuration = try readSettings(candidate) }
    let regions = (scenario.configuration ?? compiled.settings).regions.map(\.name)
    if let fault = scenario.faults(regions: regions).first { throw ValidationError(fault) }
    for name in service where !compiled.settings.services.contains(where: { $0.name == name }) {
      throw ValidationError("there is no service \"\(name)\"")
    }
    if let load, !(load >= 0 && load < 1e15) { throw ValidationError("--load wants 0 to 1e15") }
    let population = try population()
    let bar = ProgressBar("Simulating")
    defer { bar.end() }
    let report = try faultsReported { () throws(Faults) in
      try Simulation(compiled).report(
        of: scenario, population: population, services: service.isEmpty ? nil : service,
        load: load, tellProgress: bar.show)
    }
    bar.end()
    if let picture {
      do {
        try Data(report.picture.utf8).write(to: URL(filePath: picture))
      } catch {
        throw reported("\(picture) cannot be written: \(reasonOfFile(error))")
      }
    }
    switch output.output {
    case .json: print(String(decoding: try jsonText(report), as: UTF8.self), terminator: "")
    case .text: print(report.text, terminator: "")
    }
  }

  private func population() throws -> Population? {
    guard let log else { return nil }
    guard let text = String(validating: try fileContents(log), as: UTF8.self) else {
      throw reported("\(log) is not UTF-8")
    }
    do {
      let population = try Population(log: text, name: log)
      guard !population.clients.isEmpty else { throw reported("\(log) names no client") }
      return population
    } catch let fault as PopulationFault {
      throw reported("\(log): \(fault)")
    }
  }

  private func dials() throws -> [String: Double] {
    var dials: [String: Double] = [:]
    for text in dial {
      let parts = text.split(separator: "=", maxSplits: 1)
      guard parts.count == 2, parts[1].hasSuffix("%"), let number = Double(parts[1].dropLast())
      else { throw ValidationError("--dial wants REGION=SHARE, such as 50%, not \"\(text)\"") }
      dials[String(parts[0])] = number / 100
    }
    return dials
  }

  private func biases() throws -> [String: Int] {
    var biases: [String: Int] = [:]
    for text in bias {
      let parts = text.split(separator: "=", maxSplits: 1)
      guard parts.count == 2, let number = Int(parts[1]) else {
        throw ValidationError("--bias wants REGION=NUMBER, not \"\(text)\"")
      }
      biases[String(parts[0])] = number
    }
    return biases
  }
}

/// Which regions fail.
struct ScenarioOptions: ParsableArguments {
  @Option(help: "A region whose health checks fail; may be repeated, or a list with commas.")
  var down: [String] = []
  @Option(help: "A region that an operator drains; may be repeated, or a list with commas.")
  var drain: [String] = []

  var scenario: Scenario {
    var scenario = Scenario()
    scenario.down = names(down)
    scenario.drained = names(drain)
    return scenario
  }

  private func names(_ texts: [String]) -> [String] {
    texts.flatMap { $0.split(separator: ",").map(String.init) }
  }
}

/// Of a file in or below the working folder, or anywhere.
func absolutePath(_ path: String) throws -> String {
  if let fault = PlainFile(path).fault { throw reported("\(path) cannot be read: \(fault)") }
  return URL(filePath: path).path
}
