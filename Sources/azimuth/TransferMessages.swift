import Answering
import Counters
import Editions
import Foundation
import Listening
import Places
import RateLimiting
import Synchronization
import Transferring
import Zones

/// Hands messages that are no plain questions from the data plane to the transfers' desk.
struct TransferMessages: UncommonMessages {
  let desk: TransferDesk
  private let answerer = PlainAnswerer()

  init(_ desk: TransferDesk) { self.desk = desk }

  func answers(
    to message: [UInt8], from source: SocketAddress, over transport: Responder.Transport,
    edition: Edition
  ) -> (any AnswerStream)? {
    let serving = TransferDesk.Serving(
      maximumUDPBytes: edition.rules.maximumUDPBytes,
      zone: { name in
        edition.zones.zone(named: name).map { ServedZone(edition.zones.block(ofZone: $0)) }
      },
      answer: { [answerer] query, source in
        answerer.answer(to: query, from: source, edition: edition)
      })
    return desk.answers(
      to: message, from: source, over: transport == .udp ? .udp : .tcp, serving: serving
    ).map(Pulled.init)
  }

  private final class Pulled: AnswerStream {
    private let answers: TransferAnswers
    init(_ answers: TransferAnswers) { self.answers = answers }
    func next() -> [UInt8]? { answers.next() }
  }
}

/// Answers a plain question whole, as over TCP; what it counts, the listeners have counted already.
private final class PlainAnswerer: Sendable {
  private struct State: ~Copyable {
    var responder: Responder
    var buffer: [UInt8]
  }
  private let state: Mutex<State>

  init() {
    let board = CounterBoard()
    state = Mutex(
      State(
        responder: Responder(
          transport: .tcp, board: board, shard: board.makeShard(),
          limiter: RateLimiter(byteCount: 4096, seed: 0)),
        buffer: Array(
          repeating: 0, count: Responder.maximumTCPBytes + Responder.slackByteCount)))
  }

  func answer(to query: [UInt8], from source: IPAddress, edition: Edition) -> [UInt8]? {
    guard query.count <= Responder.maximumTCPBytes else { return nil }
    let now = UInt64(max(0, Date.now.timeIntervalSince1970 * 1e6))
    return state.withLock { state in
      state.buffer.replaceSubrange(0..<query.count, with: query)
      let byteCount = Self.answer(
        &state.buffer, by: &state.responder, queryByteCount: query.count, source: source,
        nowMicroseconds: now, edition: edition)
      return byteCount.map { Array(state.buffer[..<$0]) }
    }
  }

  private static func answer(
    _ buffer: inout [UInt8], by responder: inout Responder, queryByteCount: Int,
    source: IPAddress, nowMicroseconds: UInt64, edition: Edition
  ) -> Int? {
    var span = buffer.mutableSpan
    var bytes = unsafe span.mutableBytes
    let disposal = responder.answer(
      &bytes, queryByteCount: queryByteCount, source: source, nowMicroseconds: nowMicroseconds,
      edition: edition)
    guard case .answer(let byteCount) = disposal else { return nil }
    return byteCount
  }
}
