/// What a record's data consists of, one part behind the other: read from presentation form and
/// rendered in it by the same table.
struct RecordForm {
  enum Kind {
    case name
    case number8, number16, number32
    /// At most 2³¹ − 1 (RFC 2181 §8).
    case seconds
    case ipv4, ipv6
    /// With its length in front.
    case string
    /// One or more, to the end.
    case strings
    /// To the end, without a length.
    case rawString
    /// Letters and digits with their length in front (RFC 8659 §4.1).
    case tag
    /// To the end.
    case hexadecimal
    /// To the end.
    case base64
    /// In hexadecimal with its length in front, `-` for nothing (RFC 5155 §3.3).
    case salt
    /// In base 32 with its length in front (RFC 5155 §3.3).
    case hash
    /// A type's name.
    case type
    /// Names of types to the end (RFC 4034 §4.1.2).
    case types
    /// `YYYYMMDDHHmmSS` or seconds (RFC 4034 §3.2).
    case time
    /// So many bytes in hexadecimal with `-` between (RFC 7043 §3.2, §4.2).
    case octets(Int)
    /// Four groups of hexadecimal digits with `:` between (RFC 6742 §2.1.2).
    case groups
  }

  struct Part {
    /// As faults call it.
    var what: String
    var kind: Kind

    init(_ what: String, _ kind: Kind) {
      self.what = what
      self.kind = kind
    }
  }

  let parts: [Part]

  /// nil: the type has no such form, or one that is not a row of parts.
  init?(_ type: RecordType) {
    guard let parts = Self.commonParts(type) ?? Self.securityParts(type) else { return nil }
    self.parts = parts
  }

  private static func commonParts(_ type: RecordType) -> [Part]? {
    switch type {
    case .a: [Part("address", .ipv4)]
    case .aaaa: [Part("address", .ipv6)]
    case .ns, .cname, .ptr, .dname: [Part("target", .name)]
    case .soa:
      [
        Part("primary", .name), Part("mailbox", .name), Part("serial", .number32),
        Part("refresh", .seconds), Part("retry", .seconds), Part("expire", .seconds),
        Part("minimum", .seconds),
      ]
    case .mx: [Part("preference", .number16), Part("exchange", .name)]
    case .afsdb: [Part("subtype", .number16), Part("host", .name)]
    case .kx: [Part("preference", .number16), Part("exchanger", .name)]
    case .lp: [Part("preference", .number16), Part("locator", .name)]
    case .l32: [Part("preference", .number16), Part("locator", .ipv4)]
    case .l64: [Part("preference", .number16), Part("locator", .groups)]
    case .nid: [Part("preference", .number16), Part("node identifier", .groups)]
    case .txt, .spf: [Part("text", .strings)]
    case .hinfo: [Part("CPU", .string), Part("operating system", .string)]
    case .rp: [Part("mailbox", .name), Part("text name", .name)]
    case .srv:
      [
        Part("priority", .number16), Part("weight", .number16), Part("port", .number16),
        Part("target", .name),
      ]
    // RFC 3403 §4.1.
    case .naptr:
      [
        Part("order", .number16), Part("preference", .number16), Part("flags", .string),
        Part("services", .string), Part("regexp", .string), Part("replacement", .name),
      ]
    case .caa: [Part("flags", .number8), Part("tag", .tag), Part("value", .rawString)]
    case .uri:
      [Part("priority", .number16), Part("weight", .number16), Part("target", .rawString)]
    case .eui48: [Part("address", .octets(6))]
    case .eui64: [Part("address", .octets(8))]
    default: nil
    }
  }

  private static func securityParts(_ type: RecordType) -> [Part]? {
    switch type {
    case .tlsa, .smimea:
      [
        Part("usage", .number8), Part("selector", .number8), Part("matching type", .number8),
        Part("certificate data", .hexadecimal),
      ]
    case .sshfp:
      [
        Part("algorithm", .number8), Part("fingerprint type", .number8),
        Part("fingerprint", .hexadecimal),
      ]
    case .ds, .cds:
      [
        Part("key tag", .number16), Part("algorithm", .number8), Part("digest type", .number8),
        Part("digest", .hexadecimal),
      ]
    case .dnskey, .cdnskey:
      [
        Part("flags", .number16), Part("protocol", .number8), Part("algorithm", .number8),
        Part("public key", .base64),
      ]
    case .openpgpkey: [Part("key", .base64)]
    case .dhcid: [Part("identifier", .base64)]
    // RFC 4398 §2.
    case .cert:
      [
        Part("certificate type", .number16), Part("key tag", .number16),
        Part("algorithm", .number8), Part("certificate", .base64),
      ]
    // RFC 4034 §3.1.
    case .rrsig:
      [
        Part("type covered", .type), Part("algorithm", .number8), Part("labels", .number8),
        Part("original TTL", .number32), Part("expiration", .time), Part("inception", .time),
        Part("key tag", .number16), Part("signer", .name), Part("signature", .base64),
      ]
    case .nsec: [Part("next name", .name), Part("types", .types)]
    case .nsec3:
      [
        Part("hash algorithm", .number8), Part("flags", .number8), Part("iterations", .number16),
        Part("salt", .salt), Part("next hash", .hash), Part("types", .types),
      ]
    case .nsec3param:
      [
        Part("hash algorithm", .number8), Part("flags", .number8), Part("iterations", .number16),
        Part("salt", .salt),
      ]
    // RFC 7477 §2.1.
    case .csync: [Part("serial", .number32), Part("flags", .number16), Part("types", .types)]
    // RFC 8976 §2.2.
    case .zonemd:
      [
        Part("serial", .number32), Part("scheme", .number8), Part("hash algorithm", .number8),
        Part("digest", .hexadecimal),
      ]
    default: nil
    }
  }
}
