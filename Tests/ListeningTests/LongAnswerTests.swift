import Answering
import DNSWire
import Editions
import Listening
import Places
import Synchronization
import Testing

/// Answers every uncommon message by so many messages of a kilobyte, each with its number.
private final class Transfers: UncommonMessages {
  let messageCount: Int
  /// Messages that were pulled, of all answers.
  let pulledCount = Atomic(0)

  init(messageCount: Int) { self.messageCount = messageCount }

  func answers(
    to message: [UInt8], from source: ServerAddress, over transport: Responder.Transport,
    edition: Edition
  ) -> (any AnswerStream)? {
    Transfer(of: self, id: message[1])
  }

  private final class Transfer: AnswerStream {
    private let transfers: Transfers
    private let id: UInt8
    private var number = 0

    init(of transfers: Transfers, id: UInt8) {
      self.transfers = transfers
      self.id = id
    }

    func next() -> [UInt8]? {
      guard number < transfers.messageCount else { return nil }
      number += 1
      transfers.pulledCount.add(1, ordering: .relaxed)
      return [0, id, UInt8(number >> 8 & 255), UInt8(number & 255)]
        + Array(repeating: 0, count: 1_020)
    }
  }
}

/// Answers of many messages beside short ones.
@Suite(.timeLimit(.minutes(1))) struct LongAnswerTests {
  @Test
  func `a transfer comes whole and in order, and a query behind it is answered before its end`()
    async throws
  {
    let transfers = Transfers(messageCount: 5_000)
    try await StreamWorld.run(uncommon: transfers) { world in
      let client = Client(world.server, isStream: true)
      client.send(framed(try query("test.", id: 1, type: .axfr)))
      client.send(framed(try query("www.test.", id: 2)))
      var numbers: [Int] = []
      var place: Int?
      while numbers.count < 5_000 || place == nil {
        let frame = client.receiveFrame()
        try #require(frame.count >= 12, "after \(numbers.count)")
        if frame[1] == 2 {
          place = numbers.count
        } else {
          numbers.append(Int(frame[2]) << 8 | Int(frame[3]))
        }
      }
      #expect(numbers == Array(1...5_000))
      #expect(try #require(place) < 4_000)
    }
  }

  @Test func `several transfers share a connection, and one too many waits`() async throws {
    let transfers = Transfers(messageCount: 300)
    try await StreamWorld.run(uncommon: transfers) { world in
      let client = Client(world.server, isStream: true)
      client.send(try (UInt8(1)...6).flatMap { framed(try query("test.", id: $0, type: .axfr)) })
      client.send(framed(try query("www.test.", id: 9)))
      var counts = [UInt8: Int]()
      for _ in 0..<(6 * 300 + 1) { counts[client.receiveFrame()[1], default: 0] += 1 }
      #expect(counts == [1: 300, 2: 300, 3: 300, 4: 300, 5: 300, 6: 300, 9: 1])
    }
  }

  @Test func `nothing is pulled for a peer that does not read, and others are served`() async throws
  {
    let transfers = Transfers(messageCount: 50_000)
    try await StreamWorld.run(uncommon: transfers) { world in
      let client = Client(world.server, isStream: true, receiveBufferBytes: 4_096)
      client.send(framed(try query("test.", id: 1, type: .axfr)))
      #expect(client.receiveFrame().count == 1_024)
      var before = -1
      // Until no more is pulled.
      eventually("a stop") {
        let pulled = transfers.pulledCount.load(ordering: .relaxed)
        defer { before = pulled }
        return pulled == before
      }
      _ = try world.client(id: 7)
      // The kernel's buffers and ours: far from the 50 MB of the whole.
      #expect(transfers.pulledCount.load(ordering: .relaxed) < 2_000)
    }
  }

  @Test func `after a half-close a transfer is finished first`() async throws {
    let transfers = Transfers(messageCount: 1_000)
    try await StreamWorld.run(uncommon: transfers) { world in
      let client = Client(world.server, isStream: true)
      client.send(framed(try query("test.", id: 1, type: .axfr)))
      client.endSending()
      for _ in 0..<1_000 { #expect(client.receiveFrame().count == 1_024) }
      #expect(client.receive().isEmpty)
    }
  }
}
