import DNSWire
import TestSupport
import Testing
import Transferring

@Suite struct `Messages` {
  @Test func `RFC 1035 §4.1.4: what is written compressed is read written out`() throws {
    let records = [
      address("example.org."), address("www.example.org."), address("www.example.org.", 2),
      address("WWW.example.org.", 3), address("other.test."), address("aexample.org."),
      ZoneRecord(
        owner: name("example.org."), ttlSeconds: 60, type: .mx,
        data: [0, 10] + name("mail.example.org.").wire),
    ]
    let bytes = Reply(id: 7, type: .axfr, records: records).bytes
    let message = try WireMessage(bytes)
    #expect(message.id == 7 && message.isResponse && message.isAuthoritative)
    #expect(message.questions == [WireMessage.Question(name: zone, type: .axfr)])
    #expect(message[.answer].map(\.owner.wire) == records.map(\.owner.wire))
    #expect(message[.answer].map(\.data) == records.map(\.data))
    #expect(bytes.count < 200)
  }

  /// Header with one answer, whose bytes are given.
  private func answer(_ record: [UInt8]) -> [UInt8] {
    [0, 1, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 0] + record
  }

  struct Bad: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var record: [UInt8]
    var fault: WireFault
  }

  static let head: [UInt8] = [0, 1, 0, 0, 0, 60]
  static let bad = [
    Bad(testDescription: "a pointer to itself", record: [0xC0, 12, 0, 1], fault: .name),
    Bad(testDescription: "a pointer forward", record: [0xC0, 20, 0, 1], fault: .name),
    Bad(
      testDescription: "a label and a pointer back to it", record: [1, 97, 0xC0, 12, 0, 1],
      fault: .name),
    Bad(testDescription: "an unknown kind of label", record: [0x41, 97, 0], fault: .name),
    Bad(testDescription: "a label beyond the end", record: [63, 97], fault: .overrun),
    Bad(
      testDescription: "data beyond the end", record: [0, 0, 1] + head + [0, 9, 1],
      fault: .overrun),
    Bad(
      testDescription: "an address of three bytes", record: [0, 0, 1] + head + [0, 3, 1, 2, 3],
      fault: .data(.a)),
    Bad(
      testDescription: "a name that ends before its data",
      record: [0, 0, 2] + head + [0, 2, 0, 0], fault: .data(.ns)),
    Bad(
      testDescription: "a name that ends behind its data",
      record: [0, 0, 2] + head + [0, 1, 1, 97, 0], fault: .data(.ns)),
    Bad(
      testDescription: "bytes behind the end", record: [0, 0, 1] + head + [0, 4, 1, 2, 3, 4, 5],
      fault: .trailingBytes),
  ]

  @Test(arguments: bad)
  func `what does not fit is told`(bad: Bad) {
    #expect(throws: bad.fault) { try WireMessage(answer(bad.record)) }
  }

  @Test func `any bytes are read or refused, never more`() throws {
    let seed: UInt64 = 0xB17E
    var generator = SeededGenerator(seed: seed)
    let whole = Reply(
      id: 1, type: .axfr, records: [try authority(1).record, address("www.example.org.")]
    ).bytes
    var readCount = 0
    for _ in 0..<20_000 {
      var bytes = whole
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        bytes[Int.random(in: bytes.indices, using: &generator)] = UInt8(
          truncatingIfNeeded: generator.next())
      }
      bytes = Array(bytes.prefix(Int.random(in: 0...bytes.count * 2, using: &generator)))
      if (try? WireMessage(bytes)) != nil { readCount += 1 }
    }
    #expect(readCount > 0, "seed \(seed)")
  }
}
