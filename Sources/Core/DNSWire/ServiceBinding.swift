extension RecordData {
  /// SVCB and HTTPS (RFC 9460 §2.1): priority, target, parameters.
  static func serviceBindingData(
    _ fields: inout FieldReader
  ) throws(RecordDataFault) -> [UInt8] {
    let priority = try fields.number16("priority")
    let target = try fields.name("target")
    var parameters: [UInt16: [UInt8]] = [:]
    while !fields.isAtEnd {
      let bytes = try fields.field("parameter")
      let split = bytes.firstIndex(of: UInt8(ascii: "=")) ?? bytes.count
      let name = describe(Array(bytes[..<split]))
      guard let key = ServiceParameter.key(named: name) else {
        throw RecordDataFault("“\(name)” is not a parameter of \(fields.type), nor keyNNNNN")
      }
      guard parameters[key] == nil else {
        throw RecordDataFault("the parameter \(name) stands twice")
      }
      let value = split < bytes.count ? Array(bytes[(split + 1)...]) : nil
      parameters[key] = try ServiceParameter(key: key, name: name, text: value).encoded()
    }
    try checkParameters(parameters, isAlias: priority == [0, 0])
    let sorted = parameters.sorted { $0.key < $1.key }
    return priority + target
      + sorted.flatMap {
        bigEndianBytes($0.key) + bigEndianBytes(UInt16($0.value.count)) + $0.value
      }
  }

  private static func checkParameters(
    _ parameters: [UInt16: [UInt8]], isAlias: Bool
  ) throws(RecordDataFault) {
    // RFC 9460 §2.4.2: alias mode has none.
    guard !isAlias || parameters.isEmpty else {
      throw RecordDataFault("a record of priority 0 is an alias and has no parameters")
    }
    if parameters[ServiceParameter.noDefaultALPN] != nil, parameters[ServiceParameter.alpn] == nil {
      throw RecordDataFault("no-default-alpn wants alpn beside it")
    }
    let mandatory = parameters[ServiceParameter.mandatory] ?? []
    for index in stride(from: 0, to: mandatory.count, by: 2) {
      let key = UInt16(mandatory[index]) << 8 | UInt16(mandatory[index + 1])
      guard parameters[key] != nil else {
        throw RecordDataFault("mandatory names \(ServiceParameter.name(of: key)), which is missing")
      }
    }
    for (key, value) in parameters where value.count > 65_535 {
      throw RecordDataFault("the value of \(ServiceParameter.name(of: key)) is too long")
    }
  }
}

/// One parameter in presentation form (RFC 9460 §2.1, Appendix A).
private struct ServiceParameter {
  static let mandatory: UInt16 = 0
  static let alpn: UInt16 = 1
  static let noDefaultALPN: UInt16 = 2
  private static let names = [
    "mandatory", "alpn", "no-default-alpn", "port", "ipv4hint", "ech", "ipv6hint", "dohpath",
    "ohttp",
  ]

  let key: UInt16
  let name: String
  /// Escapes not resolved; nil: no `=`.
  let text: [UInt8]?

  static func key(named name: String) -> UInt16? {
    if let index = names.firstIndex(of: name) { return UInt16(index) }
    guard name.hasPrefix("key"), let number = UInt16(name.dropFirst(3)),
      name == "key\(number)", number < 65_535
    else { return nil }
    return number
  }

  static func name(of key: UInt16) -> String {
    names.indices.contains(Int(key)) ? names[Int(key)] : "key\(key)"
  }

  func encoded() throws(RecordDataFault) -> [UInt8] {
    switch key {
    case 0: try mandatoryValue()
    case 1:
      try nonEmpty(list()).reduce(into: []) { value, id in
        value.append(UInt8(truncatingIfNeeded: id.count))
        value += id
      }
    case 2, 8: try noValue()
    case 3: try portValue()
    case 4: try hints(ipv4Bytes, kind: "IPv4")
    case 5: try echValue()
    case 6: try hints(ipv6Bytes, kind: "IPv6")
    default: try text.map(unescapedValue) ?? []
    }
  }

  private func unescapedValue(_ bytes: [UInt8]) throws(RecordDataFault) -> [UInt8] {
    try unescaped(bytes)
  }

  private func noValue() throws(RecordDataFault) -> [UInt8] {
    guard text == nil else { throw RecordDataFault("\(name) has no value") }
    return []
  }

  /// The items between commas, `\,` inside one (RFC 9460 Appendix A.1).
  private func list() throws(RecordDataFault) -> [[UInt8]] {
    var items: [[UInt8]] = [[]]
    var escaped = false
    for byte in try unescaped(text ?? []) {
      if escaped {
        items[items.count - 1].append(byte)
        escaped = false
      } else if byte == UInt8(ascii: "\\") {
        escaped = true
      } else if byte == UInt8(ascii: ",") {
        items.append([])
      } else {
        items[items.count - 1].append(byte)
      }
    }
    return items
  }

  private func nonEmpty(_ items: [[UInt8]]) throws(RecordDataFault) -> [[UInt8]] {
    guard items.allSatisfy({ (1...255).contains($0.count) }) else {
      throw RecordDataFault("\(name) has an item that is empty or longer than 255 bytes")
    }
    return items
  }

  /// RFC 9460 §8: ascending, none twice, not itself.
  private func mandatoryValue() throws(RecordDataFault) -> [UInt8] {
    var keys: [UInt16] = []
    for item in try nonEmpty(list()) {
      guard let key = Self.key(named: describe(item)), key != 0, !keys.contains(key) else {
        throw RecordDataFault("mandatory names “\(describe(item))”: unknown, itself or twice")
      }
      keys.append(key)
    }
    return keys.sorted().flatMap { bigEndianBytes($0) }
  }

  private func portValue() throws(RecordDataFault) -> [UInt8] {
    guard let text, let port = UInt16(describe(text)) else {
      throw RecordDataFault("port is “\(describe(text ?? []))”, not 0 to 65535")
    }
    return bigEndianBytes(port)
  }

  private func echValue() throws(RecordDataFault) -> [UInt8] {
    guard let text, let bytes = base64Bytes(text), !bytes.isEmpty else {
      throw RecordDataFault("ech is not in base 64")
    }
    return bytes
  }

  private func hints(
    _ parse: (String) -> [UInt8]?, kind: String
  ) throws(RecordDataFault) -> [UInt8] {
    var value: [UInt8] = []
    for item in try list() {
      guard let bytes = parse(describe(item)) else {
        throw RecordDataFault("\(name) has “\(describe(item))”, which is not an \(kind) address")
      }
      value += bytes
    }
    return value
  }
}
