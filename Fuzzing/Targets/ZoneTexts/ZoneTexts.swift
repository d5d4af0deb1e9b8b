import DNSWire
import FuzzSupport
import Glibc
import ZoneFiles
import Zones

// Master files. The first byte chooses: a whole file, which is read, written out in the most
// general form and read again; or the data of one record, which the fast way and the other must
// read alike.

@main enum ZoneTexts {
  static func main() { exit(fuzz(test)) }
}

private let theName = try? DomainName("z.")

private func test(_ input: [UInt8]) -> Bool {
  guard let first = input.first, input.count <= 1_024, let name = theName else { return false }
  let text = Array(input.dropFirst())
  if first & 1 == 0 {
    // One directive may make millions of records.
    guard !hasLongNumber(text) else { return false }
    compareWritten(text, name)
  } else {
    compareWays(text, name, Int(first >> 1))
  }
  return true
}

/// What a reading comes to; nil if anything is wrong.
private func records(_ text: [UInt8], _ name: DomainName) -> [ZoneWalk.Entry]? {
  var reader = ZoneFileReader(ZoneBlockBuilder(name: name, rules: .file)) {
    (path, file) throws(InclusionRefusal) in
    guard path == "zone" || path == "other" else { throw InclusionRefusal("there is none") }
    return ZoneFileText(name: path, bytes: Array("\(file) A 192.0.2.1\n".utf8))
  }
  reader.read(ZoneFileText(name: "zone", bytes: text))
  insist(
    reader.faults.allSatisfy { $0.line > 0 && !$0.message.isEmpty }, "a fault has a place")
  let isGood = reader.faults.isEmpty
  let block = try? reader.finish().build()
  guard isGood, let block else { return nil }
  return Array(block.walk())
}

/// Written out in the form of RFC 3597 §5, every byte of an owner escaped, a zone is the same.
private func compareWritten(_ text: [UInt8], _ name: DomainName) {
  guard let entries = records(text, name) else { return }
  var written: [UInt8] = []
  for entry in entries {
    guard case .record(let type, let ttl, let data) = entry.content else { continue }
    appendEscaped(entry.owner, to: &written)
    written += " \(ttl) CLASS1 TYPE\(type.rawValue) \\# \(data.count) ".utf8
    for byte in data { written += [digit(byte >> 4), digit(byte & 15)] }
    written.append(0x0A)
  }
  guard let again = records(written, name) else {
    let text = String(decoding: written, as: UTF8.self)
    return insist(false, "what was read is not read again: \(text)")
  }
  insist(entries.count == again.count, "there are as many records again")
  for (first, second) in zip(entries, again) {
    insist(
      first.owner == second.owner && first.content == second.content,
      "\(first) reads otherwise again: \(second)")
  }
}

/// The data of the common types are read straight from the file; `RecordData` must say the same.
private func compareWays(_ text: [UInt8], _ name: DomainName, _ choice: Int) {
  let types: [RecordType] = [.a, .aaaa, .ns, .cname, .ptr, .mx, .txt, .dname]
  let type = types[choice % types.count]
  let separators: Set<UInt8> = [0x0A, 0x0D, 0x28, 0x29, 0x3B, 0x09]
  guard let string = String(validating: text, as: UTF8.self), separators.isDisjoint(with: text),
    !hasQuoteWithin(text)
  else { return }
  var file = Array("@ 60 SOA . . 1 2 3 4 5\n@ 60 NS .\n".utf8)
  file += Array("x 60 \(type) ".utf8) + text + [0x0A]
  let owner: [UInt8] = [1, 0x78, 1, 0x7A, 0]
  let fast = records(file, name)?.first { $0.owner == owner }
  let slow = try? RecordData.encode(type, text: string, origin: name)
  // A delegation and an alias are kept whatever they say; what is refused for it is not the text.
  guard case .record(_, _, let data) = fast?.content else {
    return insist(
      slow == nil || text.isEmpty, "\(type) \(string) is refused, and the data are good")
  }
  insist(slow == Array(data), "\(type) \(string) is read as \(data)")
}

/// Strings side by side are cut apart by the scanner before `RecordData` sees them.
private func hasQuoteWithin(_ text: [UInt8]) -> Bool {
  var isInQuotes = false
  var isEscaped = false
  for (index, byte) in text.enumerated() {
    let isQuote = byte == 0x22 && !isEscaped
    isEscaped = byte == 0x5C && !isEscaped
    guard isQuote else { continue }
    isInQuotes.toggle()
    let neighbour = isInQuotes ? index - 1 : index + 1
    if text.indices.contains(neighbour), text[neighbour] != 0x20 { return true }
  }
  return false
}

private func hasLongNumber(_ text: [UInt8]) -> Bool {
  guard text.contains(0x24) else { return false }
  return text.split { !(48...57).contains($0) }.contains { (3...10).contains($0.count) }
}

private func appendEscaped(_ wire: [UInt8], to text: inout [UInt8]) {
  var rest = wire[...]
  if wire == [0] { text.append(0x2E) }
  while let length = rest.popFirst(), length > 0 {
    for byte in rest.prefix(Int(length)) {
      text += [0x5C, 48 + byte / 100, 48 + byte / 10 % 10, 48 + byte % 10]
    }
    rest = rest.dropFirst(Int(length))
    text.append(0x2E)
  }
}

private func digit(_ value: UInt8) -> UInt8 { value < 10 ? 48 + value : 87 + value }
