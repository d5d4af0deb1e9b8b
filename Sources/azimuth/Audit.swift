import Admin
import ArgumentParser
import Foundation
import Simulating
import Terminal

/// `azimuth audit`: proofs over everything that a configuration can do.
struct Audit: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Prove what a configuration promises.", subcommands: [Residency.self])

  struct Residency: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Prove that no client leaves its fences, whatever fails; code 1 if one can.",
      discussion: """
        Tries every subset of failed regions on the compiled map, unhealthy as well as taken out by \
        operators, and looks at every region that a client of the fence could come to.
        """)

    @OptionGroup var configuration: ConfigurationOptions
    @Option(help: "So many regions fail at once, 1 to 4.")
    var failed = 3
    @OptionGroup var output: OutputOptions

    func run() async throws {
      guard (1...4).contains(failed) else { throw ValidationError("--failed wants 1 to 4") }
      let compiled = try compileWithKeptLatencies(configuration.settings())
      let bar = ProgressBar("Proving")
      let report = ResidencyAudit(compiled, largestFailure: failed)
        .report(tellProgress: bar.show)
      bar.end()
      switch output.output {
      case .json: print(String(decoding: try jsonText(report), as: UTF8.self), terminator: "")
      case .text: print(report.text, terminator: "")
      }
      if !report.isProven { throw ExitCode(1) }
    }
  }
}
