import DNSWire
import Listening
import TestSupport
import Testing

/// Bytes in any pieces, garbage and ends at any place, against the real listener.
@Suite(.timeLimit(.minutes(2))) struct StreamFuzzTests {
  private static let seed = UInt64.random(in: 0...UInt64.max)

  private func cut(_ bytes: [UInt8], using generator: inout SeededGenerator) -> [[UInt8]] {
    var pieces: [[UInt8]] = []
    var rest = bytes[...]
    while !rest.isEmpty {
      let most = Bool.random(using: &generator) ? 3 : rest.count
      let piece = rest.prefix(.random(in: 1...most, using: &generator))
      rest = rest.dropFirst(piece.count)
      pieces.append(Array(piece))
    }
    return pieces
  }

  @Test func `good queries in any pieces are answered, each once and in order`() async throws {
    var generator = SeededGenerator(seed: Self.seed)
    try await StreamWorld.run(threads: 2) { world in
      for round in 0..<60 {
        let ids = (0..<Int.random(in: 1...40, using: &generator)).map { UInt8($0) }
        let isBig = ids.map { _ in Int.random(in: 0..<8, using: &generator) == 0 }
        let bytes = try zip(ids, isBig).flatMap { id, isBig in
          framed(
            isBig ? try query("big.test.", id: id, type: .txt) : try query("www.test.", id: id))
        }
        let client = Client(world.server, isStream: true)
        for piece in cut(bytes, using: &generator) { client.send(piece) }
        let isHalfClosed = Bool.random(using: &generator)
        if isHalfClosed { client.endSending() }
        for (id, isBig) in zip(ids, isBig) {
          let answer = client.receiveFrame()
          let count = isBig ? TCPDNSListenerTests.bigByteCount : 42
          try #require(
            answer.count == count && answer[1] == id, "seed \(Self.seed), round \(round), \(id)")
        }
        if isHalfClosed { #expect(client.receive().isEmpty, "seed \(Self.seed)") }
      }
    }
  }

  @Test func `after any garbage it answers the next client, and answers no response`() async throws
  {
    var generator = SeededGenerator(seed: Self.seed &+ 1)
    try await StreamWorld.run(threads: 2) { world in
      for round in 0..<300 {
        var bytes = framed(try query("www.test.", id: 1))
        switch Int.random(in: 0..<5, using: &generator) {
        case 0:
          bytes = (0..<Int.random(in: 0...3_000, using: &generator)).map { _ in
            .random(in: 0...255, using: &generator)
          }
        case 1:
          let place = Int.random(in: 0..<bytes.count, using: &generator)
          bytes[place] = .random(in: 0...255, using: &generator)
        case 2: bytes[4] |= 0x80  // a response
        case 3: bytes[0] = .random(in: 0...255, using: &generator)
        default: bytes.removeLast(.random(in: 0...bytes.count, using: &generator))
        }
        let isResponse = bytes.count >= 14 && bytes[4] & 0x80 != 0
        let client = Client(world.server, isStream: true)
        for piece in cut(bytes, using: &generator) { client.send(piece) }
        if Bool.random(using: &generator) {
          client.endSending()
          let answer = client.receiveFrame()
          #expect(answer.isEmpty || !isResponse, "seed \(Self.seed), round \(round)")
          #expect(answer.isEmpty || answer.count >= 12, "seed \(Self.seed), round \(round)")
        }
        if round % 10 == 0 { _ = try world.client(id: 7) }
      }
    }
  }
}
