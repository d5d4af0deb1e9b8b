import Answering
import Cookies
import Counters
import DNSWire
import Editions
import Places
import RateLimiting
import Routing
import Signing
import Zones

/// What the packets meet: the world of the tests in different moods, and a responder of each for
/// each transport.
struct PacketWorld {
  static let identity = Array("fuzz".utf8)
  /// 2026-01-01.
  static let nowMicroseconds: UInt64 = 1_767_225_600_000_000

  private let moods: [MoodyServer]

  init() throws {
    moods = try Mood.allCases.map { try MoodyServer($0) }
  }

  /// - Returns: what became of the packet, and how often memory was asked for.
  func answer(_ packet: [UInt8], to asker: PacketAsker) -> (Responder.Disposal, [UInt8], UInt) {
    moods[asker.mood.rawValue].answer(packet, to: asker)
  }
}

enum Mood: Int, CaseIterable {
  case healthy, allDown, failingClosed
  /// With nothing that costs an option.
  case plain
  /// Zone transfers and signed messages are somebody else's.
  case handingOver
  /// Answers of 512 bytes at most.
  case small
  /// Answers of 4096 bytes at most.
  case large
  /// Everybody has used up their rate; what is left is cut down.
  case limited
  /// Of another zone, whose services answer CNAMEs, service bindings, and the addresses of names.
  case naming
  /// The zone is signed, and few signatures are kept.
  case signing

  var rules: AnswerRules {
    let secrets = CookieSecrets(active: CookieSecret(low: 1, high: 2))
    guard self != .plain, self != .naming else { return AnswerRules(usesClientSubnet: false) }
    let limits = RateLimits(
      rates: RateLimits.Rates(answers: 1, nameErrors: 1, errors: 1), slip: 1)
    return AnswerRules(
      maximumUDPBytes: maximumUDPBytes, identity: PacketWorld.identity,
      version: Array("fuzz 1".utf8), cookies: secrets,
      rateLimits: self == .limited ? limits : nil,
      signers: self == .signing ? Self.signers() : [:], signatureCount: 16)
  }

  /// With a checksum for a signature: what is looked for is in what surrounds it.
  private static func signers() -> [DomainName: ZoneSigner] {
    guard let zone = try? DomainName("example.org.") else { return [:] }
    let key = SigningKey(algorithm: 13, tag: 1) { message in
      let sum = message.reduce(0) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
      return (0..<SigningKey.signatureByteCount).map {
        UInt8(truncatingIfNeeded: sum >> (UInt64($0) & 7 * 8))
      }
    }
    return [
      zone: ZoneSigner(
        zone: zone, keys: [[1, 1, 3, 13]], keyTTLSeconds: 60, zoneKeys: [key],
        keySigningKeys: [key], validitySeconds: 86_400)
    ]
  }

  var maximumUDPBytes: Int {
    switch self {
    case .small: 512
    case .large: 4_096
    default: 1_232
    }
  }
}

/// Who asks, and how: the first byte of an input.
struct PacketAsker {
  let transport: Responder.Transport
  let mood: Mood
  let source: IPAddress

  init(_ byte: UInt8) {
    transport = [.udp, .tcp, .tls, .udp][Int(byte & 3)]
    mood =
      switch byte & 0xC0 {
      case 0: Mood(rawValue: Int(byte >> 2 & 7)) ?? .healthy
      case 0x40: .naming
      default: .signing
      }
    source = byte & 32 != 0 ? Self.ipv6 : Self.ipv4
  }

  static let ipv4 = IPAddress.ipv4(0x0A01_0203)
  static let ipv6 = IPAddress.ipv6(0x2001_0DB8 << 96 | 1)
}

/// An edition, and who answers from it.
private final class MoodyServer {
  private let edition: Edition
  private let maximumUDPBytes: Int
  private var udp: Responder
  private var tcp: Responder
  private var tls: Responder

  init(_ mood: Mood) throws {
    let isDown = mood == .allDown || mood == .failingClosed
    edition =
      mood == .naming
      ? try NamesWorld.edition()
      : try World.edition(
        health: isDown ? .unhealthy : .healthy,
        onAllDown: mood == .failingClosed ? .failClosed : .failOpen, rules: mood.rules)
    maximumUDPBytes = mood.maximumUDPBytes
    let board = CounterBoard()
    let limiter = RateLimiter(byteCount: 1 << 16, seed: 0x5EED)
    func responder(_ transport: Responder.Transport) -> Responder {
      Responder(
        transport: transport, board: board, shard: board.makeShard(), limiter: limiter,
        handsOverUncommon: mood == .handingOver)
    }
    udp = responder(.udp)
    tcp = responder(.tcp)
    tls = responder(.tls)
    tcp.keepaliveTenths = 100
    tls.keepaliveTenths = 100
    try settle()
  }

  /// Makes every responder know the edition, and in the limited mood everybody use up their rate.
  private func settle() throws {
    let packets = try [query("www.example.org."), query("no.example.org."), query("example.net.")]
    for packet in packets + packets + packets {
      for byte: UInt8 in [0, 1, 2, 32] { _ = answer(packet, to: PacketAsker(byte)) }
    }
  }

  func answer(_ packet: [UInt8], to asker: PacketAsker) -> (Responder.Disposal, [UInt8], UInt) {
    let room = asker.transport == .udp ? maximumUDPBytes : Responder.maximumTCPBytes
    let byteCount = max(packet.count, room) + Responder.slackByteCount
    // As long as it must be and not a byte longer, so that AddressSanitizer sees its end. What
    // stands behind the packet must not matter.
    var buffer = [UInt8](unsafeUninitializedCapacity: byteCount) { bytes, count in
      _ = bytes.update(fromContentsOf: packet)
      bytes[packet.count...].update(repeating: 0xA5)
      count = byteCount
    }
    let before = allocationCount()
    let disposal =
      switch asker.transport {
      case .udp: dispose(&udp, &buffer, packet.count, asker)
      case .tcp: dispose(&tcp, &buffer, packet.count, asker)
      case .tls: dispose(&tls, &buffer, packet.count, asker)
      }
    let allocated = allocationCount() - before
    let count = disposal == .uncommon ? packet.count : disposal.answerByteCount
    return (disposal, Array(buffer[..<count]), allocated)
  }

  private func dispose(
    _ responder: inout Responder, _ buffer: inout [UInt8], _ count: Int, _ asker: PacketAsker
  ) -> Responder.Disposal {
    var span = buffer.mutableSpan
    var bytes = span.mutableBytes
    return responder.answer(
      &bytes, queryByteCount: count, source: asker.source,
      nowMicroseconds: PacketWorld.nowMicroseconds, edition: edition)
  }
}
