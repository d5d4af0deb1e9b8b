public import DNSWire

/// What signs the answers of one zone.
public struct ZoneSigner: Sendable {
  /// In lower case: the signer's name in every signature (RFC 4034 §3.1.7).
  let zone: [UInt8]
  /// Sign all sets but the keys.
  let zoneKeys: [SigningKey]
  /// Sign the keys.
  let keySigningKeys: [SigningKey]
  let validitySeconds: UInt32
  /// Of the zone, its keys and their validity: no signature of another signer is taken for one of
  /// this.
  let fingerprint: UInt64
  /// The DNSKEY records, ready to be copied behind a question for them.
  public let keyRecords: [UInt8]
  public let keyRecordCount: Int

  /// - Parameters:
  ///   - keys: the data of the zone's DNSKEY records (RFC 4034 §2.1), those that sign and those
  ///     that are only published.
  ///   - keyTTLSeconds: of these records.
  ///   - validitySeconds: from when a signature is made until it is worth nothing, one hour at
  ///     least.
  public init(
    zone: DomainName, keys: [[UInt8]], keyTTLSeconds: UInt32, zoneKeys: [SigningKey],
    keySigningKeys: [SigningKey], validitySeconds: UInt32
  ) {
    self.zone = zone.loweredWire
    self.zoneKeys = zoneKeys
    self.keySigningKeys = keySigningKeys
    self.validitySeconds = max(validitySeconds, 3_600)
    keyRecords = keys.flatMap {
      recordHead(.dnskey, ttlSeconds: keyTTLSeconds, dataByteCount: $0.count) + $0
    }
    keyRecordCount = keys.count
    // FNV-1a, 64 bits.
    let identity = self.zone + keyRecords + bigEndianBytes(self.validitySeconds)
    fingerprint = identity.reduce(0xCBF2_9CE4_8422_2325) {
      ($0 ^ UInt64($1)) &* 0x100_0000_01B3
    }
  }

  /// Whose signatures a set of this type needs.
  func keys(for type: RecordType) -> [SigningKey] {
    type == .dnskey ? keySigningKeys : zoneKeys
  }
}

/// Of a record whose owner is the question's name: pointer, type, class, TTL, length.
func recordHead(_ type: RecordType, ttlSeconds: UInt32, dataByteCount: Int) -> [UInt8] {
  bigEndianBytes(UInt16(0xC000 | Query.nameOffset)) + bigEndianBytes(type.rawValue)
    + bigEndianBytes(RecordClass.internet.rawValue) + bigEndianBytes(ttlSeconds)
    + bigEndianBytes(UInt16(truncatingIfNeeded: dataByteCount))
}
