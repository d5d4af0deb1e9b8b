import ArgumentParser
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
    let settings = try configuration.settings()
    bootstrapLogging(settings.log)
    let systemd = Systemd(
      environment: ProcessInfo.processInfo.environment, processID: getpid())
    let inherited = InheritedSockets()
    systemd.handSockets(to: inherited)
    let node = try Node(
      settings, source: configuration.source, allowsCommands: allowCommands, inherited: inherited,
      systemd: systemd)
    try await node.run()
  }
}
