import Foundation
import Synchronization
import Tapping
import TestSupport
import Testing

/// Which bytes the n-th record has, so that each can be told from all others.
private func message(_ number: Int, byteCount: Int, salt: UInt8) -> [UInt8] {
  (0..<byteCount).map { UInt8(truncatingIfNeeded: number &* 31 &+ $0) ^ salt }
}

/// Puts a record in, if there is room.
private func put(_ number: Int, query: Int, answer: Int, into ring: TapRing) -> Bool {
  var header = TapHeader()
  header.queryNanoseconds = UInt64(number)
  header.queryByteCount = UInt16(query)
  header.answerByteCount = UInt16(answer)
  guard ring.hasRoom(header.recordByteCount) else { return false }
  let first = message(number, byteCount: query, salt: 0)
  let second = message(number, byteCount: answer, salt: 0x5A)
  ring.put(first.span.bytes, byteCount: query, at: TapRing.headerByteCount)
  ring.put(second.span.bytes, byteCount: answer, at: TapRing.headerByteCount + query)
  ring.publish(header)
  return true
}

extension TapExchange {
  /// The number of a record whose bytes are what they were; nil if they are not.
  fileprivate var number: Int? {
    let number = Int(header.queryNanoseconds)
    let first = message(number, byteCount: Int(header.queryByteCount), salt: 0)
    let second = message(number, byteCount: Int(header.answerByteCount), salt: 0x5A)
    return Array(query) == first && Array(answer) == second ? number : nil
  }
}

@Suite struct `A ring` {
  @Test(arguments: UInt64(1)...200)
  func `keeps order and bytes, and says no only when it is full`(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let size = 64 * Int.random(in: 16...64, using: &generator)
    let ring = TapRing(gate: try TapGate(), byteCount: size)
    var model: [(number: Int, byteCount: Int)] = []
    // Taken, and not released yet.
    var held = 0
    for number in 0..<400 {
      if Bool.random(using: &generator) {
        let query = Int.random(in: 0...300, using: &generator)
        let answer = Int.random(in: 0...500, using: &generator)
        let count = (64 + query + answer + 63) / 64 * 64
        let used = model.reduce(0) { $0 + $1.byteCount }
        let isIn = put(number, query: query, answer: answer, into: ring)
        #expect(isIn == (used + held + count <= size), "seed \(seed), record \(number)")
        if isIn { model.append((number, count)) }
      } else if let exchange = ring.take() {
        let (expected, byteCount) = try #require(model.first, "seed \(seed)")
        #expect(exchange.number == expected, "seed \(seed)")
        model.removeFirst()
        held += byteCount
      } else {
        #expect(model.isEmpty, "seed \(seed)")
      }
      if Int.random(in: 0..<3, using: &generator) == 0 {
        ring.release()
        held = 0
      }
    }
  }

  @Test func `takes the longest query and the longest answer`() throws {
    let ring = TapRing(gate: try TapGate())
    for number in 0..<40 {
      #expect(put(number, query: 65_535, answer: 65_535, into: ring))
      #expect(ring.take()?.number == number)
      ring.release()
    }
  }

  @Test func `between two threads loses nothing that it took`() throws {
    let ring = TapRing(gate: try TapGate(), byteCount: 16_384)
    let total = 300_000
    let dropped = Atomic(0)
    let hasEnded = Atomic(false)
    let seed = UInt64.random(in: 1...1_000_000)
    Thread.detachNewThread {
      var generator = SeededGenerator(seed: seed)
      for number in 0..<total {
        let query = Int.random(in: 0...200, using: &generator)
        let answer = Int.random(in: 0...600, using: &generator)
        if !put(number, query: query, answer: answer, into: ring) {
          dropped.add(1, ordering: .relaxed)
        }
      }
      hasEnded.store(true, ordering: .releasing)
    }
    var taken = 0
    var last = -1
    while true {
      let isLast = hasEnded.load(ordering: .acquiring)
      while let exchange = ring.take() {
        let number = try #require(exchange.number, "seed \(seed)")
        #expect(number > last, "seed \(seed)")
        last = number
        taken += 1
        ring.release()
      }
      if isLast { break }
    }
    #expect(taken + dropped.load(ordering: .relaxed) == total, "seed \(seed)")
  }
}
