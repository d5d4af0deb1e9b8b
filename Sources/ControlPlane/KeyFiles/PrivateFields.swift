import FoundationEssentials

/// The lines of a `.private` file.
struct PrivateFields {
  private let file: String
  private var fields: [String: (value: Substring, line: Int)] = [:]

  init(file: String) { self.file = file }

  mutating func read(_ text: String) throws(KeyFileFault) {
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
    {
      let line = line.drop { $0.isWhitespace }
      guard !line.isEmpty, let colon = line.firstIndex(of: ":") else { continue }
      let value = line[line.index(after: colon)...].drop { $0.isWhitespace }
      let end = value.lastIndex { !$0.isWhitespace }
      let name = String(line[..<colon])
      guard fields[name] == nil else {
        throw KeyFileFault(file: file, line: index + 1, "states \(name) twice")
      }
      fields[name] = (end.map { value[...$0] } ?? "", index + 1)
    }
    guard let format = fields["Private-key-format"] else {
      throw KeyFileFault(file: file, "is no private key as dnssec-keygen writes it")
    }
    guard format.value.hasPrefix("v1.") else {
      throw KeyFileFault(
        file: file, line: format.line, "is of format \(format.value.prefix(20)); wants v1.2 or v1.3"
      )
    }
  }

  func algorithm() throws(KeyFileFault) -> SigningAlgorithm {
    let field = try required("Algorithm")
    let number = UInt8(field.value.prefix { $0.isNumber })
    guard let algorithm = number.flatMap({ SigningAlgorithm(rawValue: $0) }) else {
      throw KeyFileFault(
        file: file, line: field.line,
        "is of algorithm \(field.value.prefix(30)); wants 13 (ECDSAP256SHA256) or 15 (ED25519)")
    }
    return algorithm
  }

  /// The private key as the library wants it.
  func secret(_ algorithm: SigningAlgorithm) throws(KeyFileFault) -> [UInt8] {
    let field = try required("PrivateKey")
    let count = SigningAlgorithm.secretByteCount
    guard let data = Data(base64Encoded: String(field.value)), !data.isEmpty, data.count <= count,
      // A number may have been written without zeros in front.
      data.count == count || algorithm == .ecdsaP256
    else {
      throw KeyFileFault(file: file, line: field.line, "wants \(count) bytes in base 64")
    }
    return [UInt8](repeating: 0, count: count - data.count) + data
  }

  /// A file without any times is of a program that knows none: its key is in use. One that states
  /// when it was created and nothing else was made to be used later.
  func schedule() throws(KeyFileFault) -> KeySchedule {
    if let field = fields["Revoke"] {
      throw KeyFileFault(
        file: file, line: field.line, "is to be revoked, which is not supported (RFC 5011 §2.1)",
        suggestion: "dnssec-settime -R none")
    }
    let names = ["Created", "Publish", "Activate", "Inactive", "Delete"]
    if names.allSatisfy({ fields[$0] == nil }) { return .always }
    return KeySchedule(
      publish: try time("Publish"), activate: try time("Activate"),
      inactive: try time("Inactive"), delete: try time("Delete"))
  }

  private func time(_ name: String) throws(KeyFileFault) -> Int? {
    guard let field = fields[name] else { return nil }
    guard let seconds = KeyTime.parse(field.value) else {
      throw KeyFileFault(
        file: file, line: field.line, "wants the time of \(name) as 20260131235959")
    }
    return seconds
  }

  private func required(_ name: String) throws(KeyFileFault) -> (value: Substring, line: Int) {
    if let field = fields[name] { return field }
    throw KeyFileFault(file: file, "states no \(name)")
  }
}
