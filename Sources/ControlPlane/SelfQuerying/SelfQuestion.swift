package import DNSWire
import Transferring

/// One question of a node to its own DNS, and what an answer to it is worth.
///
/// The name must exist: an answer that says so, from a server that is its authority, shows that the
/// node has its zone. With a cookie that the server knows (RFC 7873 §5.2.5) a flood that bears the
/// node's own address cannot use up the node's rate.
package struct SelfQuestion: Sendable {
  /// Of a client's half (RFC 7873 §4.1).
  package static let clientCookieBytes = 8
  /// Both halves: 8 and 8 to 32 (§4.2).
  private static let cookieSizes = 16...40
  private static let cookieCode: UInt16 = 10

  package var id: UInt16
  package var name: DomainName
  package var type: RecordType
  /// The client's half, and the server's if it is known.
  package var cookie: [UInt8]

  package init(id: UInt16, name: DomainName, type: RecordType, cookie: [UInt8]) {
    self.id = id
    self.name = name
    self.type = type
    self.cookie = cookie
  }

  /// What an answer says.
  package struct Reading: Sendable, Equatable {
    /// Why it is not right; nil: it is.
    package var fault: String?
    /// For the next question; empty: the server has given none.
    package var cookie: [UInt8]
    /// The same question is to be asked again with the cookie.
    package var wantsCookie: Bool
    /// Somebody has said it; false: there was silence, and ``fault`` tells of it.
    package var isAnswer = true
  }

  private var question: WireMessage.Question { WireMessage.Question(name: name, type: type) }

  package var bytes: [UInt8] {
    var builder = MessageBuilder(id: id, flags: 0, question: question)
    let length = UInt16(cookie.count)
    let option = [0, UInt8(Self.cookieCode), UInt8(length >> 8), UInt8(length & 0xFF)] + cookie
    builder.append(
      .root, .opt, recordClass: RecordClass(rawValue: 1_232), ttlSeconds: 0, data: option,
      to: .additional)
    return builder.bytes
  }

  /// nil if it is no answer to this question: forged, late or damaged (RFC 5452 §4).
  package func reading(of bytes: [UInt8]) -> Reading? {
    guard let message = try? WireMessage(bytes), message.isResponse, message.id == id,
      message.opcode == .query, message.questions == [question]
    else { return nil }
    let extra = message[.additional].first { $0.type == .opt }
    let given = cookie(in: extra?.data ?? [])
    let code = UInt16(extra.map { $0.ttlSeconds >> 24 } ?? 0) << 4 | UInt16(message.responseCode)
    return Reading(
      fault: fault(of: message, code: code), cookie: given,
      wantsCookie: code == Self.badCookie && !given.isEmpty && given != cookie)
  }

  /// RFC 7873 §8.
  private static let badCookie: UInt16 = 23

  private func fault(of message: WireMessage, code: UInt16) -> String? {
    if code != 0 { return "answered with code \(code)" }
    if message.isTruncated { return "answered, but cut short" }
    if !message.isAuthoritative { return "answered without authority" }
    // A CNAME in place of the type is an answer, too.
    guard message[.answer].contains(where: { $0.owner == name && $0.recordClass == .internet })
    else { return "answered that there is no \(type) of \(name)" }
    return nil
  }

  /// The server's cookie of an OPT record's data, behind the half that is ours; empty: none.
  private func cookie(in options: [UInt8]) -> [UInt8] {
    var rest = options[...]
    while rest.count >= 4 {
      let head = Array(rest.prefix(4))
      let code = UInt16(head[0]) << 8 | UInt16(head[1])
      let length = Int(head[2]) << 8 | Int(head[3])
      let data = rest.dropFirst(4).prefix(length)
      guard data.count == length else { return [] }
      let isOurs = data.prefix(Self.clientCookieBytes).elementsEqual(
        cookie.prefix(Self.clientCookieBytes))
      if code == Self.cookieCode, Self.cookieSizes.contains(length), isOurs { return Array(data) }
      rest = rest.dropFirst(4 + length)
    }
    return []
  }
}
