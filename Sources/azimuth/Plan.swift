import Admin
import ArgumentParser
import Simulating

/// `azimuth plan`: what a configuration comes to in time.
struct Plan: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Say what a configuration comes to.", subcommands: [Recovery.self])

  struct Recovery: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "rto",
      abstract: "How long clients go to a failed region at most: every steered name and listener.")

    @OptionGroup var configuration: ConfigurationOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
      let plan = RecoveryPlan(try configuration.settings())
      switch output.output {
      case .json: print(String(decoding: try jsonText(plan), as: UTF8.self), terminator: "")
      case .text: print(plan.text, terminator: "")
      }
    }
  }
}
