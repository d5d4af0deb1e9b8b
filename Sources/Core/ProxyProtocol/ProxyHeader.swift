import DNSWire
public import Places

/// What a proxy says of a connection or datagram that it passes on: HAProxy's PROXY protocol,
/// version 2 (§2.2 of its specification), and version 1 on streams.
///
///     0            12       13       14       16           16 + n
///     +------------+--------+--------+--------+------------+------------------+
///     | signature  | 2, cmd | family | length | addresses  | fields, 3 octets |
///     |            |        |        |        | n: 12, 36  | and a value each |
///     +------------+--------+--------+--------+------------+------------------+
public struct ProxyHeader: Sendable, Equatable {
  /// The longest header that is read. With addresses alone one has 28 or 52 octets; what HAProxy
  /// and dnsdist add to them stays far below this, and an IPv4 segment of the smallest size holds
  /// it (§2.2: 536).
  public typealias Octets = InlineArray<536, UInt8>
  public static var maximumByteCount: Int { Octets.count }
  /// Before the addresses.
  static let fixedByteCount = 16

  /// Who speaks to whom on the far side of the proxy.
  public struct Ends: Sendable, Equatable {
    public let source: SocketAddress
    public let destination: SocketAddress

    public init(source: SocketAddress, destination: SocketAddress) {
      self.source = source
      self.destination = destination
    }
  }

  /// Octets in front of what is passed on.
  public let byteCount: Int
  /// nil: the proxy speaks for itself (LOCAL), or for somebody without an IP address. Its own
  /// address is to be used then.
  public let ends: Ends?
  /// Where the fields stand that belong to the addresses; empty without any.
  public let fields: Range<Int>

  init(byteCount: Int, ends: Ends?, fields: Range<Int>? = nil) {
    self.byteCount = byteCount
    self.ends = ends
    self.fields = fields ?? byteCount..<byteCount
  }

  /// The header at the front of a stream.
  ///
  /// - Returns: nil as long as more octets are needed; never with ``maximumByteCount`` of them.
  /// - Throws: what makes it no header.
  public static func decode(stream bytes: RawSpan) throws(ProxyHeaderFault) -> ProxyHeader? {
    if bytes.byteCount > 0 && bytes.byte(at: 0) == UInt8(ascii: "P") {
      return try decodeText(bytes)
    }
    return try decodeBinary(bytes)
  }

  /// The header at the front of a datagram: version 2 only. Allocates nothing.
  ///
  /// - Throws: what makes it no header, `.incomplete` if the datagram ends within it.
  @inline(never)
  public static func decode(datagram bytes: RawSpan) throws(ProxyHeaderFault) -> ProxyHeader {
    guard let header = try decodeBinary(bytes) else { throw .incomplete }
    return header
  }

  private static func decodeBinary(_ bytes: RawSpan) throws(ProxyHeaderFault) -> ProxyHeader? {
    for offset in 0..<min(bytes.byteCount, signature.count)
    where bytes.byte(at: offset) != signature[offset] {
      throw .signature
    }
    guard bytes.byteCount >= fixedByteCount else { return nil }
    let version = bytes.byte(at: 12)
    guard version >> 4 == 2 else { throw .version }
    // §2.2: other commands, families and protocols must be refused.
    guard version & 15 <= 1 else { throw .command }
    let family = bytes.byte(at: 13)
    guard family >> 4 <= 3, family & 15 <= 2 else { throw .family }
    let byteCount = fixedByteCount &+ Int(bytes.uint16(at: 14))
    guard byteCount <= maximumByteCount else { throw .tooLong }
    guard bytes.byteCount >= byteCount else { return nil }
    // §2.2: of LOCAL, and where there is no address, the rest is skipped whatever it is.
    guard version & 15 == 1, family >> 4 != 0, family >> 4 != 3, family & 15 != 0 else {
      return ProxyHeader(byteCount: byteCount, ends: nil)
    }
    let addressByteCount = family >> 4 == 1 ? 12 : 36
    let fields = fixedByteCount &+ addressByteCount
    guard byteCount >= fields else { throw .addresses }
    try checkFields(bytes, from: fields, to: byteCount)
    let ends = family >> 4 == 1 ? ipv4Ends(bytes) : ipv6Ends(bytes)
    return ProxyHeader(byteCount: byteCount, ends: ends, fields: fields..<byteCount)
  }

  /// `\r\n\r\n\0\r\nQUIT\n`
  private static let signature: InlineArray<12, UInt8> = [
    0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A,
  ]

  private static func ipv4Ends(_ bytes: RawSpan) -> Ends {
    Ends(
      source: SocketAddress(address: .ipv4(bytes.uint32(at: 16)), port: bytes.uint16(at: 24)),
      destination: SocketAddress(address: .ipv4(bytes.uint32(at: 20)), port: bytes.uint16(at: 26)))
  }

  private static func ipv6Ends(_ bytes: RawSpan) -> Ends {
    Ends(
      source: SocketAddress(address: ipv6(bytes, at: 16), port: bytes.uint16(at: 48)),
      destination: SocketAddress(address: ipv6(bytes, at: 32), port: bytes.uint16(at: 50)))
  }

  private static func ipv6(_ bytes: RawSpan, at offset: Int) -> IPAddress {
    .ipv6(UInt128(bytes.uint64(at: offset)) << 64 | UInt128(bytes.uint64(at: offset &+ 8)))
  }
}

/// The form of a header.
public enum ProxyVersion: String, Sendable, CaseIterable {
  case v1, v2
}

/// Why octets are no header of a proxy.
public enum ProxyHeaderFault: Error, Sendable, Equatable {
  case signature, version, command, family, addresses
  /// Longer than ``ProxyHeader/maximumByteCount``; of version 1: than its 107 octets.
  case tooLong
  /// A field that reaches beyond the header, or a checksum that does not have four octets.
  case field
  case checksum
  /// A datagram that ends within the header.
  case incomplete
}
