import DNSWire
import Testing

@Suite struct `A service binding record (RFC 9460 §2.2)` {
  private func record(_ text: String) throws -> ServiceBindingRecord {
    let data = try RecordData.encode(.https, text: text, origin: .root)
    let record = try #require(ServiceBindingRecord(data: data))
    #expect(record.data == data)
    return record
  }

  @Test(arguments: [
    ("1 .", true, false), ("0 svc.example.org.", false, false), ("0 .", false, false),
    ("16 svc.example.org. alpn=h2 port=8443", false, false), ("1 . ipv4hint=192.0.2.1", true, true),
  ])
  func `says whose it is and whether it has hints`(
    text: String, isOfOwner: Bool, hasHints: Bool
  ) throws {
    let record = try record(text)
    #expect(record.isOfOwner == isOfOwner)
    #expect(record.hasHints == hasHints)
  }

  @Test func `keeps its keys ascending, whatever is put in`() throws {
    var record = try record("1 . alpn=h2 port=443 ech=AAAA key65000=x")
    record.set(ServiceBindingRecord.ipv6Hint, to: Array(repeating: 1, count: 16))
    record.set(ServiceBindingRecord.ipv4Hint, to: [192, 0, 2, 1])
    #expect(record.parameters.map(\.key) == [1, 3, 4, 5, 6, 65_000])
    let expected = try RecordData.encode(
      .https,
      text:
        "1 . alpn=h2 port=443 ipv4hint=192.0.2.1 ech=AAAA ipv6hint=101:101:101:101:101:101:101:101"
        + " key65000=x", origin: .root)
    #expect(record.data == expected)
    record.set(ServiceBindingRecord.ipv4Hint, to: [])
    #expect(record.value(of: ServiceBindingRecord.ipv4Hint) == nil)
  }

  @Test(
    arguments: [
      [], [0], [0, 1], [0, 1, 3, 97], [0, 1, 0, 0], [0, 1, 0, 0, 1, 0, 4, 1],
      [0, 1, 0, 0, 3, 0, 0, 0, 1, 0, 0], [0, 1, 0, 0, 3, 0, 0, 0, 3, 0, 0],
    ] as [[UInt8]])
  func `is not made of bytes that are none`(data: [UInt8]) {
    #expect(ServiceBindingRecord(data: data) == nil)
  }
}
