/// The type of a record or of a question (RFC 1035 §3.2.2 and IANA's registry).
public struct RecordType: RawRepresentable, Sendable, Hashable, BitwiseCopyable {
  public let rawValue: UInt16

  @inlinable public init(rawValue: UInt16) { self.rawValue = rawValue }

  @inlinable public static var a: RecordType { RecordType(rawValue: 1) }
  @inlinable public static var ns: RecordType { RecordType(rawValue: 2) }
  @inlinable public static var cname: RecordType { RecordType(rawValue: 5) }
  @inlinable public static var soa: RecordType { RecordType(rawValue: 6) }
  @inlinable public static var ptr: RecordType { RecordType(rawValue: 12) }
  @inlinable public static var hinfo: RecordType { RecordType(rawValue: 13) }
  @inlinable public static var mx: RecordType { RecordType(rawValue: 15) }
  @inlinable public static var txt: RecordType { RecordType(rawValue: 16) }
  @inlinable public static var rp: RecordType { RecordType(rawValue: 17) }
  @inlinable public static var afsdb: RecordType { RecordType(rawValue: 18) }
  @inlinable public static var aaaa: RecordType { RecordType(rawValue: 28) }
  @inlinable public static var loc: RecordType { RecordType(rawValue: 29) }
  @inlinable public static var srv: RecordType { RecordType(rawValue: 33) }
  @inlinable public static var naptr: RecordType { RecordType(rawValue: 35) }
  @inlinable public static var kx: RecordType { RecordType(rawValue: 36) }
  @inlinable public static var cert: RecordType { RecordType(rawValue: 37) }
  @inlinable public static var dname: RecordType { RecordType(rawValue: 39) }
  @inlinable public static var opt: RecordType { RecordType(rawValue: 41) }
  @inlinable public static var apl: RecordType { RecordType(rawValue: 42) }
  @inlinable public static var ds: RecordType { RecordType(rawValue: 43) }
  @inlinable public static var sshfp: RecordType { RecordType(rawValue: 44) }
  @inlinable public static var rrsig: RecordType { RecordType(rawValue: 46) }
  @inlinable public static var nsec: RecordType { RecordType(rawValue: 47) }
  @inlinable public static var dnskey: RecordType { RecordType(rawValue: 48) }
  @inlinable public static var dhcid: RecordType { RecordType(rawValue: 49) }
  @inlinable public static var nsec3: RecordType { RecordType(rawValue: 50) }
  @inlinable public static var nsec3param: RecordType { RecordType(rawValue: 51) }
  @inlinable public static var tlsa: RecordType { RecordType(rawValue: 52) }
  @inlinable public static var smimea: RecordType { RecordType(rawValue: 53) }
  @inlinable public static var hip: RecordType { RecordType(rawValue: 55) }
  @inlinable public static var cds: RecordType { RecordType(rawValue: 59) }
  @inlinable public static var cdnskey: RecordType { RecordType(rawValue: 60) }
  @inlinable public static var openpgpkey: RecordType { RecordType(rawValue: 61) }
  @inlinable public static var csync: RecordType { RecordType(rawValue: 62) }
  @inlinable public static var zonemd: RecordType { RecordType(rawValue: 63) }
  @inlinable public static var svcb: RecordType { RecordType(rawValue: 64) }
  @inlinable public static var https: RecordType { RecordType(rawValue: 65) }
  @inlinable public static var spf: RecordType { RecordType(rawValue: 99) }
  @inlinable public static var nid: RecordType { RecordType(rawValue: 104) }
  @inlinable public static var l32: RecordType { RecordType(rawValue: 105) }
  @inlinable public static var l64: RecordType { RecordType(rawValue: 106) }
  @inlinable public static var lp: RecordType { RecordType(rawValue: 107) }
  @inlinable public static var eui48: RecordType { RecordType(rawValue: 108) }
  @inlinable public static var eui64: RecordType { RecordType(rawValue: 109) }
  @inlinable public static var tsig: RecordType { RecordType(rawValue: 250) }
  @inlinable public static var ixfr: RecordType { RecordType(rawValue: 251) }
  @inlinable public static var axfr: RecordType { RecordType(rawValue: 252) }
  @inlinable public static var any: RecordType { RecordType(rawValue: 255) }
  @inlinable public static var uri: RecordType { RecordType(rawValue: 256) }
  @inlinable public static var caa: RecordType { RecordType(rawValue: 257) }

  /// The types that have a mnemonic here.
  private static let mnemonics: [(name: String, type: RecordType)] = [
    ("A", .a), ("NS", .ns), ("CNAME", .cname), ("SOA", .soa), ("PTR", .ptr), ("HINFO", .hinfo),
    ("MX", .mx), ("TXT", .txt), ("RP", .rp), ("AFSDB", .afsdb), ("AAAA", .aaaa), ("LOC", .loc),
    ("SRV", .srv), ("NAPTR", .naptr), ("KX", .kx), ("CERT", .cert), ("DNAME", .dname),
    ("OPT", .opt), ("APL", .apl), ("DS", .ds), ("SSHFP", .sshfp), ("RRSIG", .rrsig),
    ("NSEC", .nsec), ("DNSKEY", .dnskey), ("DHCID", .dhcid), ("NSEC3", .nsec3),
    ("NSEC3PARAM", .nsec3param), ("TLSA", .tlsa), ("SMIMEA", .smimea), ("HIP", .hip),
    ("CDS", .cds), ("CDNSKEY", .cdnskey), ("OPENPGPKEY", .openpgpkey), ("CSYNC", .csync),
    ("ZONEMD", .zonemd), ("SVCB", .svcb), ("HTTPS", .https), ("SPF", .spf), ("NID", .nid),
    ("L32", .l32), ("L64", .l64), ("LP", .lp), ("EUI48", .eui48), ("EUI64", .eui64),
    ("TSIG", .tsig), ("IXFR", .ixfr), ("AXFR", .axfr), ("ANY", .any), ("URI", .uri), ("CAA", .caa),
  ]

  /// A mnemonic in either case, or `TYPEnnn` (RFC 3597 §5); nil otherwise.
  public init?(_ text: some StringProtocol) {
    let upper = text.uppercased()
    if let known = Self.mnemonics.first(where: { $0.name == upper }) {
      self = known.type
    } else if upper.hasPrefix("TYPE"), let number = UInt16(upper.dropFirst(4)) {
      self.init(rawValue: number)
    } else {
      return nil
    }
  }

  /// Whether the type is only for questions and for the machinery of messages (RFC 6895 §3.1): OPT
  /// and 128 to 255. Such records cannot stand in a zone.
  @inlinable
  public var isMetaQuestion: Bool { self == .opt || rawValue &- 128 < 128 || rawValue == 0 }

  /// The same of records.
  public var isMeta: Bool { self == .opt || (128...255).contains(rawValue) || rawValue == 0 }
}

extension RecordType: Comparable {
  /// By number.
  @inlinable
  public static func < (a: RecordType, b: RecordType) -> Bool { a.rawValue < b.rawValue }
}

extension RecordType: CustomStringConvertible {
  /// The mnemonic, or `TYPEnnn`.
  public var description: String {
    Self.mnemonics.first { $0.type == self }?.name ?? "TYPE\(rawValue)"
  }
}

/// The class of a record or of a question (RFC 1035 §3.2.4).
public struct RecordClass: RawRepresentable, Sendable, Hashable, BitwiseCopyable {
  public let rawValue: UInt16
  @inlinable public init(rawValue: UInt16) { self.rawValue = rawValue }

  @inlinable public static var internet: RecordClass { RecordClass(rawValue: 1) }
  @inlinable public static var chaos: RecordClass { RecordClass(rawValue: 3) }
}

/// The outcome of a query (RFC 1035 §4.1.1, RFC 6891 §9).
public enum ResponseCode: UInt16, Sendable, BitwiseCopyable, CaseIterable {
  case noError = 0
  case formatError = 1
  case serverFailure = 2
  case nameError = 3
  case notImplemented = 4
  case refused = 5
  /// RFC 6672 §2.2: what DNAME makes of the name is too long.
  case nameTooLong = 6
  /// RFC 8945 §5.3: the signature does not prove what it should.
  case notAuthorized = 9
  /// RFC 6891 §6.1.3: the version of EDNS is not known here.
  case badVersion = 16
  /// RFC 7873 §5.2.3: come again with the cookie that stands here.
  case badCookie = 23

  /// As IANA's registry has it, for metrics.
  public var mnemonic: String {
    switch self {
    case .noError: "NOERROR"
    case .formatError: "FORMERR"
    case .serverFailure: "SERVFAIL"
    case .nameError: "NXDOMAIN"
    case .notImplemented: "NOTIMP"
    case .refused: "REFUSED"
    case .nameTooLong: "YXDOMAIN"
    case .notAuthorized: "NOTAUTH"
    case .badVersion: "BADVERS"
    case .badCookie: "BADCOOKIE"
    }
  }
}
