import DNSWire
import Places

/// Writes the header in front of what we pass on: version 2 with its fields, field after field, or
/// version 1 (``writeText(_:into:)``). The header is whole, and its length right, after every step.
/// Allocates nothing.
///
///     var header = ProxyHeaderWriter(ends, into: &buffer)
///     header.add(.authority, name, into: &buffer)
///     header.end(into: &buffer)
///     // buffer's first header.byteCount octets
public struct ProxyHeaderWriter: Sendable {
  /// Octets written so far. At most ``ProxyHeader/maximumByteCount``.
  public private(set) var byteCount: Int
  private let isLocal: Bool

  /// Type, length and value of the checksum; room for it is kept until the end.
  private static let checksumByteCount = 7

  /// Begins a header.
  ///
  /// - Parameter ends: of the connection from the client. Of two families, the IPv4 address is
  ///   written as IPv6 (RFC 4291 §2.5.5.2). nil: we speak for ourselves, LOCAL, as health checks
  ///   do.
  /// - Parameter buffer: of ``ProxyHeader/maximumByteCount`` octets at least.
  public init(_ ends: ProxyHeader.Ends?, into buffer: inout MutableRawSpan) {
    precondition(
      buffer.byteCount >= ProxyHeader.maximumByteCount, "the buffer holds the longest header")
    buffer.store(0x0D0A_0D0A_000D_0A51 as UInt64, at: 0)
    buffer.store(0x5549_540A as UInt32, at: 8)
    isLocal = ends == nil
    byteCount = ProxyHeader.fixedByteCount
    guard let ends else {
      buffer.store(0x2000 as UInt16, at: 12)
      buffer.store(0 as UInt16, at: 14)
      return
    }
    if case (.ipv4(let source), .ipv4(let destination)) = ends.addresses {
      buffer.store(0x2111 as UInt16, at: 12)
      buffer.store(source, at: 16)
      buffer.store(destination, at: 20)
      byteCount = 24
    } else {
      buffer.store(0x2121 as UInt16, at: 12)
      buffer.put(ends.source.address.wideBits, at: 16)
      buffer.put(ends.destination.address.wideBits, at: 32)
      byteCount = 48
    }
    append(ends.source.port, into: &buffer)
    append(ends.destination.port, into: &buffer)
    storeLength(into: &buffer)
  }

  /// Adds a field.
  ///
  /// - Returns: false if it does not fit any more, or if the header is LOCAL, where receivers skip
  ///   it; the header is as it was then.
  @discardableResult
  public mutating func add(
    _ field: ProxyField, _ value: RawSpan, into buffer: inout MutableRawSpan
  ) -> Bool {
    guard begin(field.rawValue, byteCount: value.byteCount, into: &buffer) else { return false }
    append(value, into: &buffer)
    return true
  }

  /// Adds a field whose value is a number, decimal.
  @discardableResult
  public mutating func add(
    _ field: ProxyField, decimal number: UInt64, into buffer: inout MutableRawSpan
  ) -> Bool {
    guard begin(field.rawValue, byteCount: decimalDigitCount(number), into: &buffer) else {
      return false
    }
    byteCount = buffer.putDecimal(number, at: byteCount)
    return true
  }

  /// Adds what is known of the client's TLS session (§2.2.6 of the specification).
  ///
  /// - Parameter commonName: of the client's certificate; empty: unknown.
  @discardableResult
  public mutating func add(
    _ session: ProxySession, commonName: RawSpan, into buffer: inout MutableRawSpan
  ) -> Bool {
    let version = session.version.text
    let hasName = commonName.byteCount > 0
    let count = 5 + 3 + version.utf8CodeUnitCount + (hasName ? 3 + commonName.byteCount : 0)
    guard begin(ProxyField.tls.rawValue, byteCount: count, into: &buffer) else { return false }
    append(session.client, into: &buffer)
    buffer.store(session.isVerified ? 0 : 1 as UInt32, at: byteCount)
    byteCount &+= 4
    appendHead(ProxySession.versionField, byteCount: version.utf8CodeUnitCount, into: &buffer)
    byteCount = buffer.put(version, at: byteCount)
    guard hasName else { return true }
    appendHead(ProxySession.commonNameField, byteCount: commonName.byteCount, into: &buffer)
    append(commonName, into: &buffer)
    return true
  }

  /// Ends the header with its checksum. LOCAL has none.
  public mutating func end(into buffer: inout MutableRawSpan) {
    guard !isLocal else { return }
    appendHead(ProxyField.checksum.rawValue, byteCount: 4, into: &buffer)
    let value = byteCount
    byteCount &+= 4
    storeLength(into: &buffer)
    let sum = ProxyHeader.checksum(buffer.bytes, byteCount: byteCount, without: value)
    buffer.store(sum, at: value)
  }

  /// Type and length of a field, if its value fits in front of the checksum.
  private mutating func begin(
    _ type: UInt8, byteCount count: Int, into buffer: inout MutableRawSpan
  ) -> Bool {
    let room = ProxyHeader.maximumByteCount &- Self.checksumByteCount &- byteCount
    guard !isLocal, count &+ 3 <= room else { return false }
    appendHead(type, byteCount: count, into: &buffer)
    buffer.store(
      UInt16(byteCount &+ count &- ProxyHeader.fixedByteCount), at: 14)
    return true
  }

  private mutating func appendHead(
    _ type: UInt8, byteCount count: Int, into buffer: inout MutableRawSpan
  ) {
    append(type, into: &buffer)
    append(UInt16(count), into: &buffer)
  }

  private mutating func append(_ value: RawSpan, into buffer: inout MutableRawSpan) {
    buffer.copy(value, from: 0, count: value.byteCount, to: byteCount)
    byteCount &+= value.byteCount
  }

  private mutating func append(_ byte: UInt8, into buffer: inout MutableRawSpan) {
    byteCount = buffer.put(byte, at: byteCount)
  }

  private mutating func append(_ number: UInt16, into buffer: inout MutableRawSpan) {
    buffer.store(number, at: byteCount)
    byteCount &+= 2
  }

  private func storeLength(into buffer: inout MutableRawSpan) {
    buffer.store(UInt16(byteCount &- ProxyHeader.fixedByteCount), at: 14)
  }
}

/// What is told of the TLS session between the client and us.
public struct ProxySession: Sendable, Equatable {
  public enum Version: Sendable {
    case tls12, tls13

    /// As OpenSSL and HAProxy name it.
    var text: StaticString {
      switch self {
      case .tls12: "TLSv1.2"
      case .tls13: "TLSv1.3"
      }
    }
  }

  static let versionField: UInt8 = 0x21
  static let commonNameField: UInt8 = 0x22

  public let version: Version
  /// Whether the client has shown a certificate.
  public let hasCertificate: Bool
  /// Whether it has shown one that is good.
  public let isVerified: Bool

  public init(version: Version, hasCertificate: Bool = false, isVerified: Bool = false) {
    self.version = version
    self.hasCertificate = hasCertificate
    self.isVerified = hasCertificate && isVerified
  }

  /// PP2_CLIENT_SSL, with PP2_CLIENT_CERT_CONN and PP2_CLIENT_CERT_SESS.
  var client: UInt8 { hasCertificate ? 0x07 : 0x01 }
}

extension ProxyHeader.Ends {
  var addresses: (IPAddress, IPAddress) { (source.address, destination.address) }
}

extension IPAddress {
  /// As IPv6: RFC 4291 §2.5.5.2 of IPv4.
  var wideBits: UInt128 {
    switch self {
    case .ipv4(let bits): 0xFFFF_0000_0000 | UInt128(bits)
    case .ipv6(let bits): bits
    }
  }
}

extension MutableRawSpan {
  fileprivate mutating func put(_ bits: UInt128, at offset: Int) {
    store(UInt64(truncatingIfNeeded: bits >> 64), at: offset)
    store(UInt64(truncatingIfNeeded: bits), at: offset &+ 8)
  }
}
