import ArgumentParser
import Settings

/// `azimuth serve`: DNS, proxy and admin until a signal ends it.
struct Serve: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Serve DNS, proxy and admin.",
    discussion: """
      SIGHUP reads the configuration again, whole or not at all. SIGTERM and SIGINT end it.
      """)

  @OptionGroup var configuration: ConfigurationOptions

  func run() async throws {
    let settings = try configuration.settings()
    bootstrapLogging(settings.log)
    let node = try Node(settings, file: configuration.config)
    try await node.run()
  }
}
