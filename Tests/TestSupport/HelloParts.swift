/// A hello put together from its parts.
package struct HelloParts {
  package var version: [UInt8]
  package var sessionID: [UInt8]
  package var ciphers: [UInt8]
  package var compressions: [UInt8]
  /// nil: nothing behind the compressions.
  package var extensions: [UInt8]?

  package init(
    version: [UInt8] = [3, 3], sessionID: [UInt8] = [UInt8](repeating: 7, count: 32),
    ciphers: [UInt8] = [0x13, 1, 0x13, 2], compressions: [UInt8] = [0],
    extensions: [UInt8]? = nil
  ) {
    self.version = version
    self.sessionID = sessionID
    self.ciphers = ciphers
    self.compressions = compressions
    self.extensions = extensions
  }

  /// With its type and length.
  package var message: [UInt8] {
    let body =
      version + [UInt8](repeating: 9, count: 32) + Self.vector(1, sessionID)
      + Self.vector(2, ciphers)
      + Self.vector(1, compressions) + (extensions.map { Self.vector(2, $0) } ?? [])
    return [1] + Self.vector(3, body)
  }

  package static func named(_ name: String) -> HelloParts {
    HelloParts(extensions: serverName([(0, Array(name.utf8))]))
  }
}

extension HelloParts {
  /// - Parameter lengthByteCount: of the length in front.
  package static func vector(_ lengthByteCount: Int, _ octets: [UInt8]) -> [UInt8] {
    (0..<lengthByteCount).reversed().map { UInt8(octets.count >> (8 * $0) & 255) } + octets
  }

  package static func field(_ type: Int, _ octets: [UInt8]) -> [UInt8] {
    [UInt8(type >> 8), UInt8(type & 255)] + vector(2, octets)
  }

  package static func serverName(_ names: [(type: UInt8, name: [UInt8])]) -> [UInt8] {
    field(0, vector(2, names.flatMap { [$0.type] + vector(2, $0.name) }))
  }

  package static func protocols(_ names: [String]) -> [UInt8] {
    field(16, vector(2, names.flatMap { vector(1, Array($0.utf8)) }))
  }

  /// A message in records of so many octets.
  package static func records(_ message: [UInt8], of byteCount: Int = 16_384) -> [UInt8] {
    stride(from: 0, to: message.count, by: byteCount).flatMap {
      [22, 3, 1] + vector(2, Array(message[$0..<min($0 + byteCount, message.count)]))
    }
  }
}
