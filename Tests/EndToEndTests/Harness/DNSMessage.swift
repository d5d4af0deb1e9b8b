/// The record types that the tests speak of.
enum RecordType {
  static let a: UInt16 = 1
  static let ns: UInt16 = 2
  static let cname: UInt16 = 5
  static let soa: UInt16 = 6
  static let txt: UInt16 = 16
  static let aaaa: UInt16 = 28
  static let opt: UInt16 = 41
}

/// A question as it goes over the wire, built without the code under test.
struct DNSQuestion {
  var name: String
  var type = RecordType.a
  var id: UInt16 = 1
  /// An IPv4 address and how many bits of it are told (RFC 7871).
  var subnet: (address: String, bits: UInt8)?
  var usesEDNS = true
  /// Of EDNS (RFC 6891 §6.1.4): DO is the highest.
  var flags: UInt16 = 0
  /// Further options of EDNS, as they go over the wire.
  var options: [UInt8] = []
  var payloadBytes: UInt16 = 1232
  /// Behind the client subnet, in wire form.
  var moreOptions: [UInt8] = []

  init(
    _ name: String, type: UInt16 = RecordType.a, id: UInt16 = 1, subnet: String? = nil,
    bits: UInt8 = 32
  ) {
    self.name = name
    self.id = id
    self.type = type
    self.subnet = subnet.map { ($0, bits) }
  }

  var bytes: [UInt8] {
    var bytes = id.wire + [0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, usesEDNS ? 1 : 0]
    for label in name.split(separator: ".") {
      bytes.append(UInt8(label.utf8.count))
      bytes += label.utf8
    }
    bytes += [0] + type.wire + [0, 1]
    guard usesEDNS else { return bytes }
    var option = options
    if let subnet {
      let octets = subnet.address.split(separator: ".").compactMap { UInt8($0) }
      let kept = octets.prefix((Int(subnet.bits) + 7) / 8)
      option += [0, 8] + UInt16(4 + kept.count).wire + [0, 1, subnet.bits, 0] + kept
    }
    option += moreOptions
    bytes += [0] + RecordType.opt.wire + payloadBytes.wire + [0, 0] + flags.wire
    return bytes + UInt16(option.count).wire + option
  }
}

/// An answer, read without the code under test.
struct DNSReply {
  struct Record {
    var type: UInt16
    var ttlSeconds: UInt32
    var data: [UInt8]
  }

  var id: UInt16
  var flags: UInt16
  /// The question's name as it stands there, case and all.
  var name: String
  var answers: [Record]
  var authority: [Record]
  /// The options of EDNS, by code.
  var options: [UInt16: [UInt8]] = [:]

  /// The SCOPE PREFIX-LENGTH of the client subnet that was echoed.
  var scope: UInt8? {
    options[8].flatMap { $0.count >= 4 ? $0[3] : nil }
  }

  var isResponse: Bool { flags & 0x8000 != 0 }
  var isAuthoritative: Bool { flags & 0x0400 != 0 }
  var isTruncated: Bool { flags & 0x0200 != 0 }
  /// AD (RFC 4035 §3.2.3).
  var isAuthentic: Bool { flags & 0x0020 != 0 }
  var code: UInt16 { flags & 0xF }

  /// IPv4 addresses in the answer.
  var addresses: [String] {
    answers.filter { $0.type == RecordType.a }
      .map { $0.data.map(String.init).joined(separator: ".") }
  }

  struct Malformed: Error {}

  init(_ bytes: [UInt8]) throws {
    var reader = Reader(bytes: bytes)
    id = try reader.number()
    flags = try reader.number()
    let questions = try reader.number()
    let counts = try (0..<3).map { _ in try Int(reader.number()) }
    name = ""
    for _ in 0..<questions {
      name = try reader.name()
      _ = try reader.take(4)
    }
    answers = try (0..<counts[0]).map { _ in try reader.record() }
    authority = try (0..<counts[1]).map { _ in try reader.record() }
    let additional = try (0..<counts[2]).map { _ in try reader.record() }
    for record in additional where record.type == RecordType.opt {
      var reader = Reader(bytes: record.data)
      while reader.position < record.data.count {
        let code = try reader.number()
        options[code] = try reader.take(Int(reader.number()))
      }
    }
    guard reader.position == bytes.count else { throw Malformed() }
  }

  private struct Reader {
    let bytes: [UInt8]
    var position = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    mutating func take(_ count: Int) throws -> [UInt8] {
      guard position + count <= bytes.count else { throw Malformed() }
      defer { position += count }
      return Array(bytes[position..<position + count])
    }

    mutating func number() throws -> UInt16 {
      try take(2).reduce(0) { $0 << 8 | UInt16($1) }
    }

    /// A pointer ends a name; the tests have no use for what it points at.
    mutating func name() throws -> String {
      var labels: [String] = []
      while true {
        let length = try take(1)[0]
        if length & 0xC0 == 0xC0 {
          _ = try take(1)
          break
        }
        if length == 0 { break }
        labels.append(String(decoding: try take(Int(length)), as: UTF8.self))
      }
      return labels.joined(separator: ".")
    }

    mutating func record() throws -> Record {
      _ = try name()
      let type = try number()
      _ = try take(2)
      let ttlSeconds = try take(4).reduce(0) { $0 << 8 | UInt32($1) }
      return Record(type: type, ttlSeconds: ttlSeconds, data: try take(Int(number())))
    }
  }
}

extension UInt16 {
  /// In network order.
  var wire: [UInt8] { [UInt8(self >> 8), UInt8(truncatingIfNeeded: self)] }
}

/// Asks one server over UDP, one question at a time.
final class DNSClient {
  private let socket: Socket
  private var id: UInt16 = 0

  init(port: Int, from source: String? = nil, timeoutMilliseconds: Int = 2000) throws {
    socket = try Socket.udp(
      to: "127.0.0.1", port: port, from: source, timeoutMilliseconds: timeoutMilliseconds)
  }

  /// By a connected socket.
  init(_ socket: Socket) { self.socket = socket }

  /// - Throws: a ``SystemError`` that ``SystemError/isTimeout`` where no answer comes.
  func ask(_ question: DNSQuestion) throws -> DNSReply {
    id &+= 1
    var question = question
    question.id = id
    try socket.send(question.bytes)
    while true {
      let reply = try DNSReply(socket.receive())
      if reply.id == id { return reply }
    }
  }
}
