import DNSWire

/// The kinds of monitors that speak neither plain connections nor HTTP.
extension SettingsReader {
  static func exchange(_ section: Section) -> Settings.Monitor.Kind {
    let sent = section.optional("send")?.bytes("what is sent") ?? []
    var expected: Settings.Monitor.ExpectedBytes?
    _ = section.optional("expect")?.section { expect in
      let prefix = expect.optional("prefix")
      let contained = expect.optional("contains")
      if let prefix, contained != nil {
        prefix.report("cannot stand beside \"contains\"")
      }
      if prefix == nil, contained == nil {
        expect.value.report("wants prefix or contains, found neither")
      }
      expected =
        prefix?.bytes("the bytes that come first").map { .prefix($0) }
        ?? contained?.bytes("the bytes that must come").map { .contained($0) }
    }
    let tls = section.optional("tls").map { verification($0) }
    if sent.isEmpty, expected == nil, tls == nil { return .tcp }
    return .exchange(Settings.Monitor.Exchange(sent: sent, expected: expected, tls: tls))
  }

  static func dnsExpectation(_ section: Section) -> Settings.Monitor.DNSExpectation {
    let name = section.required("name", "the name that is asked for")?.domainName()
    let type = section.optional("query")?.recordType() ?? .a
    var expectation = Settings.Monitor.DNSExpectation(name: name ?? .root, type: type)
    expectation.isRecursionDesired = section.optional("recursion")?.flag() ?? false
    _ = section.optional("expect")?.section { expect in
      let codes = (expect.optional("rcode")?.elements() ?? []).compactMap { $0.responseCode() }
      if !codes.isEmpty { expectation.responseCodes = codes }
      let answer = expect.optional("answer")
      expectation.data = answer?.recordData(of: type)
      if let answer, !expectation.responseCodes.contains(.noError) {
        answer.report("only an answer of NOERROR has data")
      }
    }
    return expectation
  }

  static func grpcExpectation(_ section: Section) -> Settings.Monitor.GRPCExpectation {
    Settings.Monitor.GRPCExpectation(
      service: section.optional("service")?.line("the name of a service") ?? "",
      authority: section.optional("host")?.authority(),
      tls: section.optional("tls").map { verification($0) })
  }

  static func agent(_ section: Section) -> Settings.Monitor.Agent {
    Settings.Monitor.Agent(
      sent: section.optional("send")?.bytes("what is sent") ?? [],
      isOptional: section.optional("optional")?.flag() ?? false)
  }

  static func command(_ section: Section) -> Settings.Monitor.Command {
    let value = section.required("command", "a list: the program's absolute path, its arguments")
    let arguments = (value?.elements() ?? []).compactMap { $0.argument() }
    if let value, let program = arguments.first, !program.hasPrefix("/") {
      value.report(
        "wants the program's absolute path, found \(program.debugDescription)",
        suggestion: "there is no shell, and no search for programs")
    } else if let value, value.elements().isEmpty {
      value.report("wants the program's absolute path and its arguments, found nothing")
    }
    let codes = section.optional("degraded")?.elements() ?? []
    return Settings.Monitor.Command(
      arguments: arguments, degradedCodes: codes.compactMap { $0.integer(1...255) })
  }
}

extension Value {
  /// Text, or `{hex: "0d 0a"}`; at most 4 KiB.
  fileprivate func bytes(_ what: String) -> [UInt8]? {
    let limit = 4_096
    let bytes: [UInt8]?
    if isMapping {
      bytes =
        section { section in
          section.required("hex", "hexadecimal digits")?.parsed("pairs of hexadecimal digits") {
            hexadecimalBytes($0)
          }
        } ?? nil
    } else {
      bytes = text("\(what): text, or {hex: \"0d 0a\"}").map { Array($0.utf8) }
    }
    if let bytes, bytes.count > limit {
      report("wants at most \(limit) bytes, found \(bytes.count)")
      return nil
    }
    return bytes
  }

  fileprivate func domainName() -> DomainName? {
    guard let name = absoluteName() else { return nil }
    return try? DomainName(name.text)
  }

  fileprivate func recordType() -> RecordType? {
    parsed("a record type such as A, AAAA or SOA") { RecordType($0) }
  }

  fileprivate func responseCode() -> Settings.Monitor.ResponseCode? {
    let codes = Settings.Monitor.ResponseCode.allCases
    let list = codes.map(\.mnemonic).joined(separator: ", ")
    return parsed("one of \(list)") { text in codes.first { $0.mnemonic == text } }
  }

  /// The data of a record in presentation form, names absolute.
  fileprivate func recordData(of type: RecordType) -> [UInt8]? {
    guard let text = text("the data of a record") else { return nil }
    do {
      return try RecordData.encode(type, text: text, origin: .root)
    } catch {
      report("is no \(type) data: \(error)")
      return nil
    }
  }

  /// An argument of a program; may be empty.
  fileprivate func argument() -> String? {
    parsed("an argument without zero bytes") { $0.utf8.contains(0) ? nil : $0 }
  }
}

/// The bytes of pairs of hexadecimal digits, with or without spaces between the pairs.
private func hexadecimalBytes(_ text: String) -> [UInt8]? {
  let digits = text.utf8.filter { $0 != UInt8(ascii: " ") }
  guard !digits.isEmpty, digits.count.isMultiple(of: 2) else { return nil }
  var bytes: [UInt8] = []
  for index in stride(from: 0, to: digits.count, by: 2) {
    let pair = digits[index...(index + 1)].map { Character(Unicode.Scalar($0)) }
    guard let high = pair[0].hexDigitValue, let low = pair[1].hexDigitValue else { return nil }
    bytes.append(UInt8(high << 4 | low))
  }
  return bytes
}
