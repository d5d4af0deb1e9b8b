/// An answer, taken apart by a strict reader that shares nothing with the code under test.
public struct AnswerReader {
  public struct Record {
    /// 0: answer, 1: authority, 2: additional.
    public var section: Int
    public var owner: [UInt8]
    public var type: Int
    public var recordClass: Int
    public var ttlSeconds: Int
    public var data: [UInt8]
  }

  public let bytes: [UInt8]
  public private(set) var questionCount = 0
  /// Behind the question, or behind the header if there is none.
  public private(set) var questionEnd = 12
  public private(set) var records: [Record] = []

  public var flags: Int { number(at: 2) }
  public var opt: Record? { records.first { $0.type == 41 } }
  /// With the upper bits that OPT has (RFC 6891 §6.1.3).
  public var code: Int { flags & 15 | (opt.map { $0.ttlSeconds >> 20 & 0xFF0 } ?? 0) }

  /// Traps if the answer is not one message to its last byte.
  public init(_ bytes: [UInt8]) {
    self.bytes = bytes
    insist(bytes.count >= 12, "an answer has a header")
    questionCount = number(at: 4)
    insist(questionCount <= 1, "an answer has one question at most")
    if questionCount == 1 {
      var offset = 12
      _ = name(&offset)
      questionEnd = offset + 4
    }
    var offset = questionEnd
    for section in 0..<3 {
      for _ in 0..<number(at: 6 + 2 * section) { records.append(record(section, &offset)) }
    }
    insist(offset == bytes.count, "an answer ends where its last record does")
  }

  /// The options of OPT, in order.
  public func options() -> [(code: Int, data: [UInt8])] {
    guard let data = opt?.data else { return [] }
    var options: [(code: Int, data: [UInt8])] = []
    var offset = 0
    while offset < data.count {
      insist(offset + 4 <= data.count, "an option has a head")
      let code = Int(data[offset]) << 8 | Int(data[offset + 1])
      let end = offset + 4 + Int(data[offset + 2]) << 8 + Int(data[offset + 3])
      insist(end <= data.count, "an option ends within OPT")
      options.append((code, Array(data[(offset + 4)..<end])))
      offset = end
    }
    return options
  }

  private func number(at offset: Int) -> Int {
    insist(offset + 2 <= bytes.count, "an answer does not end within a field")
    return Int(bytes[offset]) << 8 | Int(bytes[offset + 1])
  }

  private func record(_ section: Int, _ offset: inout Int) -> Record {
    let owner = name(&offset)
    let type = number(at: offset)
    let start = offset + 10
    let end = start + number(at: offset + 8)
    insist(end <= bytes.count, "a record's data end within the answer")
    let record = Record(
      section: section, owner: owner, type: type, recordClass: number(at: offset + 2),
      ttlSeconds: number(at: offset + 4) << 16 | number(at: offset + 6),
      data: Array(bytes[start..<end]))
    checkData(record, from: start, to: end)
    offset = end
    return record
  }

  /// Names in data are whole and leave no bytes over.
  private func checkData(_ record: Record, from start: Int, to end: Int) {
    var offset = start
    switch record.type {
    case 1: insist(end - start == 4, "an A record has four bytes")
    case 28: insist(end - start == 16, "an AAAA record has sixteen bytes")
    case 2, 5, 12, 39:
      _ = name(&offset)
      insist(offset == end, "a name fills its record")
    case 6:
      _ = name(&offset)
      _ = name(&offset)
      insist(offset + 20 == end, "SOA ends with five numbers")
    case 15:
      offset += 2
      _ = name(&offset)
      insist(offset == end, "a name fills MX")
    case 16:
      while offset < end { offset += 1 + Int(bytes[offset]) }
      insist(offset == end, "strings fill TXT")
    default: break
    }
  }

  /// The name in lower case, its pointers followed: backwards only (RFC 1035 §4.1.4).
  private func name(_ offset: inout Int) -> [UInt8] {
    var name: [UInt8] = []
    var position = offset
    var end: Int?
    var lowest = offset
    while true {
      insist(position < bytes.count, "a name ends within the answer")
      let length = Int(bytes[position])
      if length >= 0xC0 {
        end = end ?? position + 2
        position = number(at: position) & 0x3FFF
        insist(position >= 12 && position < lowest, "a pointer leads backwards, into no header")
        lowest = position
        continue
      }
      insist(length < 64, "a label has 63 bytes at most")
      insist(position + 1 + length <= bytes.count, "a label ends within the answer")
      name += bytes[position..<(position + 1 + length)]
        .map { (65...90).contains($0) ? $0 | 0x20 : $0 }
      insist(name.count <= 255, "a name has 255 bytes at most")
      position += 1 + length
      if length == 0 { break }
    }
    offset = end ?? position
    return name
  }
}
