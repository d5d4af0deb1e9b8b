/// A domain name of the settings, absolute, in presentation form (RFC 1035 §5.1).
struct OwnerName {
  /// With the final dot, in the case in which it was written.
  let text: String
  /// The octets of each label with ASCII letters lowered, so that equal names compare equal however
  /// they are escaped (RFC 4343 §3).
  let labels: [[UInt8]]

  /// Takes `text` as relative to `zone` unless it ends in a dot; `@` is the zone itself.
  init(_ text: String, in zone: OwnerName) throws(BadName) {
    if text == "@" {
      self = zone
      return
    }
    let isAbsolute = try Self.parsed(text).isAbsolute
    try self.init(isAbsolute ? text : zone.labels.isEmpty ? "\(text)." : "\(text).\(zone.text)")
  }

  /// Takes `text` as absolute, with or without its final dot.
  init(_ text: String) throws(BadName) {
    let (labels, isAbsolute) = try Self.parsed(text)
    // RFC 1035 §2.3.4: 255 octets with the length octets and the root.
    guard labels.reduce(1, { $0 + $1.count + 1 }) <= 255 else {
      throw BadName(reason: "it is longer than 255 octets")
    }
    self.labels = labels
    self.text = isAbsolute ? text : "\(text)."
  }

  func isInside(_ zone: OwnerName) -> Bool {
    labels.count >= zone.labels.count && labels.suffix(zone.labels.count) == zone.labels[...]
  }

  private static func parsed(_ text: String) throws(BadName) -> (
    labels: [[UInt8]], isAbsolute: Bool
  ) {
    if text == "." { return ([], true) }
    var labels: [[UInt8]] = []
    var label: [UInt8] = []
    var bytes = text.utf8[...]
    while let byte = bytes.popFirst() {
      if byte == UInt8(ascii: ".") {
        try append(label, to: &labels)
        label = []
        continue
      }
      guard (0x21...0x7E).contains(byte) else {
        throw BadName(
          reason: byte < 0x80
            ? "it contains a space or control character"
            : "it contains letters outside ASCII; write the xn-- form")
      }
      guard byte != UInt8(ascii: "\"") else { throw BadName(reason: "it contains a quote") }
      let octet = byte == UInt8(ascii: "\\") ? try escapedOctet(&bytes) : byte
      let isUpper = (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(octet)
      label.append(isUpper ? octet | 0x20 : octet)
    }
    let isAbsolute = label.isEmpty
    if !isAbsolute { try append(label, to: &labels) }
    guard !labels.isEmpty else { throw BadName(reason: "it is empty") }
    return (labels, isAbsolute)
  }

  private static func append(_ label: [UInt8], to labels: inout [[UInt8]]) throws(BadName) {
    guard !label.isEmpty else { throw BadName(reason: "it has an empty label") }
    guard label.count <= 63 else {
      throw BadName(reason: "it has a label of more than 63 octets")
    }
    labels.append(label)
  }

  /// What follows a backslash: three decimal digits, or any one character.
  private static func escapedOctet(_ bytes: inout Substring.UTF8View) throws(BadName) -> UInt8 {
    guard let first = bytes.popFirst(), (0x21...0x7E).contains(first) else {
      throw BadName(reason: "it ends in an escape")
    }
    guard isDigit(first) else { return first }
    let digits = [first] + bytes.prefix(2)
    bytes = bytes.dropFirst(2)
    guard digits.count == 3, digits.allSatisfy(isDigit),
      let octet = UInt8(String(decoding: digits, as: UTF8.self))
    else { throw BadName(reason: "an escape wants three digits up to 255, such as \\032") }
    return octet
  }
}

/// Why a text is no domain name, in words that follow "is no domain name: ".
struct BadName: Error {
  var reason: String
}

extension Value {
  /// A domain name, absolute with or without its final dot.
  func absoluteName() -> OwnerName? {
    guard let text = text("a domain name") else { return nil }
    return ownerName(of: text) { text throws(BadName) in try OwnerName(text) }
  }

  /// A domain name, relative to `zone` unless it ends in a dot.
  func name(in zone: OwnerName) -> OwnerName? {
    guard let text = text("a domain name") else { return nil }
    return name(text, in: zone)
  }

  func name(_ text: String, in zone: OwnerName) -> OwnerName? {
    ownerName(of: text) { text throws(BadName) in try OwnerName(text, in: zone) }
  }

  private func ownerName(
    of text: String, _ make: (String) throws(BadName) -> OwnerName
  ) -> OwnerName? {
    do {
      return try make(text)
    } catch {
      report("\"\(text.prefix(80))\" is no domain name: \(error.reason)")
      return nil
    }
  }
}
