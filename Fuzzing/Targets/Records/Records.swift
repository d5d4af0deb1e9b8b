import DNSWire
import FuzzSupport
import Glibc

// Names and record data as people write them: text in; nothing traps, what is taken is right in
// wire form, and comes back from the text that is made of it. Or bytes in, as other servers send
// them.

private let theOrigin = try? DomainName("example.org.")

@main enum Records {
  static func main() { exit(fuzz(test)) }
}

private func test(_ input: [UInt8]) -> Bool {
  guard let origin = theOrigin, input.count >= 2, input.count <= 2_048 else { return false }
  let type = RecordType(rawValue: UInt16(input[0]) | (input[1] & 0x80 != 0 ? 256 : 0))
  if input[1] & 0x40 != 0 {
    check(type, data: Array(input[2...]), origin)
    return true
  }
  let text = String(decoding: input[2...], as: UTF8.self)
  if let name = try? DomainName(text, origin: origin) {
    insist(DomainName(wire: name.wire) == name, "a name is one in wire form")
    insist(name.wire.count <= 255, "a name has 255 bytes at most")
    insist((try? DomainName(name.description)) == name, "a name comes back from its text")
  }
  guard let data = try? RecordData.encode(type, text: text, origin: origin) else { return true }
  insist(data.count <= RecordData.maximumByteCount, "data have 65535 bytes at most")
  insist(RecordData.isWellFormed(type, data), "what is taken is well-formed: \(data)")
  check(type, data: data, origin)
  return true
}

private func check(_ type: RecordType, data: [UInt8], _ origin: DomainName) {
  let generic = "\\# \(data.count) " + data.map(hexadecimal).joined()
  let isWellFormed = RecordData.isWellFormed(type, data)
  let taken = try? RecordData.encode(type, text: generic, origin: origin)
  insist(taken == data || !isWellFormed, "data in the generic form are the same (RFC 3597 §5)")
  let text = RecordData.text(type, data)
  guard isWellFormed else { return }
  let again = try? RecordData.encode(type, text: text, origin: origin)
  insist(again == data, "\(type) \(text) comes back as \(again ?? []) and not \(data)")
}

private func hexadecimal(_ byte: UInt8) -> String {
  String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
}
