import ArgumentParser
import Clustering
import Foundation
import Inheriting
import Settings

/// `azimuth serve`: DNS, proxy and admin until a signal ends it.
struct Serve: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Serve DNS, proxy and admin.",
    discussion: """
      SIGHUP reads the configuration again, whole or not at all. SIGTERM ends it when
      the connections of the proxy have ended (section stop); SIGINT ends it at once.
      A second start with the same socket of section handover takes over from the first.
      """)

  @OptionGroup var configuration: ConfigurationOptions
  @Flag(help: "Monitors of type command may run the programs that they name.")
  var allowCommands = false

  func run() async throws {
    let systemd = Systemd(
      environment: ProcessInfo.processInfo.environment, processID: getpid())
    let source = configuration.source
    let start = try faultsReported { () throws(Faults) in try source.fleetStart() }
    var settings: Settings
    var stored: StoredConfiguration?
    var member: FleetMember?
    if let start {
      bootstrapLogging(start.log)
      let joined = try faultsReported { () throws(Faults) in try FleetMember(start) }
      (settings, stored) = try await patiently(systemd) { try await joined.first(of: source) }
      member = joined
    } else {
      settings = try configuration.settings()
      bootstrapLogging(settings.log)
    }
    let inherited = InheritedSockets()
    systemd.handSockets(to: inherited)
    let node = try Node(
      settings, source: source, stored: stored, member: member, allowsCommands: allowCommands,
      inherited: inherited, systemd: systemd)
    try await node.run()
  }
}

/// Keeps systemd from giving the start up, however long it takes.
private func patiently<Result: Sendable>(
  _ systemd: Systemd, _ start: @Sendable () async throws -> Result
) async rethrows -> Result {
  let telling = Task {
    repeat {
      systemd.tellStarting(within: .seconds(30))
    } while (try? await Task.sleep(for: .seconds(10))) != nil
  }
  defer { telling.cancel() }
  return try await start()
}
