import Places

/// A URL as people write it, looked at as far as to its port: what is wrong with it is told when
/// it is read, not when it is first asked.
package struct URLText: Equatable, Sendable {
  package enum Scheme: String, Sendable { case http, https, tcp }

  /// What URLs are used for, and what goes with it.
  package struct Use: Sendable {
    var schemes: [Scheme]
    /// Whether more may follow than the host and the port.
    var hasPath: Bool

    /// What is asked, or told, by HTTP.
    package static let http = Use(schemes: [.http, .https], hasPath: true)
    /// A server whose paths are known.
    package static let server = Use(schemes: [.http, .https], hasPath: false)
    /// Where a number can be had, by HTTP or as the first line on a connection.
    package static let number = Use(schemes: [.http, .https, .tcp], hasPath: true)
  }

  package struct Fault: Error, Equatable, CustomStringConvertible {
    package var description: String
  }

  package let scheme: Scheme
  /// A name or an address, without the brackets of one of IPv6.
  package let host: String
  package let port: UInt16?

  /// The faults show nothing of what stands before an `@` or after the port: it may be secret.
  package init(_ text: String, for use: Use) throws(Fault) {
    guard text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
      throw Fault(description: "a URL has neither spaces nor letters beyond ASCII")
    }
    guard let scheme = use.schemes.first(where: { text.hasPrefix("\($0)://") }) else {
      let schemes = use.schemes.map { "\($0)://" }.joined(separator: " or ")
      throw Fault(description: "it begins with \(schemes)")
    }
    let rest = text.dropFirst("\(scheme)://".count)
    let authority = rest.prefix { !"/?#".contains($0) }
    guard !authority.contains("@") else {
      throw Fault(description: "no user or password may stand in it")
    }
    self.scheme = scheme
    (host, port) = try Self.hostAndPort(authority)
    guard scheme != .tcp || port != nil else {
      throw Fault(description: "a port has to follow the host, as in tcp://10.2.0.1:9100")
    }
    guard use.hasPath && scheme != .tcp || authority.endIndex == rest.endIndex else {
      throw Fault(description: "nothing may follow the host and the port")
    }
  }

  private static func hostAndPort(_ authority: Substring) throws(Fault) -> (String, UInt16?) {
    let isBracketed = authority.hasPrefix("[")
    guard isBracketed || authority.count(where: { $0 == ":" }) < 2 else {
      throw Fault(description: "an address of IPv6 stands in brackets, as in [2001:db8::1]")
    }
    let host = authority.prefix { isBracketed ? $0 != "]" : $0 != ":" }
    var rest = authority[host.endIndex...]
    if isBracketed {
      guard rest.popFirst() != nil, IPAddress(String(host.dropFirst()))?.isIPv6 == true else {
        throw Fault(description: "an address of IPv6 stands in brackets, as in [2001:db8::1]")
      }
    } else {
      try reportUnfit(host)
    }
    let name = String(isBracketed ? host.dropFirst() : host)
    if rest.isEmpty { return (name, nil) }
    guard rest.popFirst() == ":" else {
      throw Fault(description: "only a port may follow the host")
    }
    guard let port = UInt16(rest), port > 0, String(port) == rest else {
      throw Fault(description: "its port is a number from 1 to 65535, not \"\(rest)\"")
    }
    return (name, port)
  }

  private static func reportUnfit(_ host: Substring) throws(Fault) {
    guard !host.isEmpty else { throw Fault(description: "it names no host") }
    let isName = host.utf8.allSatisfy { byte in
      isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
        || "-._".utf8.contains(byte)
    }
    guard isName else { throw Fault(description: "\"\(host)\" is no name of a host") }
    let isNumeric = host.utf8.allSatisfy { isDigit($0) || $0 == UInt8(ascii: ".") }
    guard !isNumeric || IPAddress(String(host)) != nil else {
      throw Fault(description: "\"\(host)\" is no address")
    }
  }
}

extension Value {
  /// The text of a URL. What stands there is not shown where it is wrong: queries may be secret.
  func url(_ wanted: String, for use: URLText.Use) -> String? {
    parsed(wanted, isSecret: true, hint: { URLText.fault(of: $0, for: use) }) { text in
      URLText.fault(of: text, for: use) == nil ? text : nil
    }
  }
}

extension URLText {
  fileprivate static func fault(of text: String, for use: Use) -> String? {
    do {
      _ = try URLText(text, for: use)
      return nil
    } catch {
      return error.description
    }
  }
}
