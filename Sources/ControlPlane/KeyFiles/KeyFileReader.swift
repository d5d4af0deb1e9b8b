package import DNSWire
import Glibc

/// Reads keys from the two files that dnssec-keygen writes.
///
///     Kexample.org.+013+05742.key      comments and one DNSKEY record
///     Kexample.org.+013+05742.private  lines of "Field: value"
package struct KeyFileReader: Sendable {
  private let zone: DomainName

  /// - Parameter zone: whose keys they have to be.
  package init(zone: DomainName) { self.zone = zone }

  /// Both halves.
  ///
  /// - Parameter path: of either file, or of both without their ends.
  package func pair(_ path: String) throws(KeyFileFault) -> ZoneKey {
    let base = Self.base(path)
    let record = try record(base)
    let file = "\(base).private"
    var fields = PrivateFields(file: file)
    try fields.read(try text(of: file, isSecret: true))
    let algorithm = try fields.algorithm()
    guard algorithm.rawValue == record.algorithm else {
      throw KeyFileFault(
        file: file,
        "is of algorithm \(algorithm.rawValue), and \(base).key of \(record.algorithm)")
    }
    guard [KeyRecord.zoneKey, KeyRecord.secureEntryPoint].contains(record.flags) else {
      throw KeyFileFault(
        file: "\(base).key",
        "has flags \(record.flags); a key that signs has 256, or 257 for an entry point"
          + (record.isRevoked ? " (revoked keys are not supported, RFC 5011 §2.1)" : ""))
    }
    let key = ZoneKey(
      algorithm: algorithm, flags: record.flags, secret: try fields.secret(algorithm),
      schedule: try fields.schedule())
    guard let key else {
      throw KeyFileFault(file: file, "holds no private key of \(algorithm.mnemonic)")
    }
    guard key.record == record else {
      throw KeyFileFault(
        file: file, "does not belong to \(base).key: the public key there is another one's")
    }
    return key
  }

  /// The public half alone.
  ///
  /// - Parameter path: as of ``pair(_:)``.
  package func published(_ path: String) throws(KeyFileFault) -> KeyRecord {
    try record(Self.base(path))
  }

  private static func base(_ path: String) -> String {
    for end in [".private", ".key"] where path.hasSuffix(end) {
      return String(path.dropLast(end.count))
    }
    return path
  }

  /// The one record of a `.key` file, over several lines if it has parentheses.
  private func record(_ base: String) throws(KeyFileFault) -> KeyRecord {
    let file = "\(base).key"
    let lines = try text(of: file, isSecret: false).split(
      separator: "\n", omittingEmptySubsequences: false)
    let bare = lines.map { $0.prefix { $0 != ";" } }
    let line = bare.firstIndex { !$0.allSatisfy(\.isWhitespace) }.map { $0 + 1 }
    let words = bare.joined(separator: " ").split { $0.isWhitespace }
    guard let type = words.firstIndex(of: "DNSKEY"), (1...3).contains(type) else {
      throw KeyFileFault(file: file, line: line, "wants one record such as “\(zone) DNSKEY …”")
    }
    do throws(RecordDataFault) {
      let owner = try DomainName(words[0])
      guard owner == zone else {
        throw RecordDataFault("is a key of \(owner), and \(zone) is to be signed")
      }
      let text = words[(type + 1)...].joined(separator: " ")
      let data = try RecordData.encode(.dnskey, text: text, origin: .root)
      guard let record = KeyRecord(data: data) else {
        throw RecordDataFault("is no key of a zone: wants flags 256 or 257 and protocol 3")
      }
      return record
    } catch {
      throw KeyFileFault(file: file, line: line, error.message)
    }
  }

  /// No key is as long.
  private static let mostBytes = 64 << 10

  /// - Parameter isSecret: whether it must be hidden from other users.
  private func text(of file: String, isSecret: Bool) throws(KeyFileFault) -> String {
    // Of a pipe nobody may ever write the end.
    let descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw unreadable(file) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw unreadable(file) }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw KeyFileFault(file: file, "cannot be read: it is no plain file")
    }
    if isSecret, status.st_mode & (S_IROTH | S_IWOTH) != 0 {
      throw KeyFileFault(
        file: file, "can be read or written by every user of this machine",
        suggestion: "chmod o= \(file)")
    }
    guard status.st_size <= Self.mostBytes else {
      throw KeyFileFault(file: file, "is longer than \(Self.mostBytes) bytes")
    }
    var bytes = [UInt8](repeating: 0, count: Self.mostBytes)
    let count = Glibc.read(descriptor, &bytes, bytes.count)
    guard count >= 0 else { throw unreadable(file) }
    guard let text = String(validating: bytes[..<count], as: UTF8.self) else {
      throw KeyFileFault(file: file, "is not UTF-8")
    }
    return text
  }

  private func unreadable(_ file: String) -> KeyFileFault {
    KeyFileFault(file: file, "cannot be read: \(String(cString: strerror(errno)))")
  }
}
