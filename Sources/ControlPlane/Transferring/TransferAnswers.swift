import DNSWire

/// The answers to one message, pulled one after the other; by one thread at a time.
package final class TransferAnswers {
  private enum Source {
    case message([UInt8])
    case zone(ZoneStream)
    case ended
  }

  private var source: Source

  init(one message: [UInt8]) { source = .message(message) }

  init(_ stream: ZoneStream) { source = .zone(stream) }

  /// Whether it is one message with an error.
  var isRefusal: Bool {
    if case .message(let message) = source { message[3] & 0xF != 0 } else { false }
  }

  /// The next message, whole and without its length; nil at the end.
  package func next() -> [UInt8]? {
    switch source {
    case .message(let message):
      source = .ended
      return message
    case .zone(var stream):
      // So that the stream is not copied with every message.
      source = .ended
      guard let message = stream.next() else { return nil }
      source = .zone(stream)
      return message
    case .ended: return nil
    }
  }
}

/// Packs the records of a zone, or of its differences, into messages (RFC 5936 §2.2).
struct ZoneStream {
  /// Names can be compressed up to here (RFC 1035 §4.1.4), and a message takes little memory.
  static let messageByteCount = 16_384

  let message: WireMessage
  let question: WireMessage.Question
  var signer: AnswerSigner?
  /// Held until the last message was made, or nobody wants any more of them.
  let slot: TransferSlots.Slot
  /// The records in their order, both SOAs included.
  let items: ServedZone.Stream
  /// What everybody would be told of a name and a type: for steered names.
  let answer: @Sendable (WireMessage.Question) -> [ZoneRecord]
  let now: @Sendable () -> UInt64
  private var waiting: [ZoneRecord] = []
  private var hasEnded = false
  private var isFirst = true

  init(
    message: WireMessage, question: WireMessage.Question, signer: AnswerSigner?,
    slot: TransferSlots.Slot, items: @escaping ServedZone.Stream,
    answer: @escaping @Sendable (WireMessage.Question) -> [ZoneRecord],
    now: @escaping @Sendable () -> UInt64
  ) {
    self.message = message
    self.question = question
    self.signer = signer
    self.slot = slot
    self.items = items
    self.answer = answer
    self.now = now
  }

  mutating func next() -> [UInt8]? {
    guard !hasEnded else { return nil }
    var builder = MessageBuilder(
      id: message.id, flags: message.answerFlags(.noError, isAuthoritative: true),
      question: question)
    let limit =
      WireMessage.maximumByteCount - (signer?.byteCount ?? 0)
      - WireMessage.optByteCount
    while builder.bytes.count < Self.messageByteCount {
      guard let record = nextRecord() else {
        hasEnded = true
        break
      }
      let byteCount = record.owner.wire.count + 10 + record.data.count
      if builder.count(of: .answer) > 0, builder.bytes.count + byteCount > limit {
        waiting.insert(record, at: 0)
        break
      }
      builder.append(
        record.owner, record.type, ttlSeconds: record.ttlSeconds, data: record.data)
    }
    guard builder.count(of: .answer) > 0 else { return nil }
    if isFirst { builder.appendOPT(answering: message) }
    isFirst = false
    guard var signer else { return builder.bytes }
    let signed = signer.signed(builder.bytes, now: now())
    self.signer = signer
    return signed
  }

  private mutating func nextRecord() -> ZoneRecord? {
    while waiting.isEmpty {
      switch items() {
      case nil: return nil
      case .record(let record): return record
      case .steered(let owner, let types):
        for type in types {
          waiting += answer(WireMessage.Question(name: owner, type: type)).filter {
            $0.owner == owner && $0.type == type
          }
        }
      }
    }
    return waiting.removeFirst()
  }
}

extension WireMessage {
  /// Of an OPT record without options.
  static let optByteCount = 11

  /// The OPT record, if there is one.
  var opt: Record? { self[.additional].first { $0.type == .opt } }
}

extension MessageBuilder {
  /// Whoever sends OPT is answered with OPT (RFC 6891 §6.1.1).
  mutating func appendOPT(answering message: WireMessage) {
    guard message.opt != nil else { return }
    append(
      .root, .opt, recordClass: RecordClass(rawValue: 1232), ttlSeconds: 0, data: [],
      to: .additional)
  }
}
