/// A ClientHello read slowly and plainly: first the records are joined, then every list is cut out.
enum ReferenceHello: Equatable {
  case needsMore, notTLS, tooLong, malformed
  case hello(name: [UInt8]?, protocols: [UInt8]?, isEncrypted: Bool, end: Int)

  static func read(_ stream: [UInt8]) -> ReferenceHello {
    var (message, rest) = ([UInt8](), stream[...])
    while true {
      if let count = messageByteCount(message) {
        if count > 16_384 { return .tooLong }
        if message.count >= count { return read(message, count, stream) }
      }
      let broken: ReferenceHello = message.isEmpty ? .notTLS : .malformed
      guard let type = rest.first else { return .needsMore }
      guard type == 22 else { return broken }
      guard let major = rest.dropFirst().first else { return .needsMore }
      guard major == 3 else { return broken }
      guard rest.count >= 5 else { return .needsMore }
      let at = rest.startIndex
      let count = Int(rest[at + 3]) << 8 | Int(rest[at + 4])
      guard count > 0, count <= 16_384 else { return .malformed }
      message += rest.dropFirst(5).prefix(count)
      if let first = message.first, first != 1 { return .malformed }
      let isWhole = rest.count >= 5 + count
      rest = rest.dropFirst(5 + count)
      if !isWhole {
        guard let wanted = messageByteCount(message) else { return .needsMore }
        if wanted > 16_384 { return .tooLong }
        return message.count >= wanted ? read(message, wanted, stream) : .needsMore
      }
    }
  }

  /// With its type and length.
  private static func messageByteCount(_ message: [UInt8]) -> Int? {
    guard message.count >= 4 else { return nil }
    return 4 + Int(message[1]) << 16 + Int(message[2]) << 8 + Int(message[3])
  }

  private static func read(_ message: [UInt8], _ count: Int, _ stream: [UInt8]) -> ReferenceHello {
    guard let parts = Parts(Array(message[4..<count])) else { return .malformed }
    return .hello(
      name: parts.name, protocols: parts.protocols, isEncrypted: parts.isEncrypted,
      end: end(count, stream))
  }

  /// Where so many octets of the message end.
  private static func end(_ count: Int, _ stream: [UInt8]) -> Int {
    var (left, at) = (count, 0)
    while true {
      let size = Int(stream[at + 3]) << 8 | Int(stream[at + 4])
      if size >= left { return at + 5 + left }
      left -= size
      at += 5 + size
    }
  }
}

private struct Parts {
  var name: [UInt8]?
  var protocols: [UInt8]?
  var isEncrypted = false

  init?(_ body: [UInt8]) {
    guard body.count >= 34, body[0] == 3 else { return nil }
    var rest = body[34...]
    guard let session = cut(&rest, 1), session.count <= 32 else { return nil }
    guard let ciphers = cut(&rest, 2), ciphers.count >= 2, ciphers.count % 2 == 0 else {
      return nil
    }
    guard let compressions = cut(&rest, 1), !compressions.isEmpty else { return nil }
    if rest.isEmpty { return }
    guard var extensions = cut(&rest, 2), rest.isEmpty else { return nil }
    var seen = Set<Int>()
    while !extensions.isEmpty {
      guard extensions.count >= 2 else { return nil }
      let type = Int(extensions.removeFirst()) << 8 | Int(extensions.removeFirst())
      guard let data = cut(&extensions, 2) else { return nil }
      guard [0, 16, 0xFE0D].contains(type) else { continue }
      guard seen.insert(type).inserted else { return nil }
      if type == 0xFE0D { isEncrypted = true }
      if type == 0, !readNames(data) { return nil }
      if type == 16, !readProtocols(data) { return nil }
    }
  }

  private mutating func readNames(_ data: ArraySlice<UInt8>) -> Bool {
    var data = data
    guard var list = cut(&data, 2), data.isEmpty, !list.isEmpty else { return false }
    var hasHost = false
    while !list.isEmpty {
      let type = list.removeFirst()
      guard let text = cut(&list, 2), !text.isEmpty else { return false }
      guard type == 0 else { continue }
      guard !hasHost, readHost(text) else {
        return false
      }
      hasHost = true
    }
    return true
  }

  private mutating func readHost(_ octets: ArraySlice<UInt8>) -> Bool {
    guard octets.allSatisfy({ $0 < 0x80 }) else { return false }
    var text = String(decoding: octets, as: UTF8.self).lowercased()
    guard text.utf8.allSatisfy({ "abcdefghijklmnopqrstuvwxyz0123456789-_.:[]%".utf8.contains($0) })
    else { return false }
    if text.hasSuffix(".") { text.removeLast() }
    guard (1...253).contains(text.utf8.count) else { return false }
    let labels = text.split(separator: ".", omittingEmptySubsequences: false)
    guard labels.allSatisfy({ $0.utf8.count <= 63 }) else { return false }
    if text.contains(where: { ":[]%".contains($0) }) { return true }
    guard labels.allSatisfy({ !$0.isEmpty }) else { return false }
    let isAddress = labels.last.map { $0.utf8.allSatisfy { (48...57).contains($0) } } ?? false
    if !isAddress { name = Array(text.utf8) }
    return true
  }

  private mutating func readProtocols(_ data: ArraySlice<UInt8>) -> Bool {
    var (data, kept) = (data, [UInt8]())
    guard var list = cut(&data, 2), data.isEmpty, list.count >= 2 else { return false }
    while !list.isEmpty {
      guard let text = cut(&list, 1), !text.isEmpty else { return false }
      if kept.count + 1 + text.count <= 256 { kept += [UInt8(text.count)] + text }
    }
    protocols = kept
    return true
  }
}

/// Cuts a length and so many octets off.
private func cut(_ rest: inout ArraySlice<UInt8>, _ lengthByteCount: Int) -> ArraySlice<UInt8>? {
  guard rest.count >= lengthByteCount else { return nil }
  let count = rest.prefix(lengthByteCount).reduce(0) { $0 << 8 | Int($1) }
  guard rest.count >= lengthByteCount + count else { return nil }
  let end = rest.startIndex + lengthByteCount + count
  defer { rest = rest[end...] }
  return rest[(rest.startIndex + lengthByteCount)..<end]
}
