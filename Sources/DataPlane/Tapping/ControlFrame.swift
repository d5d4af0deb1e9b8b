/// A control frame of Frame Streams (the framing of dnstap), numbers in network order:
///
///     data      length, 32 bits, above 0 | payload
///     control   0, 32 bits | length, 32 bits | type, 32 bits | fields
///     field     type, 32 bits | length, 32 bits | bytes
///
/// The writer of a stream in both directions says `ready`, `start`, `stop`; its reader says
/// `accept`, `finish`.
package struct ControlFrame: Equatable {
  package enum Kind: UInt32 {
    case accept = 1
    case start, stop, ready, finish
  }

  /// Readers refuse longer ones, and so do we.
  package static let maximumByteCount = 512
  /// The only type of field that there is.
  private static let contentTypeField: UInt32 = 1

  package var kind: Kind
  /// What the data frames contain.
  package var contentTypes: [String] = []

  /// Whether a reader that said this takes data of a type: no types mean any.
  package func takes(_ contentType: String) -> Bool {
    contentTypes.isEmpty || contentTypes.contains(contentType)
  }

  /// As it goes over the wire, with the zero that tells it from data and its length.
  package var bytes: [UInt8] {
    var body = networkBytes(kind.rawValue)
    for type in contentTypes {
      body += networkBytes(Self.contentTypeField) + networkBytes(UInt32(type.utf8.count))
      body += type.utf8
    }
    return networkBytes(0) + networkBytes(UInt32(body.count)) + body
  }

  /// - Parameter body: what stands behind the length.
  /// - Returns: nil if it is no control frame, or of a type that nobody knows.
  package init?(body: some Collection<UInt8>) {
    guard (4...Self.maximumByteCount).contains(body.count),
      let kind = Kind(rawValue: number(body.prefix(4)))
    else { return nil }
    self.kind = kind
    var rest = body.dropFirst(4)
    while !rest.isEmpty {
      guard rest.count >= 8 else { return nil }
      let type = number(rest.prefix(4))
      let count = Int(number(rest.dropFirst(4).prefix(4)))
      rest = rest.dropFirst(8)
      guard type == Self.contentTypeField, rest.count >= count else { return nil }
      contentTypes.append(String(decoding: rest.prefix(count), as: UTF8.self))
      rest = rest.dropFirst(count)
    }
  }

  package init(_ kind: Kind, contentTypes: [String] = []) {
    self.kind = kind
    self.contentTypes = contentTypes
  }
}

/// Four bytes.
func networkBytes(_ value: UInt32) -> [UInt8] {
  [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> UInt32($0)) }
}

/// Of four bytes in network order.
func number(_ bytes: some Sequence<UInt8>) -> UInt32 {
  bytes.reduce(0) { $0 << 8 | UInt32($1) }
}
