import ArgumentParser
import Compiling
import DNSWire
import Foundation
import KeyFiles
import Settings

extension Dnssec {
  /// `azimuth dnssec ds`: what the parent of a signed zone has to have.
  struct DelegationSigner: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "ds", abstract: "Print the DS records that the parents of signed zones need.",
      discussion: """
        One for each entry point (flags 257) that is published now, and the DNSKEY record that it \
        names, for parents who would rather make the DS themselves.
        """)

    @OptionGroup var configuration: ConfigurationOptions
    @Argument(help: "One zone; otherwise all that are signed.")
    var zone: String?
    @Option(help: "sha256 or sha384.")
    var digest: DigestName = .sha256
    @OptionGroup var output: OutputOptions

    func run() async throws {
      let settings = try configuration.settings()
      let keys: CompiledKeys
      do throws(Faults) {
        keys = try CompiledKeys(settings, now: Int(Date.now.timeIntervalSince1970))
      } catch {
        throw reported(error)
      }
      let wanted = try zone.map { text throws(ValidationError) in try Self.name(text) }
      let zones = keys.zones.filter { wanted == nil || $0.name == wanted }
      guard !zones.isEmpty else {
        throw ValidationError(
          wanted.map { "\($0) is no zone that is signed" } ?? "no zone is signed")
      }
      let reports = zones.flatMap { zone in
        zone.roles.records.filter(\.isSecureEntryPoint)
          .map { DelegationReport($0, of: zone, digest: digest.digest) }
      }
      switch output.output {
      case .json: print(try renderedJSON(reports))
      case .text: print(reports.map(\.text).joined(separator: "\n"))
      }
    }

    private static func name(_ text: String) throws(ValidationError) -> DomainName {
      do throws(RecordDataFault) {
        return try DomainName(text)
      } catch {
        throw ValidationError(error.message)
      }
    }
  }

  /// As `--digest` names them.
  enum DigestName: String, ExpressibleByArgument, CaseIterable {
    case sha256, sha384

    var digest: KeyRecord.Digest { self == .sha384 ? .sha384 : .sha256 }
  }

  private struct DelegationReport: Encodable {
    var zone: String
    var tag: Int
    var algorithm: Int
    /// Whether the key signs the zone's keys now; else it is only published.
    var active: Bool
    /// Data of the two records.
    var ds: String
    var dnskey: String
    var dnskeyTTL: Int

    enum CodingKeys: String, CodingKey {
      case zone, tag, algorithm, active, ds, dnskey
      case dnskeyTTL = "dnskey_ttl"
    }

    init(_ key: KeyRecord, of zone: CompiledKeys.Zone, digest: KeyRecord.Digest) {
      self.zone = zone.name.description
      tag = Int(key.tag)
      algorithm = Int(key.algorithm)
      active = zone.roles.keySigningKeys.contains { $0.record == key }
      ds = RecordData.text(.ds, key.delegation(of: zone.name, digest: digest))
      dnskey = RecordData.text(.dnskey, key.data)
      dnskeyTTL = Int(zone.settings.keyTTLSeconds)
    }

    var text: String {
      """
      ; key \(tag) of \(zone): \(active ? "signs" : "is published and does not sign yet")
      \(zone) IN DS \(ds)
      \(zone) \(dnskeyTTL) IN DNSKEY \(dnskey)
      """
    }
  }
}
