import ArgumentParser
import DNSWire
import Foundation
import KeyFiles

/// `azimuth dnssec`: keys of signed zones.
struct Dnssec: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dnssec", abstract: "Make keys of signed zones, and say what the parent needs.",
    subcommands: [KeyGeneration.self, DelegationSigner.self])

  /// `azimuth dnssec keygen`: a new key, in the two files of dnssec-keygen.
  struct KeyGeneration: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "keygen", abstract: "Make a key that signs a zone.",
      discussion: """
        It is one key for everything (flags 257, an entry point) unless --zsk asks for one that \
        signs beside an entry point. The files are those of BIND's dnssec-keygen, whose tools can \
        change the times in them.
        """)

    @Argument(help: "The zone, such as example.org.")
    var zone: String
    @Option(help: "Where its two files go.")
    var folder: String
    @Option(help: "ecdsap256sha256 or ed25519.")
    var algorithm: KeyAlgorithm = .ecdsap256sha256
    @Flag(help: "A key that signs the zone beside an entry point (flags 256).")
    var zsk = false
    @OptionGroup var output: OutputOptions

    func run() async throws {
      let name: DomainName
      do throws(RecordDataFault) {
        name = try DomainName(zone)
      } catch {
        throw ValidationError(error.message)
      }
      let now = Int(Date.now.timeIntervalSince1970)
      let key = NewKey(
        zone: name, algorithm: algorithm.signing, isEntryPoint: !zsk, now: now)
      guard let key else { throw ValidationError("no key could be made") }
      let base: String
      do throws(KeyFileFault) {
        base = try key.write(to: folder)
      } catch {
        writeToStandardError("\(error)\n")
        throw ExitCode(1)
      }
      switch output.output {
      case .json: print(try renderedJSON(KeyReport(key, base: base)))
      case .text: print(base)
      }
    }
  }

  /// As `--algorithm` names them.
  enum KeyAlgorithm: String, ExpressibleByArgument, CaseIterable {
    case ecdsap256sha256, ed25519

    var signing: SigningAlgorithm { self == .ed25519 ? .ed25519 : .ecdsaP256 }
  }

  private struct KeyReport: Encodable {
    var zone: String
    var tag: Int
    var algorithm: Int
    var flags: Int
    var privateFile: String
    var publicFile: String

    enum CodingKeys: String, CodingKey {
      case zone, tag, algorithm, flags
      case privateFile = "private"
      case publicFile = "public"
    }

    init(_ key: NewKey, base: String) {
      zone = key.zone.description
      tag = Int(key.record.tag)
      algorithm = Int(key.record.algorithm)
      flags = Int(key.record.flags)
      privateFile = "\(base).private"
      publicFile = "\(base).key"
    }
  }
}
