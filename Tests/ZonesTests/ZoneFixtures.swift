import DNSWire
import Zones

/// A zone in few words: `owner type data`, or `owner steered service [types]`, owners under the
/// zone; types are letters: a for addresses, h for HTTPS, s for SVCB, c for an alias.
func zone(
  _ name: String, _ lines: [String], ttlSeconds: UInt32 = 300, minimumSeconds: UInt32 = 60
) throws -> ZoneSource {
  let apex = try DomainName(name)
  var source = ZoneSource(
    name: apex,
    soa: ZoneSource.StartOfAuthority(
      primary: try DomainName("ns1", origin: apex), mailbox: try DomainName("mail", origin: apex),
      serial: 1, refreshSeconds: 2, retrySeconds: 3, expireSeconds: 4,
      minimumSeconds: minimumSeconds, ttlSeconds: 3_600))
  for line in lines {
    let parts = line.split(separator: " ", maxSplits: 2).map(String.init)
    let owner = try DomainName(parts[0], origin: apex)
    if parts[1] == "steered", let service = Int(parts[2].prefix { $0 != " " }) {
      source.steered.append(
        ZoneSource.Steered(owner: owner, service: service, types: steeredTypes(parts[2])))
    } else if let type = RecordType(parts[1]) {
      source.records.append(
        ZoneSource.Record(
          owner: owner, ttlSeconds: ttlSeconds, type: type,
          data: try RecordData.encode(type, text: parts[2], origin: apex)))
    }
  }
  return source
}

private func steeredTypes(_ text: String) -> SteeredTypes {
  let letters: [Character: SteeredTypes] = [
    "a": .addresses, "h": .https, "s": .svcb, "c": .alias,
  ]
  let types = text.compactMap { letters[$0] }.reduce(into: SteeredTypes()) { $0.formUnion($1) }
  return types.isEmpty ? .addresses : types
}

extension ZoneTable {
  func find(_ name: DomainName, _ type: RecordType) -> Finding {
    let padded = name.wire + Array(repeating: 0xAA, count: Query.slackByteCount)
    return find(
      padded.span.bytes, at: 0, nameByteCount: name.wire.count, type: type)
  }

  /// What a look-up says, in the oracle's words.
  func result(_ name: DomainName, _ type: RecordType) -> LinearZones.Result {
    let finding = find(name, type)
    switch finding.kind {
    case .notOurs: return .notOurs
    case .nameError: return .nameError
    case .noData: return .noData
    case .unavailable: return .unavailable
    case .redirection: return .redirection(data(of: finding.records).first ?? [])
    case .steered, .steeredAlias, .steeredByKey, .steeredAliasByKey:
      return .steered(finding.service)
    case .records: return .records(data(of: finding.records))
    case .alias: return .alias(data(of: finding.records).first ?? [])
    case .referral:
      let suffix = Array(name.wire.suffix(finding.cutByteCount))
      return .referral(
        cut: DomainName(wire: suffix) ?? .root, servers: Set(data(of: finding.records)),
        glueCount: finding.glue.recordCount)
    }
  }

  /// The data of records that begin with a pointer as their owner.
  func data(of run: RecordRun) -> [[UInt8]] {
    let packet: [UInt8] = [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1]
    var message = packet + Array(repeating: 0, count: run.byteCount + Query.slackByteCount)
    guard let query = try? Query.decode(message.span.bytes, byteCount: packet.count) else {
      return []
    }
    var writer = AnswerWriter(
      query: query, repeatsSubnet: false, optionByteCount: 0, limit: message.count)
    guard var offset = append(run, to: &message, writer: &writer) else { return [] }
    var result: [[UInt8]] = []
    for _ in 0..<run.recordCount {
      let count = Int(message[offset + 10]) << 8 | Int(message[offset + 11])
      result.append(Array(message[(offset + 12)..<(offset + 12 + count)]))
      offset += 12 + count
    }
    return result
  }

  private func append(
    _ run: RecordRun, to message: inout [UInt8], writer: inout AnswerWriter
  ) -> Int? {
    var span = message.mutableSpan
    var bytes = span.mutableBytes
    return append(run, ownerOffset: 12, to: .answer, writer: &writer, into: &bytes)
  }
}
