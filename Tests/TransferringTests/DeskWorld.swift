import DNSWire
import Places
import Synchronization

@testable import Transferring

/// A desk with one zone.
struct DeskWorld: Sendable {
  static let now = 1_700_000_000.0
  static let peer = SocketAddress(address: .ipv4(0xC000_0201), port: 4711)
  static let stranger = SocketAddress(address: .ipv4(0xC633_6401), port: 4711)

  /// The NOTIFYs that were heeded.
  private final class Heeded: Sendable {
    let names = Mutex<[DomainName]>([])
  }

  let desk: TransferDesk
  private let served: ServedZone
  private let heeded = Heeded()

  static var rules: TransferRules {
    TransferRules(
      keys: [key],
      zones: [
        zone: TransferRules.Zone(
          allow: [.prefix(AddressPrefix(ipv4: 0xC000_0201, length: 32)), .key(key.name)],
          primaries: [peer],
          primaryKey: key.name)
      ])
  }

  /// - Parameter items: of the zone beside its SOA.
  init(
    _ items: [ServedZone.Item] = [], serial: UInt32 = 5, isLoaded: Bool = true,
    rules: TransferRules = rules
  ) throws {
    desk = TransferDesk(
      rules, now: { Self.now },
      notified: { [heeded] name, _ in heeded.names.withLock { $0.append(name) } })
    served = ServedZone(
      name: zone, authority: isLoaded ? try authority(serial) : nil,
      walk: {
        var rest = items[...]
        return { rest.popFirst() }
      })
  }

  var notified: [DomainName] { heeded.names.withLock { $0 } }

  func answers(
    to bytes: [UInt8], from source: SocketAddress = peer,
    over transport: TransferDesk.Transport = .tcp
  ) -> TransferAnswers? {
    let served = served
    return desk.answers(
      to: bytes, from: source, over: transport,
      serving: TransferDesk.Serving(
        maximumUDPBytes: 1232, zone: { $0 == zone ? served : nil },
        answer: { query, _ in Self.answer(query) }))
  }

  /// Every name has one address.
  private static func answer(_ query: [UInt8]) -> [UInt8]? {
    guard let message = try? WireMessage(query), let question = message.questions.first else {
      return nil
    }
    var builder = MessageBuilder(id: message.id, flags: 0x8400, question: question)
    if question.type == .a {
      builder.append(question.name, .a, ttlSeconds: 20, data: [203, 0, 113, 1])
    }
    if question.type == .txt {
      for _ in 0..<5 {
        let text = [200] + Array(repeating: UInt8(97), count: 200)
        builder.append(question.name, .txt, ttlSeconds: 20, data: text)
      }
    }
    builder.appendOPT(answering: message)
    return builder.bytes
  }

  /// All messages that answer a request, read.
  func replies(
    to bytes: [UInt8], from source: SocketAddress = peer,
    over transport: TransferDesk.Transport = .tcp
  ) throws -> [WireMessage] {
    let answers = answers(to: bytes, from: source, over: transport)
    var replies: [WireMessage] = []
    while let bytes = answers?.next() { replies.append(try WireMessage(bytes)) }
    return replies
  }
}

/// A request of a secondary.
func request(
  _ type: RecordType, of name: DomainName = zone, serial: UInt32? = nil, flags: UInt16 = 0
) throws -> [UInt8] {
  var builder = MessageBuilder(
    id: 99, flags: flags, question: WireMessage.Question(name: name, type: type))
  if let serial {
    let authority = try authority(serial)
    builder.append(
      zone, .soa, ttlSeconds: authority.ttlSeconds, data: authority.data, to: .authority)
  }
  return builder.bytes
}
