import DNSWire
import Editions
import Places
import Routing

/// The names that serve in the regions of a decision; nil where endpoints do.
func targets(_ explanation: Explanation, model: RoutingModel) -> [String]? {
  model.services[explanation.service].content.targets.map { targets in
    explanation.outcome.regions.compactMap { targets[$0]?.text }
  }
}

/// The service bindings of a decision, with the hints that are served; nil if the service has none.
func bindings(_ explanation: Explanation, edition: Edition) -> [String]? {
  let templates = edition.model.services[explanation.service].bindings
  guard !templates.isEmpty else { return nil }
  let slots: [(kind: BindingTemplate.Kind, slot: AnswerTable.Slot)] = [
    (.https, .https), (.svcb, .svcb),
  ]
  return slots.flatMap { kind, slot in
    let records = edition.answers.records(outcome: explanation.decision.outcome, slot: slot)
    return zip(records, templates.filter { $0.kind == kind }).map { record, template in
      let name = kind == .https ? "HTTPS" : "SVCB"
      return ([name, template.text] + record.hints).joined(separator: " ")
    }
  }
}

/// A record of a precompiled answer, read from the bytes that are served.
struct ServedRecord {
  var type: RecordType
  var ttlSeconds: UInt32
  var data: [UInt8]

  /// Of A and AAAA.
  var address: IPAddress? {
    guard type == .a || type == .aaaa else { return nil }
    return IPAddress(data)
  }

  /// Of HTTPS and SVCB, in presentation form (RFC 9460 §7.3).
  var hints: [String] {
    guard let record = ServiceBindingRecord(data: data) else { return [] }
    let kinds = [
      ("ipv4hint", ServiceBindingRecord.ipv4Hint, 4),
      ("ipv6hint", ServiceBindingRecord.ipv6Hint, 16),
    ]
    return kinds.compactMap { name, key, byteCount in
      guard let value = record.value(of: key) else { return nil }
      let addresses = stride(from: 0, to: value.count, by: byteCount).map {
        IPAddress(Array(value[$0..<($0 + byteCount)])).description
      }
      return "\(name)=\(addresses.joined(separator: ","))"
    }
  }
}

extension IPAddress {
  /// Four or sixteen bytes in network order.
  fileprivate init(_ bytes: [UInt8]) {
    let bits = bytes.reduce(UInt128(0)) { $0 << 8 | UInt128($1) }
    self = bytes.count == 4 ? .ipv4(UInt32(truncatingIfNeeded: bits)) : .ipv6(bits)
  }
}

extension AnswerTable {
  /// The records of a precompiled answer: owner pointer, type, class, TTL, length, data.
  func records(outcome: Int, slot: Slot) -> [ServedRecord] {
    let entry = entry(outcome: outcome, slot: slot)
    var rest = Array(bytes[Int(entry.offset)...].prefix(Int(entry.byteCount)))
    var records: [ServedRecord] = []
    while rest.count > 12 {
      func number(_ range: Range<Int>) -> UInt32 {
        rest[range].reduce(0) { $0 << 8 | UInt32($1) }
      }
      let end = 12 + Int(number(10..<12))
      records.append(
        ServedRecord(
          type: RecordType(rawValue: UInt16(number(2..<4))), ttlSeconds: number(6..<10),
          data: Array(rest[12..<end])))
      rest.removeFirst(end)
    }
    return records
  }
}
