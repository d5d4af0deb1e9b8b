/// The cookie option of a query (RFC 7873 §4): what the client made up, and what it has of ours.
public struct ClientCookie: Sendable, Equatable, BitwiseCopyable {
  /// IANA's number of the option.
  public static let optionCode: UInt16 = 10

  public let client: UInt64
  /// Whether a server cookie came along.
  public let hasServer: Bool
  /// nil if there is none, or one of a length that ours never have (RFC 9018 §4).
  public let server: ServerCookie?

  @inlinable
  public init(client: UInt64, hasServer: Bool, server: ServerCookie?) {
    self.client = client
    self.hasServer = hasServer
    self.server = server
  }

  /// - Parameters:
  ///   - query: that has a cookie.
  ///   - packet: that the query was decoded from, still as it came.
  public init(of query: Query, in packet: RawSpan) {
    let offset = Int(query.cookieOffset)
    let byteCount = Int(query.cookieByteCount)
    self.init(
      client: packet.uint64(at: offset), hasServer: byteCount > 8,
      server: byteCount == 24
        ? ServerCookie(head: packet.uint64(at: offset &+ 8), hash: packet.uint64(at: offset &+ 16))
        : nil)
  }

  /// Whether a cookie can have this many bytes (RFC 7873 §5.2.2).
  static func isLength(_ byteCount: Int) -> Bool {
    byteCount == 8 || (16...40).contains(byteCount)
  }
}

/// A server cookie of 16 bytes as RFC 9018 §4 lays it out.
public struct ServerCookie: Sendable, Equatable, BitwiseCopyable {
  /// Version (8), reserved (24), timestamp (32).
  public let head: UInt64
  public let hash: UInt64

  @inlinable
  public init(head: UInt64, hash: UInt64) {
    self.head = head
    self.hash = hash
  }

  @inlinable public var version: UInt8 { UInt8(truncatingIfNeeded: head >> 56) }
  /// Seconds since 1970, modulo 2³².
  @inlinable public var timestamp: UInt32 { UInt32(truncatingIfNeeded: head) }
}
