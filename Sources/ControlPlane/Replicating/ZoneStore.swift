import Crypto
package import DNSWire
package import Foundation
import StateFiles
package import Transferring

/// Keeps the zones of a secondary in a folder over a restart, one file each:
///
///     magic (8) | SHA-256 of all from byte 48 on (32) | confirmed at, seconds since 1970 (64 bits)
///     | name bytes (8) | name | SOA's TTL (32) | SOA bytes (16) | SOA | records as in memory
///
/// The time stands outside of what is summed, so that a refresh that finds nothing new writes eight
/// bytes.
package struct ZoneStore: Sendable {
  package struct Kept: Sendable, Equatable {
    package var contents: ZoneContents
    /// Seconds since 1970.
    package var confirmedAt: Double

    package init(contents: ZoneContents, confirmedAt: Double) {
      self.contents = contents
      self.confirmedAt = confirmedAt
    }
  }

  /// Why a file was not read or written.
  package struct Fault: Error, CustomStringConvertible {
    package var description: String
  }

  private static let magic = Array("AZZONE01".utf8)
  private static let timeOffset = 40
  private static let bodyOffset = 48

  private let folder: URL

  package init(folder: String) { self.folder = URL(filePath: folder) }

  /// The file of a zone. Its name has nothing but letters, digits, `-`, `_` and dots between
  /// labels, whatever bytes the zone's name has; a long one is a hash.
  package func file(of zone: DomainName) -> URL {
    var text = ""
    for offset in zone.labelOffsets {
      let label = zone.loweredWire[(offset + 1)..<(offset + 1 + Int(zone.wire[offset]))]
      for byte in label {
        let isPlain =
          (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) || byte == 0x2D
          || byte == 0x5F
        text += isPlain ? String(UnicodeScalar(byte)) : "%\(hexadecimalText([byte]))"
      }
      text += "."
    }
    if text.utf8.count > 200 { text = hexadecimalText(SHA256.hash(data: zone.loweredWire)) + "." }
    return folder.appending(path: (text.isEmpty ? "root." : text) + "zone")
  }

  /// nil: nothing is kept of the zone.
  package func load(_ zone: DomainName) throws(Fault) -> Kept? {
    let file = file(of: zone)
    guard FileManager.default.fileExists(atPath: file.path) else { return nil }
    let bytes: [UInt8]
    do throws(PlainFile.Fault) {
      bytes = try PlainFile(file.path).bytes()
    } catch {
      throw Fault(description: "\(file.path) cannot be read: \(error)")
    }
    guard bytes.count > Self.bodyOffset, bytes.starts(with: Self.magic),
      Array(SHA256.hash(data: bytes[Self.bodyOffset...])) == Array(bytes[8..<Self.timeOffset]),
      let contents = ZoneContents(stored: bytes[Self.bodyOffset...]), contents.name == zone
    else { throw Fault(description: "\(file.path) is damaged") }
    let seconds = bytes[Self.timeOffset..<Self.bodyOffset].reduce(UInt64(0)) {
      $0 << 8 | UInt64($1)
    }
    return Kept(contents: contents, confirmedAt: Double(seconds))
  }

  /// Replaces the file of the zone whole.
  package func save(_ contents: ZoneContents, confirmedAt: Double) throws(Fault) {
    let body = contents.stored
    let bytes = Self.magic + Array(SHA256.hash(data: body)) + Self.time(confirmedAt) + body
    do throws(StateFile.Fault) {
      try stateFile(of: contents.name).replace(with: Data(bytes))
    } catch {
      throw Fault(description: error.description)
    }
  }

  /// The version that is kept was confirmed.
  package func confirm(_ zone: DomainName, at now: Double) throws(Fault) {
    do {
      let handle = try stateFile(of: zone).updating()
      try handle.seek(toOffset: UInt64(Self.timeOffset))
      try handle.write(contentsOf: Self.time(now))
      try handle.close()
    } catch {
      throw Fault(description: "\(file(of: zone).path) cannot be written: \(error)")
    }
  }

  private func stateFile(of zone: DomainName) -> StateFile {
    StateFile(file(of: zone).lastPathComponent, in: folder.path)
  }

  package func remove(_ zone: DomainName) {
    try? FileManager.default.removeItem(at: file(of: zone))
  }

  private static func time(_ seconds: Double) -> [UInt8] {
    let seconds = UInt64(max(0, seconds))
    return (0..<8).map { UInt8(truncatingIfNeeded: seconds >> UInt64(56 - $0 * 8)) }
  }
}
