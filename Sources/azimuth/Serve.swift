import ArgumentParser
import Settings

/// `azimuth serve`: DNS, proxy and admin until a signal ends it.
struct Serve: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Serve DNS, proxy and admin.",
    discussion: """
      SIGHUP reads the configuration again, whole or not at all. SIGTERM ends it when
      the connections of the proxy have ended (section stop); SIGINT ends it at once.
      """)

  @OptionGroup var configuration: ConfigurationOptions
  @Flag(help: "Monitors of type command may run the programs that they name.")
  var allowCommands = false

  func run() async throws {
    let settings = try configuration.settings()
    bootstrapLogging(settings.log)
    let node = try Node(
      settings, file: configuration.config, allowsCommands: allowCommands)
    try await node.run()
  }
}
