public import Cookies
public import DNSWire
public import Places
public import RateLimiting
public import Signing

/// What operators say of answers as such, whatever the question: part of the edition, so that it
/// changes with a reload.
public struct AnswerRules: Sendable {
  /// Most bytes of a UDP answer, 512...4096 (RFC 9715 §3.1); also said to clients in OPT.
  public let maximumUDPBytes: Int
  /// Whether client subnets (RFC 7871) are heeded and repeated; else they are ignored.
  public let usesClientSubnet: Bool
  /// The name of this instance, for NSID (RFC 5001 §2.3) and CH TXT `id.server` (RFC 4892 §2); at
  /// most 255 bytes. Empty: it is not told.
  public let identity: [UInt8]
  /// For CH TXT `version.bind`, at most 255 bytes. Empty: it is not told.
  public let version: [UInt8]
  /// nil: cookies are ignored (RFC 7873 §5.2).
  public let cookies: CookieSecrets?
  /// nil: nobody is limited.
  public let rateLimits: RateLimits?
  /// Who is never limited.
  public let unlimited: [AddressPrefix]
  /// By the name of the zone; answers of the others are not signed.
  public let signers: [DomainName: ZoneSigner]
  /// How many signatures each thread keeps.
  public let signatureCount: Int
  /// What kept signatures are found by: this process's own.
  public let signatureSecret: CookieSecret

  public init(
    maximumUDPBytes: Int = 1_232, usesClientSubnet: Bool = true, identity: [UInt8] = [],
    version: [UInt8] = [], cookies: CookieSecrets? = nil, rateLimits: RateLimits? = nil,
    unlimited: [AddressPrefix] = [], signers: [DomainName: ZoneSigner] = [:],
    signatureCount: Int = 65_536, signatureSecret: CookieSecret = CookieSecret(low: 0, high: 0)
  ) {
    self.maximumUDPBytes = min(max(maximumUDPBytes, 512), 4_096)
    self.usesClientSubnet = usesClientSubnet
    self.identity = Array(identity.prefix(255))
    self.version = Array(version.prefix(255))
    self.cookies = cookies
    self.rateLimits = rateLimits
    self.unlimited = unlimited
    self.signers = signers
    self.signatureCount = signatureCount
    self.signatureSecret = signatureSecret
  }
}
