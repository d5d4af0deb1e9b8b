import ServerNames
import Testing

/// Hellos as clients send them, caught by a listener on loopback: `openssl s_client -connect …` of
/// OpenSSL 3.0.19, with the options named.
enum Hellos {
  /// `-tls1_3 -servername WWW.Example.com -alpn h2,http/1.1`
  static let tls13 = octets(
    """
    1603010106010001020303335130679de4e6a3974222e9f0320d402181709281ac7c2864738bdd8d839dae20f7cc
    d4c04d269db79990cd5fe06767c3fc7a13df119f3707cc1e75ffad64e7f1000813021303130100ff010000b10000
    0014001200000f5757572e4578616d706c652e636f6d000b000403000102000a00160014001d0017001e00190018
    01000101010201030104002300000010000e000c02683208687474702f312e310016000000170000000d001e001c
    040305030603080708080809080a080b080408050806040105010601002b0003020304002d000201010033002600
    24001d0020634c0fbfa95d30a3986039988d77ef7156e3a0bbcf7fdc35012ede8b19a87024
    """)
  /// `-tls1_3 -noservername`
  static let tls13Nameless = octets(
    """
    16030100dc010000d80303c8439b798852e5eac4db3c8e62a17cfedeeeaff438453e80d7b98f8d90649aba2032cd
    6ec0b036b7dcde233f430b42119f2959e8c1f7c712498fd382688f697d65000813021303130100ff01000087000b
    000403000102000a00160014001d0017001e0019001801000101010201030104002300000016000000170000000d
    001e001c040305030603080708080809080a080b080408050806040105010601002b0003020304002d0002010100
    3300260024001d00207e6f88d7cc64e4b3e1995f9ef431978cd8f47a27da3c22bc30149623ab5c0606
    """)
  /// `-tls1_2 -servername www.example.com`
  static let tls12 = octets(
    """
    16030100cf010000cb0303f4be93634ecd7d4c9cb1feb972478163ba1d16304607e6967a5c3b30ea77beb6000038
    c02cc030009fcca9cca8ccaac02bc02f009ec024c028006bc023c0270067c00ac0140039c009c0130033009d009c
    003d003c0035002f00ff0100006a00000014001200000f7777772e6578616d706c652e636f6d000b000403000102
    000a000c000a001d0017001e00190018002300000016000000170000000d002a0028040305030603080708080809
    080a080b080408050806040105010601030303010302040205020602
    """)
  /// `-tls1_2 -noservername -cipher ECDHE-RSA-AES128-GCM-SHA256`
  static let tls12Nameless = octets(
    """
    16030100830100007f0303c9d45d097c480e77c60a31f8bbed6862cd68a725400728ad8ca4ea7cc6cec70a000004
    c02f00ff01000052000b000403000102000a000c000a001d0017001e00190018002300000016000000170000000d
    002a0028040305030603080708080809080a080b080408050806040105010601030303010302040205020602
    """)

  private static func octets(_ text: String) -> [UInt8] {
    let digits = text.compactMap(\.hexDigitValue)
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
  }
}

/// A verdict with the names themselves in place of where they stand.
enum Seen: Equatable {
  case needsMore, notTLS, tooLong
  case malformed(Int)
  case hello(name: String?, protocols: [String]?, isEncrypted: Bool, end: Int)

  init(_ verdict: HelloVerdict, _ names: [UInt8]) {
    switch verdict {
    case .needsMore: self = .needsMore
    case .notTLS: self = .notTLS
    case .tooLong: self = .tooLong
    case .malformed(let offset): self = .malformed(offset)
    case .hello(let hello):
      self = .hello(
        name: hello.serverName.map { String(decoding: names[$0], as: UTF8.self) },
        protocols: hello.protocols.map { Self.split(names[$0]) },
        isEncrypted: hello.hasEncryptedHello, end: hello.end)
    }
  }

  private static func split(_ octets: ArraySlice<UInt8>) -> [String] {
    var (rest, names) = (octets, [String]())
    while let count = rest.first {
      names.append(String(decoding: rest.dropFirst().prefix(Int(count)), as: UTF8.self))
      rest = rest.dropFirst(1 + Int(count))
    }
    return names
  }

  /// The stream in segments that end at these places; every verdict but the last must be that more
  /// is needed.
  static func reading(_ stream: [UInt8], cutAt places: [Int] = []) -> Seen {
    var reader = ClientHelloReader()
    var names = [UInt8](repeating: 0xAA, count: ClientHello.namesByteCount)
    for place in places + [stream.count] {
      let part = Array(stream[..<place])
      var span = names.mutableSpan
      var buffer = span.mutableBytes
      let verdict = reader.read(part.span.bytes, names: &buffer)
      if verdict != .needsMore { return Seen(verdict, names) }
    }
    return .needsMore
  }
}
