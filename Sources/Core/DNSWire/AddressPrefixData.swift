extension RecordData {
  /// APL (RFC 3123 §5): `[!]family:address/prefix`, any number.
  static func addressPrefixData(_ fields: inout FieldReader) throws(RecordDataFault) -> [UInt8] {
    var data: [UInt8] = []
    while !fields.isAtEnd {
      let text = try fields.text("prefix")
      let isNegated = text.hasPrefix("!")
      let parts = text.drop { $0 == "!" }.split(separator: ":", maxSplits: 1)
      let halves = parts.count == 2 ? parts[1].split(separator: "/") : []
      guard halves.count == 2, let isIPv6 = ["1": false, "2": true][parts[0]],
        let address = isIPv6 ? ipv6Bytes(halves[0]) : ipv4Bytes(halves[0]),
        let prefixBits = UInt8(halves[1]), Int(prefixBits) <= address.count * 8
      else {
        throw RecordDataFault("“\(text)” of APL is not such as 1:192.0.2.0/24 or !2:2001:db8::/32")
      }
      // RFC 3123 §4: without the zeros at the end.
      let count = (address.lastIndex { $0 != 0 } ?? -1) + 1
      data += [0, isIPv6 ? 2 : 1, prefixBits, UInt8(count) | (isNegated ? 0x80 : 0)]
      data += address[..<count]
    }
    return data
  }

  static func addressPrefixText(_ data: [UInt8]) -> String? {
    var items: [String] = []
    var offset = 0
    while offset < data.count {
      guard offset + 4 <= data.count, data[offset] == 0, 1...2 ~= data[offset + 1] else {
        return nil
      }
      let size = data[offset + 1] == 1 ? 4 : 16
      let count = Int(data[offset + 3] & 0x7F)
      guard count <= size, Int(data[offset + 2]) <= size * 8, offset + 4 + count <= data.count
      else { return nil }
      let bytes = data[(offset + 4)..<(offset + 4 + count)]
      let address = Array(bytes) + Array(repeating: 0, count: size - count)
      let text = size == 4 ? ipv4Text(address) : ipv6Text(address)
      let sign = data[offset + 3] & 0x80 == 0 ? "" : "!"
      items.append("\(sign)\(data[offset + 1]):\(text)/\(data[offset + 2])")
      offset += 4 + count
    }
    return items.joined(separator: " ")
  }
}
