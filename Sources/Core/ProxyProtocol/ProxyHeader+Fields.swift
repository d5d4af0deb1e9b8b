import Checksums
import DNSWire

/// What a field of a header of version 2 holds (§2.2 of the specification): its first octet.
///
/// From 0xE0 on the numbers are for everyone's own use. Ours hold text, since that is what
/// HAProxy's `fc_pp_tlv(0xE0)` and nginx's `$proxy_protocol_tlv_0xE0` put into a header or a log
/// as it is.
public enum ProxyField: UInt8, Sendable {
  /// One name of an application protocol, such as `h2`.
  case alpn = 0x01
  /// The name that the client asked for: the host name of its server_name extension.
  case authority = 0x02
  /// CRC-32C of the whole header.
  case checksum = 0x03
  case padding = 0x04
  /// At most 128 octets that name the connection.
  case uniqueID = 0x05
  /// What is known of the client's TLS session, see ``ProxySession``.
  case tls = 0x20
  /// The name of the region that was chosen.
  case region = 0xE0
  /// The client's country, ISO 3166-1 alpha-2.
  case country = 0xE1
  /// What names the decision.
  case decision = 0xE2
  /// The epoch of the service's primary, decimal.
  case epoch = 0xE3
  /// The nodes of ours that the connection has come through, the first one first, a comma between
  /// two (see ``RelayPath``).
  case path = 0xE4
}

extension ProxyHeader {
  /// Where the value of the first field of a kind stands.
  ///
  /// - Parameter bytes: those that the header was decoded from.
  /// - Complexity: linear in the fields; allocates nothing.
  public func value(of field: ProxyField, in bytes: RawSpan) -> Range<Int>? {
    var offset = fields.lowerBound
    while offset &+ 3 <= fields.upperBound {
      let start = offset &+ 3
      let end = start &+ Int(bytes.uint16(at: offset &+ 1))
      if bytes.byte(at: offset) == field.rawValue { return start..<end }
      offset = end
    }
    return nil
  }

  /// The value of the first field of a kind; empty: there is none, or none in it.
  public func octets(of field: ProxyField, in bytes: RawSpan) -> [UInt8] {
    value(of: field, in: bytes)?.map { bytes.byte(at: $0) } ?? []
  }

  /// Walks over the fields; one of them may be a checksum of the header (§2.2.4).
  static func checkFields(
    _ bytes: RawSpan, from start: Int, to end: Int
  ) throws(ProxyHeaderFault) {
    var offset = start
    while offset < end {
      guard offset &+ 3 <= end else { throw .field }
      let value = offset &+ 3
      let next = value &+ Int(bytes.uint16(at: offset &+ 1))
      guard next <= end else { throw .field }
      if bytes.byte(at: offset) == ProxyField.checksum.rawValue {
        guard next == value &+ 4 else { throw .field }
        let sum = checksum(bytes, byteCount: end, without: value)
        guard sum == bytes.uint32(at: value) else { throw .checksum }
      }
      offset = next
    }
  }

  /// CRC-32C (RFC 3720 §12.1) of the header, the four octets at `hole` taken as zeros.
  static func checksum(_ bytes: RawSpan, byteCount: Int, without hole: Int) -> UInt32 {
    var sum = CRC32C()
    for offset in 0..<byteCount {
      let isHole = offset >= hole && offset < hole &+ 4
      sum.add(isHole ? 0 : bytes.byte(at: offset))
    }
    return sum.value
  }
}
