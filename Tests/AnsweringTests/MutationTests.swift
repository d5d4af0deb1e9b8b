import Answering
import Counters
import DNSWire
import Places
import TestSupport
import Testing

/// Damaged packets: nothing traps, no response is answered, no answer is longer than allowed, and
/// what is answered can be read.
@Suite struct MutationTests {

  private static let bases: @Sendable () throws -> [[UInt8]] = {
    try [
      query("www.example.org.", edns: ecs(10, 1, 2, bits: 24)),
      query("x.cdn.example.org.", .aaaa, edns: ecs(0x20, 1, 0x0d, 0xb8, bits: 32, family: 2)),
      query("chain.example.org.", edns: [0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8]),
      query("no.such.name.example.org.", .txt, edns: []),
      query("a.child.example.org.", edns: nil),
      query("big.example.org.", .txt, edns: [], payload: 700),
    ]
  }

  @Test(arguments: UInt64(1)...8)
  func `damaged packets do no harm`(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let asker = Asker(edition: try World.edition())
    let bases = try Self.bases()
    var responder = Responder(
      transport: .udp, board: asker.board, shard: asker.board.makeShard(), limiter: asker.limiter)
    var buffer = [UInt8](repeating: 0, count: 1_232 + Responder.slackByteCount)
    for round in 0..<10_000 {
      let packet = damaged(bases[Int(generator.next() % UInt64(bases.count))], &generator)
      buffer.replaceSubrange(0..<packet.count, with: packet)
      let count = asker.answer(&buffer, packet.count, &responder)
      guard count > 0 else { continue }
      let isResponse = packet.count > 2 && packet[2] & 0x80 != 0
      let isHeaderRight = count >= 12 && buffer[2] & 0x80 != 0 && buffer[0] == packet[0]
      // Taking answers apart is slow where nothing is optimised.
      let isReadable = round % 8 != 0 || (try? Reply(Array(buffer[..<count]))) != nil
      if isResponse || !isHeaderRight || count > 1_232 || !isReadable {
        Issue.record("seed \(seed), packet \(packet), answer \(buffer[..<count])")
        return
      }
    }
  }

  private func damaged(_ packet: [UInt8], _ generator: inout SeededGenerator) -> [UInt8] {
    var packet = packet
    for _ in 0...Int(generator.next() % 4) where !packet.isEmpty {
      let position = Int(generator.next() % UInt64(packet.count))
      switch generator.next() % 6 {
      case 0: packet[position] ^= 1 << UInt8(generator.next() % 8)
      case 1: packet[position] = UInt8(truncatingIfNeeded: generator.next())
      case 2: packet.removeSubrange(position...)
      case 3: packet.remove(at: position)
      case 4: packet.insert(UInt8(truncatingIfNeeded: generator.next()), at: position)
      default: packet[position] = [0, 0xFF, 0xC0, 0x3F, 0x40, 41][Int(generator.next() % 6)]
      }
    }
    return packet
  }
}
