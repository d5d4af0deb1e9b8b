import ArgumentParser

@main
struct Azimuth: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "azimuth",
    abstract: "Geo-aware DNS responder and TCP proxy with one routing core.",
    version: AzimuthVersion.text,
    subcommands: [
      Serve.self, Demo.self, Check.self, Explain.self, Geo.self, Dnssec.self, Audit.self,
      Simulate.self, Plan.self, Config.self, Fleet.self, Top.self, Anycast.self, Migrate.self,
      Token.self,
    ])
}

enum AzimuthVersion {
  static let text = "0.1.0"
}

/// How a verb prints what it found.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
  case text, json
}

/// The option that every verb shares.
struct OutputOptions: ParsableArguments {
  @Option(help: "Print text for people or JSON for programs.")
  var output: OutputFormat = .text
}
