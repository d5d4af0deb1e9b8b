package import DNSWire

/// A record of a zone that is transferred: class IN, and anything but the SOA.
package struct ZoneRecord: Sendable, Hashable {
  package var owner: DomainName
  package var ttlSeconds: UInt32
  package var type: RecordType
  /// RDATA, names written out.
  package var data: [UInt8]

  package init(owner: DomainName, ttlSeconds: UInt32, type: RecordType, data: [UInt8]) {
    self.owner = owner
    self.ttlSeconds = ttlSeconds
    self.type = type
    self.data = data
  }
}
