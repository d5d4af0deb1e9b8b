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

  static func serviceBindingText(_ data: [UInt8]) -> String? {
    var renderer = PartRenderer(data: data)
    guard let priority = renderer.text(.number16), let target = renderer.text(.name) else {
      return nil
    }
    var texts = [priority, target]
    var lastKey = -1
    while !renderer.isAtEnd {
      // RFC 9460 §2.2: ascending.
      guard let key = renderer.number(2), Int(key) > lastKey, let count = renderer.number(2),
        let value = renderer.take(Int(count)),
        let text = ServiceParameter.text(key: UInt16(key), value: Array(value))
      else { return nil }
      lastKey = Int(key)
      texts.append(text)
    }
    return texts.joined(separator: " ")
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

  /// nil: the value is not that of the key.
  static func text(key: UInt16, value: [UInt8]) -> String? {
    let name = name(of: key)
    guard !value.isEmpty else { return key == 2 || key > 6 ? name : nil }
    guard let text = valueText(key, value) else { return nil }
    return "\(name)=\(text)"
  }

  private static func valueText(_ key: UInt16, _ value: [UInt8]) -> String? {
    switch key {
    case 0 where value.count % 2 == 0, 3 where value.count == 2:
      let numbers = stride(from: 0, to: value.count, by: 2)
        .map { UInt16(value[$0]) << 8 | UInt16(value[$0 + 1]) }
      return numbers.map { key == 3 ? String($0) : self.name(of: $0) }.joined(separator: ",")
    case 1: return identifiersText(value)
    case 4 where value.count % 4 == 0: return addressesText(value, size: 4, ipv4Text)
    case 5: return base64Text(value)
    case 6 where value.count % 16 == 0: return addressesText(value, size: 16, ipv6Text)
    case 0, 2, 3, 4, 6, 8: return nil
    default: return quotedText(value)
    }
  }

  private static func addressesText(
    _ value: [UInt8], size: Int, _ text: ([UInt8]) -> String
  ) -> String {
    stride(from: 0, to: value.count, by: size).map { text(Array(value[$0..<($0 + size)])) }
      .joined(separator: ",")
  }

  /// RFC 9460 Appendix A.1: commas and backslashes within an item are escaped, and then all once
  /// more as in any string.
  private static func identifiersText(_ value: [UInt8]) -> String? {
    var list: [UInt8] = []
    var offset = 0
    while offset < value.count {
      let end = offset + 1 + Int(value[offset])
      guard value[offset] > 0, end <= value.count else { return nil }
      if !list.isEmpty { list.append(UInt8(ascii: ",")) }
      for byte in value[(offset + 1)..<end] {
        if byte == UInt8(ascii: ",") || byte == UInt8(ascii: "\\") {
          list.append(UInt8(ascii: "\\"))
        }
        list.append(byte)
      }
      offset = end
    }
    return quotedText(list)
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
