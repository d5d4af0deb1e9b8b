/// What a client's first TLS message says of where it wants to go (RFC 8446 §4.1.2), read without
/// ending TLS.
///
/// Its names are copied into a buffer of the caller's, since in the stream a record's header may
/// stand in the midst of them:
///
///     0                         256                                       512
///     +-------------------------+------------------------------------------+
///     | server name, lower case | protocols, each behind its length's octet |
///     +-------------------------+------------------------------------------+
public struct ClientHello: Sendable, Equatable {
  /// Octets of the buffer for names.
  public typealias Names = InlineArray<512, UInt8>
  public static var namesByteCount: Int { Names.count }
  static let protocolsOffset = 256

  /// Where the message ends in the stream. What is behind it is the client's next records.
  public let end: Int
  /// Where the name of server_name (RFC 6066 §3) stands in the buffer for names: in lower case, of
  /// 1 to 253 octets, each a letter, a digit, `-`, `_` or a dot between labels. nil if there is
  /// none, or an address in its place. With an encrypted hello it is the outer, public name.
  public let serverName: Range<Int>?
  /// Where the protocols of ALPN (RFC 7301 §3.1) stand in the buffer, the client's favourite first;
  /// those that have no room there are missing. nil without the extension.
  public let protocols: Range<Int>?
  /// Whether there is an encrypted_client_hello extension, be it only to look like one.
  public let hasEncryptedHello: Bool

  package init(
    end: Int, serverName: Range<Int>?, protocols: Range<Int>?, hasEncryptedHello: Bool
  ) {
    self.end = end
    self.serverName = serverName
    self.protocols = protocols
    self.hasEncryptedHello = hasEncryptedHello
  }
}

/// What octets at the front of a stream are.
public enum HelloVerdict: Sendable, Equatable {
  /// No fault so far.
  case needsMore
  case hello(ClientHello)
  /// The first octets are no record of a handshake of SSL 3 or TLS: another protocol, or SSL 2.
  case notTLS
  /// Beyond ``ClientHelloReader/maximumMessageByteCount`` or
  /// ``ClientHelloReader/maximumByteCount``.
  case tooLong
  /// TLS that breaks a rule.
  /// - Parameter offset: in the stream, where that shows.
  case malformed(offset: Int)
}
