import CFuzzing
import FuzzSupport
import Glibc
import Places
import ProxyProtocol

// The headers of proxies: the decoder against the reference, as a stream and as a datagram. A
// stream must come to the same end however it is cut. What is read is written again, in both
// versions, and read again.

@main enum ProxyHeaders {
  static func main() { exit(fuzz(test)) }
}

private func test(_ input: [UInt8]) -> Bool {
  guard input.count <= 1_024 else { return false }
  let whole = read(stream: input)
  insist(whole == ReferenceHeader.read(input), "a stream is read as \(whole)")
  let before = allocations_made()
  let header = try? ProxyHeader.decode(datagram: input.span.bytes)
  insist(allocations_made() == before, "datagrams ask for no memory")
  if let header { writeAgain(header, input) }
  let datagram = header.map(described) ?? .refused
  let wanted = ReferenceHeader.readBinary(input)
  insist(datagram == (wanted == .incomplete ? .refused : wanted), "a datagram is \(datagram)")
  for count in input.indices {
    let part = read(stream: Array(input[..<count]))
    if part != .incomplete {
      insist(part == whole, "what \(count) octets decide, more do not change")
      break
    }
  }
  return true
}

private func writeAgain(_ header: ProxyHeader, _ input: [UInt8]) {
  var octets = [UInt8](repeating: 0, count: ProxyHeader.maximumByteCount)
  var span = octets.mutableSpan
  var buffer = span.mutableBytes
  let before = allocations_made()
  let count = ProxyHeaderWriter.writeText(header.ends, into: &buffer)
  let text = allocations_made()
  insist(text == before, "a line asks for no memory")
  insist(
    ReferenceHeader.read(Array(octets[..<count])) == described(header, byteCount: count),
    "a line says the same")
  span = octets.mutableSpan
  buffer = span.mutableBytes
  var writer = ProxyHeaderWriter(header.ends, into: &buffer)
  var place: Range<Int>?
  if let found = header.value(of: .authority, in: input.span.bytes),
    writer.add(.authority, input.span.bytes.extracting(found), into: &buffer)
  {
    place = found
  }
  writer.end(into: &buffer)
  let written = Array(octets[..<writer.byteCount])
  insist(
    ReferenceHeader.readBinary(written) == described(header, byteCount: writer.byteCount),
    "a header says the same")
  guard let again = try? ProxyHeader.decode(stream: written.span.bytes) else {
    return insist(false, "a header is read again")
  }
  let name = again.value(of: .authority, in: written.span.bytes).map { Array(written[$0]) }
  insist(name == place.map { Array(input[$0]) }, "a field says the same")
}

private func described(_ header: ProxyHeader, byteCount: Int) -> ReferenceHeader {
  .header(
    byteCount: byteCount,
    ends: header.ends.map { .init(source: end($0.source), destination: end($0.destination)) })
}

private func read(stream bytes: [UInt8]) -> ReferenceHeader {
  do {
    guard let header = try ProxyHeader.decode(stream: bytes.span.bytes) else { return .incomplete }
    return described(header)
  } catch {
    return .refused
  }
}

private func described(_ header: ProxyHeader) -> ReferenceHeader {
  described(header, byteCount: header.byteCount)
}

private func end(_ socket: SocketAddress) -> ReferenceHeader.End {
  let address =
    switch socket.address {
    case .ipv4(let bits): (0..<4).map { UInt8(truncatingIfNeeded: bits >> (24 - 8 * $0)) }
    case .ipv6(let bits): (0..<16).map { UInt8(truncatingIfNeeded: bits >> (120 - 8 * $0)) }
    }
  return ReferenceHeader.End(address: address, port: Int(socket.port))
}
