package import DNSWire
import FoundationEssentials
import Glibc

/// A new key and the two files that hold it, as dnssec-keygen writes them.
package struct NewKey: Sendable {
  package let zone: DomainName
  package let record: KeyRecord
  private let algorithm: SigningAlgorithm
  private let secret: [UInt8]
  private let createdAt: Int

  /// - Parameters:
  ///   - now: seconds since 1970. The key is published and active from then on.
  ///   - secret: nil: one that nobody has had before.
  package init?(
    zone: DomainName, algorithm: SigningAlgorithm, isEntryPoint: Bool, now: Int,
    secret: [UInt8]? = nil
  ) {
    self.zone = zone
    self.algorithm = algorithm
    self.secret = secret ?? ZoneKey.random(algorithm)
    createdAt = now
    let flags = isEntryPoint ? KeyRecord.secureEntryPoint : KeyRecord.zoneKey
    let key = ZoneKey(algorithm: algorithm, flags: flags, secret: self.secret)
    guard let key else { return nil }
    record = key.record
  }

  /// `Kexample.org.+013+05742`, of both files.
  package var name: String {
    "K\(fileName)+\(padded(Int(algorithm.rawValue), 3))+\(padded(Int(record.tag), 5))"
  }

  /// What a file system or a shell could take for something else is written `%2F`.
  private var fileName: String {
    zone.description.lowercased().utf8.map { byte in
      let character = Character(UnicodeScalar(byte))
      let isPlain = character.isLetter || character.isNumber || "-_.".contains(character)
      return isPlain ? String(character) : "%" + hexadecimal(byte)
    }.joined()
  }

  package var publicText: String {
    let kind = record.isSecureEntryPoint ? "key-signing" : "zone-signing"
    let times = ["Created", "Publish", "Activate"].map {
      "; \($0): \(KeyTime.render(createdAt)) (\(KeyTime.words(createdAt)))\n"
    }
    return "; This is a \(kind) key, keyid \(record.tag), for \(zone)\n" + times.joined()
      + "\(zone) IN DNSKEY \(RecordData.text(.dnskey, record.data))\n"
  }

  package var privateText: String {
    let times = ["Created", "Publish", "Activate"].map { "\($0): \(KeyTime.render(createdAt))\n" }
    return """
      Private-key-format: v1.3
      Algorithm: \(algorithm.rawValue) (\(algorithm.mnemonic))
      PrivateKey: \(Data(secret).base64EncodedString())

      """ + times.joined()
  }

  /// Writes both files, the private one for this user only. Neither may exist.
  ///
  /// - Returns: the path of both without their ends.
  package func write(to folder: String) throws(KeyFileFault) -> String {
    let base = folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)"
    try Self.write(privateText, to: "\(base).private", mode: 0o600)
    do throws(KeyFileFault) {
      try Self.write(publicText, to: "\(base).key", mode: 0o644)
    } catch {
      unlink("\(base).private")
      throw error
    }
    return base
  }

  private static func write(_ text: String, to file: String, mode: mode_t) throws(KeyFileFault) {
    let descriptor = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
    guard descriptor >= 0 else { throw unwritable(file) }
    let bytes = Array(text.utf8)
    // A file of some hundred bytes is written at once, or there is no room.
    let isWritten = Glibc.write(descriptor, bytes, bytes.count) == bytes.count
    let fault = isWritten && fsync(descriptor) == 0 ? nil : unwritable(file)
    close(descriptor)
    if let fault {
      unlink(file)
      throw fault
    }
  }

  private static func unwritable(_ file: String) -> KeyFileFault {
    KeyFileFault(file: file, "cannot be written: \(String(cString: strerror(errno)))")
  }
}

private func hexadecimal(_ byte: UInt8) -> String {
  let digits = String(byte, radix: 16, uppercase: true)
  return digits.utf8.count < 2 ? "0" + digits : digits
}

private func padded(_ number: Int, _ width: Int) -> String {
  let digits = String(number)
  return String(repeating: "0", count: max(0, width - digits.count)) + digits
}
