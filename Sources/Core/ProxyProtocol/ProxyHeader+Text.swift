import DNSWire
import Places

// Version 1 (§2.1 of the specification): one line, such as
// `PROXY TCP4 192.0.2.1 198.51.100.1 40000 53`, at most 107 octets with its CR and LF.

extension ProxyHeader {
  /// The longest line of version 1, with its CR and LF.
  public static let maximumTextByteCount = 107

  static func decodeText(_ bytes: RawSpan) throws(ProxyHeaderFault) -> ProxyHeader? {
    var word = "PROXY ".utf8.makeIterator()
    for offset in 0..<min(bytes.byteCount, 6) where bytes.byte(at: offset) != word.next() {
      throw .signature
    }
    guard let end = lineEnd(bytes) else {
      if bytes.byteCount >= maximumTextByteCount { throw .tooLong }
      return nil
    }
    let line = (6..<max(end, 6)).map { bytes.byte(at: $0) }
    return ProxyHeader(byteCount: end + 2, ends: try ends(line))
  }

  /// Where CR and LF stand.
  private static func lineEnd(_ bytes: RawSpan) -> Int? {
    let count = min(bytes.byteCount, maximumTextByteCount)
    guard count >= 2 else { return nil }
    return (0..<count - 1).first {
      bytes.byte(at: $0) == 0x0D && bytes.byte(at: $0 + 1) == 0x0A
    }
  }

  /// nil for UNKNOWN, whose rest is skipped.
  private static func ends(_ line: [UInt8]) throws(ProxyHeaderFault) -> Ends? {
    let words = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false).map {
      String(decoding: $0, as: UTF8.self)
    }
    if words.first == "UNKNOWN" { return nil }
    guard words.first == "TCP4" || words.first == "TCP6" else { throw .family }
    guard words.count == 5, let source = end(words[1], words[3]),
      let destination = end(words[2], words[4]),
      source.address.isIPv6 == (words[0] == "TCP6"),
      destination.address.isIPv6 == source.address.isIPv6
    else { throw .addresses }
    return Ends(source: source, destination: destination)
  }

  private static func end(_ address: String, _ port: String) -> SocketAddress? {
    guard let address = IPAddress(address), let number = UInt16(port), "\(number)" == port else {
      return nil
    }
    return SocketAddress(address: address, port: number)
  }
}
