import Foundation
import TestSupport

/// Packets that nobody should send: made of the parts that real ones are made of, put together
/// wrongly, then damaged.
struct HostilePackets {
  var generator: SeededGenerator

  init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

  private static let good = [
    DNSQuestion("www.example.org", subnet: "133.11.0.1"),
    DNSQuestion("example.org", type: RecordType.txt), DNSQuestion("docs.example.org"),
    DNSQuestion("nothing.example.org", type: RecordType.aaaa),
    DNSQuestion("a.b.c.geo.example.org", subnet: "200.144.248.41", bits: 24),
  ]

  /// One more.
  mutating func next() -> [UInt8] {
    var bytes = chance(2) ? Self.good.randomElement(using: &generator)?.bytes ?? [] : composed()
    if chance(8) { bytes = proxyHeader() + bytes }
    for _ in 0..<number(0...3) { damage(&bytes) }
    return Array(bytes.prefix(4_096))
  }

  mutating func chance(_ one: Int) -> Bool { number(1...one) == 1 }

  mutating func number(_ range: ClosedRange<Int>) -> Int {
    Int.random(in: range, using: &generator)
  }

  mutating func bytes(_ count: Int) -> [UInt8] {
    (0..<count).map { _ in .random(in: 0...255, using: &generator) }
  }

  /// A header with any flags and counts, a question or two, and records of every kind.
  private mutating func composed() -> [UInt8] {
    let records = (0..<number(0...4)).map { _ in record() }
    let counts = [number(0...2), number(0...1), number(0...1), records.count + number(-1...1)]
    var packet = bytes(2)
    packet += chance(3) ? bytes(2) : [UInt8(number(0...1)), 0]
    packet += counts.flatMap { UInt16(truncatingIfNeeded: chance(20) ? $0 - 1 : $0).wire }
    for _ in 0..<number(1...2) {
      packet += name() + UInt16(number(1...260)).wire + [0, UInt8(number(1...4))]
    }
    return packet + records.flatMap { $0 }
  }

  private mutating func name() -> [UInt8] {
    switch number(0...6) {
    case 0: [0]
    case 1: [0xC0, UInt8(number(0...60))]
    case 2: [UInt8(number(0...255))] + bytes(number(0...70))
    case 3: [3] + Array("www".utf8) + [0xC0, 12]
    case 4: Array(repeating: [1, 0x61], count: number(1...130)).flatMap { $0 } + [0]
    default: [3] + Array("wWw".utf8) + [7] + Array("example".utf8) + [3] + Array("org".utf8) + [0]
    }
  }

  /// OPT with options, something like TSIG, or whatever.
  private mutating func record() -> [UInt8] {
    switch number(0...3) {
    case 0:
      let data = bytes(number(0...80))
      return name() + [0, 250, 0, 255, 0, 0, 0, 0] + UInt16(data.count).wire + data
    case 1:
      let data = bytes(number(0...40))
      return name() + bytes(8) + UInt16(data.count + number(-1...1) & 0xFF).wire + data
    default:
      let options = (0..<number(0...5)).flatMap { _ in option() }
      return [0, 0, 41] + UInt16(number(0...4_096)).wire + [0, UInt8(number(0...1)), 0x80, 0]
        + UInt16(options.count).wire + options
    }
  }

  /// Client subnets, cookies and all others, most of them of a wrong length.
  private mutating func option() -> [UInt8] {
    let data: [UInt8] =
      switch number(0...3) {
      case 0: [0, UInt8(number(0...3)), UInt8(number(0...130)), UInt8(number(0...1))] + bytes(4)
      case 1: bytes([8, 16, 24, 40, 41, 0, 7].randomElement(using: &generator) ?? 8)
      default: bytes(number(0...20))
      }
    let code = chance(2) ? 8 : number(0...20)
    let length = chance(10) ? number(0...300) : data.count
    return UInt16(code).wire + UInt16(length).wire + data
  }

  private mutating func proxyHeader() -> [UInt8] {
    if chance(3) { return Array("PROXY TCP4 192.0.2.1 198.51.100.1 40000 53\r\n".utf8) }
    return Array("\r\n\r\n\0\r\nQUIT\n".utf8) + [0x21, 0x12, 0, 12] + bytes(12)
  }

  /// A proxy's, right or damaged.
  mutating func header() -> [UInt8] {
    var header = proxyHeader()
    if chance(2) { damage(&header) }
    return header
  }

  private mutating func damage(_ bytes: inout [UInt8]) {
    guard !bytes.isEmpty else { return }
    let place = number(0...bytes.count - 1)
    switch number(0...5) {
    case 0: bytes[place] ^= 1 << UInt8(number(0...7))
    case 1: bytes[place] = UInt8(number(0...255))
    case 2: bytes.removeLast(bytes.count - place)
    case 3: bytes.remove(at: place)
    case 4: bytes.insert(contentsOf: bytes.suffix(from: place), at: place)
    default: bytes.insert(0xC0, at: place)
    }
  }
}

extension RunningProcess {
  /// What it has in memory, bytes.
  var residentByteCount: Int {
    let text = (try? String(contentsOfFile: "/proc/\(identifier)/statm", encoding: .utf8)) ?? ""
    let pages = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
    return pages * sysconf(Int32(_SC_PAGESIZE))
  }
}
