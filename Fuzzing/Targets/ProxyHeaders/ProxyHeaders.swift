import CFuzzing
import FuzzSupport
import Glibc
import Places
import ProxyProtocol

// The headers of proxies: the decoder against the reference, as a stream and as a datagram. A
// stream must come to the same end however it is cut.

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

private func read(stream bytes: [UInt8]) -> ReferenceHeader {
  do {
    guard let header = try ProxyHeader.decode(stream: bytes.span.bytes) else { return .incomplete }
    return described(header)
  } catch {
    return .refused
  }
}

private func described(_ header: ProxyHeader) -> ReferenceHeader {
  .header(
    byteCount: header.byteCount,
    ends: header.ends.map { .init(source: end($0.source), destination: end($0.destination)) })
}

private func end(_ socket: SocketAddress) -> ReferenceHeader.End {
  let address =
    switch socket.address {
    case .ipv4(let bits): (0..<4).map { UInt8(truncatingIfNeeded: bits >> (24 - 8 * $0)) }
    case .ipv6(let bits): (0..<16).map { UInt8(truncatingIfNeeded: bits >> (120 - 8 * $0)) }
    }
  return ReferenceHeader.End(address: address, port: Int(socket.port))
}
