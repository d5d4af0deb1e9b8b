import Admin
import ArgumentParser
import Settings

/// `azimuth token new`: what a person or a program shows to the admin API, and what the node keeps
/// of it.
struct Token: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Make tokens for the admin API.", subcommands: [New.self])

  struct New: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Print a new token, and its hash for admin.tokens.",
      discussion: """
        The token is random and kept nowhere: give it to whoever is to have it. The node gets \
        its hash alone. Verbs of azimuth take the token from the variable \
        \(AdminOptions.tokenVariable).
        """)

    @Argument(help: "Who is to have it.")
    var name = "operator"
    @Option(help: "What may be done with it: read, operate or admin.")
    var scope = Settings.Admin.Scope.operate
    @OptionGroup var output: OutputOptions

    func validate() throws {
      guard Settings.Admin.Token.canBeName(name) else {
        throw ValidationError("a name is made of letters, digits, '-', '_' and '.'")
      }
    }

    func run() throws {
      let token = randomToken()
      let hash = TokenHash(of: token.utf8).hex
      switch output.output {
      case .text:
        print(
          """
          \(token)

          admin:
            tokens:
              - {name: \(name), scope: \(scope.rawValue), sha256: "\(hash)"}
          """)
      case .json:
        struct Made: Encodable {
          var name: String
          var scope: String
          var sha256: String
          var token: String
        }
        print(
          String(
            decoding: try jsonText(
              Made(name: name, scope: scope.rawValue, sha256: hash, token: token)),
            as: UTF8.self), terminator: "")
      }
    }
  }
}

extension Settings.Admin.Scope: ExpressibleByArgument {}

/// 256 random bits behind a mark by which scanners of published files know it.
private func randomToken() -> String {
  var generator = SystemRandomNumberGenerator()
  let digits = Array("0123456789abcdef")
  return "azimuth_" + String((0..<64).map { _ in digits[Int(generator.next() & 15)] })
}
