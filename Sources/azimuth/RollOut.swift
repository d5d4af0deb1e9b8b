import Admin
import ArgumentParser
import Clustering
import Foundation

/// `azimuth fleet rollout`: a new text of a layer, region by region.
struct RollOut: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rollout",
    abstract: "Roll a new text of a layer out, region by region.",
    discussion: """
      Any node can be asked. What changes something needs one of its admin.tokens in the variable \
      AZIMUTH_TOKEN: start, resume and finish one of the scope admin, stop and abandon one of \
      the scope operate.
      """,
    subcommands: [
      Start.self, Status.self, Stop.self, Resume.self, Abandon.self, Finish.self,
    ])

  /// Who says something, and why.
  struct WordOptions: ParsableArguments {
    @Option(help: "Why, for whoever finds it.")
    var reason: String
    @Option(help: "Who says so.")
    var author = ProcessInfo.processInfo.environment["USER"] ?? "azimuth fleet"
  }

  struct Start: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Begin with the first step.")

    @Argument(help: "The file with the new text of the layer.")
    var file: String
    @Option(help: "The layer: global, region/REGION, zone/REGION/ZONE or node/NODE.")
    var layer = "global"
    @Option(help: "The steps, such as tokyo,oslo+lima: first one region, then two.")
    var order: String
    @Option(help: "How long all nodes must be well before the next step.")
    var bake = "10m"
    @Option(help: "How much more may fail than before, such as 1%.")
    var maxErrors = "1%"
    @Flag(help: "Say what would change, and what would be wrong; begin nothing.")
    var dryRun = false
    @Flag(help: "Begin also what nodes would refuse.")
    var force = false
    @OptionGroup var word: WordOptions
    @OptionGroup var admin: AdminOptions

    private struct Body: Encodable {
      var layer: String
      var text: String
      var order: [[String]]
      var bake: String
      var maxErrors: String
      var reason: String
      var author: String
    }

    func run() async throws {
      guard let text = String(validating: try fileContents(file), as: UTF8.self) else {
        throw reported("\(file) is not UTF-8")
      }
      let steps = order.split(separator: ",", omittingEmptySubsequences: false).map { step in
        step.split(separator: "+", omittingEmptySubsequences: false).map { String($0) }
      }
      let body = try jsonText(
        Body(
          layer: layer, text: text, order: steps, bake: bake, maxErrors: maxErrors,
          reason: word.reason, author: word.author))
      let answer = try await admin.ask(
        "PUT", "/v1/rollout", query: "dry_run=\(dryRun)&force=\(force)", body: body)
      print(String(decoding: answer, as: UTF8.self), terminator: "")
    }
  }

  struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Say how the rollout stands.")

    @OptionGroup var admin: AdminOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
      switch output.output {
      case .json:
        let body = try await admin.ask("GET", "/v1/rollout")
        print(String(decoding: body, as: UTF8.self), terminator: "")
      case .text: print(try await admin.ask(FleetReport.Rollout.self, "/v1/rollout").text)
      }
    }
  }

  struct Stop: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Stop it: all regions read the layer again.")

    @OptionGroup var word: WordOptions
    @OptionGroup var admin: AdminOptions

    func run() async throws { try await admin.say(.stop, word) }
  }

  struct Resume: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Begin what is stopped anew, with the first step.")

    @OptionGroup var word: WordOptions
    @OptionGroup var admin: AdminOptions

    func run() async throws { try await admin.say(.resume, word) }
  }

  struct Abandon: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "End it: the layer stays as it was.")

    @OptionGroup var word: WordOptions
    @OptionGroup var admin: AdminOptions

    func run() async throws { try await admin.say(.abandon, word) }
  }

  struct Finish: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "End it: the text becomes the layer of all regions now.")

    @Flag(help: "Finish also what is stopped.")
    var force = false
    @OptionGroup var word: WordOptions
    @OptionGroup var admin: AdminOptions

    func run() async throws { try await admin.say(.finish, word, isForced: force) }
  }
}

extension AdminOptions {
  fileprivate func say(
    _ verb: RolloutVerb, _ word: RollOut.WordOptions, isForced: Bool = false
  ) async throws {
    let body = try jsonText(Rollout.Word(author: word.author, reason: word.reason))
    _ = try await ask(
      "POST", "/v1/rollout/\(verb.rawValue)", query: isForced ? "force=true" : nil, body: body)
  }
}
