import DNSWire
import FuzzSupport
import Glibc

// Names and record data as people write them: text in; nothing traps, and what is taken is right in
// wire form.

private let origin = try? DomainName("example.org.")

@main enum Records {
  static func main() { exit(fuzz(test)) }
}

private func test(_ input: [UInt8]) -> Bool {
  guard let origin, input.count >= 2, input.count <= 2_048 else { return false }
  let type = RecordType(rawValue: UInt16(input[0]) | (input[1] & 0x80 != 0 ? 256 : 0))
  let text = String(decoding: input[2...], as: UTF8.self)
  if let name = try? DomainName(text, origin: origin) {
    insist(DomainName(wire: name.wire) == name, "a name is one in wire form")
    insist(name.wire.count <= 255, "a name has 255 bytes at most")
  }
  guard let data = try? RecordData.encode(type, text: text, origin: origin) else { return true }
  insist(data.count <= RecordData.maximumByteCount, "data have 65535 bytes at most")
  let generic = "\\# \(data.count) " + data.map(hexadecimal).joined()
  insist(
    (try? RecordData.encode(type, text: generic, origin: origin)) == data,
    "data in the generic form are the same (RFC 3597)")
  return true
}

private func hexadecimal(_ byte: UInt8) -> String {
  String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
}
