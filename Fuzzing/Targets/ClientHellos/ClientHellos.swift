import CFuzzing
import FuzzSupport
import Glibc
import ServerNames

// The front of a TLS stream: the reader against the reference, in one piece and octet by octet. The
// first byte is the size of the records that the rest is put into; 0: it has records already.

@main enum ClientHellos {
  static func main() { exit(fuzz(test)) }
}

private func test(_ input: [UInt8]) -> Bool {
  guard let size = input.first, input.count <= 4_096 else { return false }
  let stream = size == 0 ? Array(input.dropFirst()) : records(input.dropFirst(), of: Int(size))
  let wanted = ReferenceHello.read(stream)
  var names = [UInt8](repeating: 0, count: ClientHello.namesByteCount)
  var span = names.mutableSpan
  var buffer = span.mutableBytes
  var reader = ClientHelloReader()
  let before = allocations_made()
  let verdict = reader.read(stream.span.bytes, names: &buffer)
  insist(allocations_made() == before, "a hello asks for no memory")
  let whole = described(verdict, names)
  insist(whole == wanted, "in one piece it is \(whole), not \(wanted)")
  insist(inPieces(stream) == whole, "in pieces it is another")
  return true
}

private func records(_ message: ArraySlice<UInt8>, of size: Int) -> [UInt8] {
  var (rest, stream) = (message, [UInt8]())
  while !rest.isEmpty {
    let part = rest.prefix(size)
    stream += [22, 3, 1, 0, UInt8(part.count)] + part
    rest = rest.dropFirst(part.count)
  }
  return stream
}

/// Octet by octet, until there is a verdict.
private func inPieces(_ stream: [UInt8]) -> ReferenceHello {
  var names = [UInt8](repeating: 0, count: ClientHello.namesByteCount)
  var reader = ClientHelloReader()
  var verdict = HelloVerdict.needsMore
  for count in 0...stream.count {
    var span = names.mutableSpan
    var buffer = span.mutableBytes
    verdict = reader.read(stream.span.bytes.extracting(0..<count), names: &buffer)
    if verdict != .needsMore { break }
  }
  return described(verdict, names)
}

private func described(_ verdict: HelloVerdict, _ names: [UInt8]) -> ReferenceHello {
  switch verdict {
  case .needsMore: return .needsMore
  case .notTLS: return .notTLS
  case .tooLong: return .tooLong
  case .malformed: return .malformed
  case .hello(let hello):
    return .hello(
      name: hello.serverName.map { Array(names[$0]) },
      protocols: hello.protocols.map { Array(names[$0]) }, isEncrypted: hello.hasEncryptedHello,
      end: hello.end)
  }
}
