import Glibc

/// A proxy's header, read slowly and plainly from HAProxy's specification: what the real decoder
/// must say, too.
enum ReferenceHeader: Equatable {
  case incomplete, refused
  case header(byteCount: Int, ends: Ends?)

  struct End: Equatable {
    /// Four or sixteen.
    var address: [UInt8]
    var port: Int
  }
  struct Ends: Equatable {
    var source: End
    var destination: End
  }

  static func read(_ bytes: [UInt8]) -> ReferenceHeader {
    bytes.first == UInt8(ascii: "P") ? readText(bytes) : readBinary(bytes)
  }

  /// §2.2.
  static func readBinary(_ bytes: [UInt8]) -> ReferenceHeader {
    let signature = Array("\r\n\r\n\0\r\nQUIT\n".utf8)
    guard zip(bytes, signature).allSatisfy(==) else { return .refused }
    guard bytes.count >= 16 else { return .incomplete }
    let (version, command) = (bytes[12] >> 4, bytes[12] & 15)
    let (family, transport) = (bytes[13] >> 4, bytes[13] & 15)
    guard version == 2, command < 2, family < 4, transport < 3 else { return .refused }
    let end = 16 + Int(bytes[14]) << 8 + Int(bytes[15])
    guard end <= 536 else { return .refused }
    guard end <= bytes.count else { return .incomplete }
    let header = Array(bytes[..<end])
    if command == 0 || transport == 0 || family == 0 || family == 3 {
      return .header(byteCount: end, ends: nil)
    }
    let size = family == 1 ? 4 : 16
    guard end >= 20 + 2 * size, areFieldsGood(header, from: 20 + 2 * size) else { return .refused }
    func port(_ offset: Int) -> Int { Int(header[offset]) << 8 | Int(header[offset + 1]) }
    return .header(
      byteCount: end,
      ends: Ends(
        source: End(address: Array(header[16..<(16 + size)]), port: port(16 + 2 * size)),
        destination: End(
          address: Array(header[(16 + size)..<(16 + 2 * size)]), port: port(18 + 2 * size))))
  }

  private static func areFieldsGood(_ header: [UInt8], from start: Int) -> Bool {
    var rest = header[start...]
    while !rest.isEmpty {
      guard rest.count >= 3 else { return false }
      let at = rest.startIndex
      let count = Int(header[at + 1]) << 8 | Int(header[at + 2])
      guard rest.count >= 3 + count else { return false }
      if header[at] == 3 {
        guard count == 4 else { return false }
        var blank = header
        for index in 0..<4 { blank[at + 3 + index] = 0 }
        let sum = header[(at + 3)..<(at + 7)].reduce(0) { $0 << 8 | UInt32($1) }
        guard sum == checksum(blank) else { return false }
      }
      rest = rest.dropFirst(3 + count)
    }
    return true
  }

  /// CRC-32C by long division, bit after bit: the polynomial and the message reflected.
  private static func checksum(_ bytes: [UInt8]) -> UInt32 {
    var remainder = UInt32.max
    for byte in bytes {
      for bit in 0..<8 {
        let isOdd = (remainder ^ UInt32(byte >> UInt8(bit))) & 1 == 1
        remainder = remainder >> 1 ^ (isOdd ? 0x82F6_3B78 : 0)
      }
    }
    return ~remainder
  }

  /// §2.1.
  private static func readText(_ bytes: [UInt8]) -> ReferenceHeader {
    let start = "PROXY ".utf8
    guard zip(bytes, start).allSatisfy(==) else { return .refused }
    let part = Array(bytes.prefix(107))
    guard let end = part.indices.dropFirst().first(where: { part[$0 - 1] == 13 && part[$0] == 10 })
    else {
      return bytes.count >= 107 ? .refused : .incomplete
    }
    let line = String(decoding: part[6..<max(6, end - 1)], as: UTF8.self)
    let words = line.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
    if words[0] == "UNKNOWN" { return .header(byteCount: end + 1, ends: nil) }
    guard words.count == 5, words[0] == "TCP4" || words[0] == "TCP6" else { return .refused }
    let isIPv6 = words[0] == "TCP6"
    guard let source = readEnd(words[1], words[3], isIPv6),
      let destination = readEnd(words[2], words[4], isIPv6)
    else { return .refused }
    return .header(byteCount: end + 1, ends: Ends(source: source, destination: destination))
  }

  private static func readEnd(_ address: String, _ port: String, _ isIPv6: Bool) -> End? {
    guard !address.utf8.contains(0), !port.isEmpty,
      port.utf8.allSatisfy({ (48...57).contains($0) }),
      port == "0" || port.first != "0", let number = Int(port), number < 65_536
    else { return nil }
    var bytes = [UInt8](repeating: 0, count: isIPv6 ? 16 : 4)
    guard inet_pton(isIPv6 ? AF_INET6 : AF_INET, address, &bytes) == 1 else { return nil }
    return End(address: bytes, port: number)
  }
}
