import DNSWire

/// What octets in the place of a host name are.
enum HostNameKind: Equatable {
  /// - Parameter byteCount: without a trailing dot.
  case name(byteCount: Int)
  /// Of IPv4 (its last label is a number) or IPv6 (it has a colon).
  case address
}

/// Looks at the first `byteCount` octets, which are in lower case.
///
/// - Returns: nil if they are neither: an empty label or one above 63 octets, more than 253 octets
///   in all (RFC 1035 §2.3.4), or an octet that no host name has. `_` is allowed.
func hostNameKind(_ bytes: RawSpan, byteCount: Int) -> HostNameKind? {
  var count = byteCount
  if count > 0, bytes.byte(at: count &- 1) == UInt8(ascii: ".") { count &-= 1 }
  guard count > 0, count <= 253 else { return nil }
  var (labelByteCount, isNumber, hasColon, hasEmptyLabel) = (0, true, false, false)
  for offset in 0..<count {
    switch bytes.byte(at: offset) {
    case UInt8(ascii: "."):
      if labelByteCount == 0 { hasEmptyLabel = true }
      (labelByteCount, isNumber) = (0, true)
      continue
    case UInt8(ascii: "0")...UInt8(ascii: "9"): break
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "-"), UInt8(ascii: "_"):
      isNumber = false
    case UInt8(ascii: ":"), UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "%"):
      hasColon = true
    default: return nil
    }
    labelByteCount &+= 1
    guard labelByteCount <= 63 else { return nil }
  }
  if hasColon { return .address }
  guard labelByteCount > 0, !hasEmptyLabel else { return nil }
  return isNumber ? .address : .name(byteCount: count)
}
