public import DNSWire

/// A zone as the operator means it, before it is checked and compiled.
public struct ZoneSource: Sendable {
  public var name: DomainName
  public var soa: StartOfAuthority
  /// The name servers at the apex among them; no SOA.
  public var records: [Record]
  public var steered: [Steered]

  public init(
    name: DomainName, soa: StartOfAuthority, records: [Record] = [], steered: [Steered] = []
  ) {
    self.name = name
    self.soa = soa
    self.records = records
    self.steered = steered
  }

  /// RFC 1035 §3.3.13.
  public struct StartOfAuthority: Sendable {
    public var primary: DomainName
    /// The mailbox as a name: `hostmaster.example.org.`
    public var mailbox: DomainName
    public var serial: UInt32
    public var refreshSeconds: UInt32
    public var retrySeconds: UInt32
    public var expireSeconds: UInt32
    /// How long a negative answer lives, at most ``ttlSeconds`` (RFC 2308 §4).
    public var minimumSeconds: UInt32
    public var ttlSeconds: UInt32

    public init(
      primary: DomainName, mailbox: DomainName, serial: UInt32, refreshSeconds: UInt32,
      retrySeconds: UInt32, expireSeconds: UInt32, minimumSeconds: UInt32, ttlSeconds: UInt32
    ) {
      self.primary = primary
      self.mailbox = mailbox
      self.serial = serial
      self.refreshSeconds = refreshSeconds
      self.retrySeconds = retrySeconds
      self.expireSeconds = expireSeconds
      self.minimumSeconds = minimumSeconds
      self.ttlSeconds = ttlSeconds
    }

    /// RDATA.
    var data: [UInt8] {
      primary.wire + mailbox.wire
        + [serial, refreshSeconds, retrySeconds, expireSeconds, minimumSeconds]
        .flatMap { bigEndianBytes($0) }
    }
  }

  public struct Record: Sendable {
    public var owner: DomainName
    public var ttlSeconds: UInt32
    public var type: RecordType
    /// RDATA in wire form, names uncompressed, as `RecordData` gives it.
    public var data: [UInt8]

    public init(owner: DomainName, ttlSeconds: UInt32, type: RecordType, data: [UInt8]) {
      self.owner = owner
      self.ttlSeconds = ttlSeconds
      self.type = type
      self.data = data
    }
  }

  /// A name some of whose records routing decides.
  public struct Steered: Sendable, Equatable {
    public var owner: DomainName
    /// Index into the edition's services.
    public var service: Int
    public var types: SteeredTypes

    public init(owner: DomainName, service: Int, types: SteeredTypes = .addresses) {
      self.owner = owner
      self.service = service
      self.types = types
    }
  }
}

/// What is wrong with a zone, and with what in it.
public struct ZoneFault: Sendable, Equatable {
  public enum Subject: Sendable, Equatable {
    case zone
    /// Index into ``ZoneSource/records``.
    case record(Int)
    /// Index into ``ZoneSource/steered``.
    case steered(Int)
    /// Whatever stands at this name.
    case owner(DomainName)
  }

  /// Index into the zones that were to be compiled.
  public var zone: Int
  public var subject: Subject
  public var message: String

  public init(zone: Int, subject: Subject, message: String) {
    self.zone = zone
    self.subject = subject
    self.message = message
  }
}

/// All that is wrong with the zones.
public struct ZoneFaults: Error, Sendable, Equatable {
  public var faults: [ZoneFault]
}
