import Places
import Settings

/// One request on a new connection and what its response is worth, whatever carries the bytes.
/// What comes behind a decision is not read.
struct HTTPExchange: Sendable {
  let request: String
  private var reader: HTTPResponseReader
  private var judge: HTTPJudge

  init(_ expectation: Settings.Monitor.HTTPExpectation, address: SocketAddress) {
    request = httpRequest(expectation, address: address)
    reader = HTTPResponseReader(isHEAD: expectation.method == "HEAD")
    judge = HTTPJudge(expectation)
  }

  /// - Returns: nil: more must come. To be called no more once it is another.
  mutating func received(_ bytes: some Collection<UInt8>) -> ProbeOutcome? {
    reader.append(bytes)
    do throws(HTTPResponseReader.Malformed) {
      while let part = try reader.next() {
        let found: ProbeOutcome? =
          switch part {
          case .head(let status): judge.head(status: status, values: reader.values)
          case .body(let bytes): judge.body(bytes)
          case .end: judge.end()
          }
        if let found { return found }
      }
    } catch {
      return .failure("not HTTP: \(error)")
    }
    return nil
  }

  /// The connection has ended.
  func closed() -> ProbeOutcome {
    reader.isCompleteWhenClosed() ? judge.end() : judge.closed()
  }
}

/// The request as it goes over the wire. The monitor's headers stand in for ours of the same name.
private func httpRequest(
  _ expectation: Settings.Monitor.HTTPExpectation, address: SocketAddress
) -> String {
  let own = expectation.requestHeaders
  let names = own.map { $0.name.lowercased() }
  var text = "\(expectation.method) \(expectation.path) HTTP/1.1\r\n"
  func add(_ name: String, _ value: @autoclosure () -> String) {
    if !names.contains(name.lowercased()) { text += "\(name): \(value())\r\n" }
  }
  add("Host", expectation.host ?? "\(address)")
  add("User-Agent", "azimuth")
  add("Accept", "*/*")
  add("Connection", "close")
  for header in own { text += "\(header.name): \(header.value)\r\n" }
  if ["POST", "PUT", "PATCH"].contains(expectation.method) { add("Content-Length", "0") }
  return text + "\r\n"
}
