import DNSWire
import Settings
import Transferring

/// A question of a probe, and what its answers are worth.
struct DNSJudge {
  enum Reading: Equatable {
    case decided(ProbeOutcome)
    /// To be asked over TCP.
    case truncated
  }

  private let id: UInt16
  private let expectation: Settings.Monitor.DNSExpectation

  init(id: UInt16, _ expectation: Settings.Monitor.DNSExpectation) {
    self.id = id
    self.expectation = expectation
  }

  private var question: WireMessage.Question {
    WireMessage.Question(name: expectation.name, type: expectation.type)
  }

  /// With up to 1,232 bytes over UDP (RFC 9715 §3.1).
  var bytes: [UInt8] {
    let flags: UInt16 = expectation.isRecursionDesired ? 0x0100 : 0
    var builder = MessageBuilder(id: id, flags: flags, question: question)
    builder.append(
      .root, .opt, recordClass: RecordClass(rawValue: 1_232), ttlSeconds: 0, data: [],
      to: .additional)
    return builder.bytes
  }

  /// nil if it is no answer to this question: forged, late or damaged (RFC 5452 §4).
  func reading(of bytes: [UInt8]) -> Reading? {
    guard let message = try? WireMessage(bytes), message.isResponse, message.id == id,
      message.opcode == .query
    else { return nil }
    // RFC 1035 §4.1.1: whoever could not read the query may leave the question out.
    let isUnread = message.questions.isEmpty && [1, 4].contains(message.responseCode)
    guard isUnread || message.questions == [question] else { return nil }
    return message.isTruncated ? .truncated : .decided(outcome(message))
  }

  private func outcome(_ message: WireMessage) -> ProbeOutcome {
    guard expectation.responseCodes.contains(where: { $0.rawValue == message.responseCode }) else {
      let wanted = expectation.responseCodes.map(\.mnemonic).joined(separator: ", ")
      return .failure("answered \(mnemonic(message.responseCode)), wanted \(wanted)")
    }
    guard let data = expectation.data, message.responseCode == 0 else { return .success }
    let found = message[.answer].filter {
      $0.recordClass == .internet && $0.type == expectation.type
    }
    if found.contains(where: { $0.data == data }) { return .success }
    // Names in data compare without case (RFC 1035 §2.3.3), as people wrote one of them.
    let wanted = RecordData.text(expectation.type, data)
    let texts = found.map { RecordData.text($0.type, $0.data) }
    if hasNames, texts.contains(where: { $0.lowercased() == wanted.lowercased() }) {
      return .success
    }
    let list = texts.isEmpty ? "nothing" : texts.prefix(4).joined(separator: ", ")
    return .failure("answered \(expectation.type) \(list), wanted \(wanted)")
  }

  private var hasNames: Bool {
    [.cname, .ns, .ptr, .mx, .srv, .soa].contains(expectation.type)
  }

  private func mnemonic(_ code: UInt8) -> String {
    Settings.Monitor.ResponseCode(rawValue: code)?.mnemonic ?? "code \(code)"
  }
}
