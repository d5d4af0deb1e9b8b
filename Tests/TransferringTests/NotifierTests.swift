import DNSWire
import Logging
import Places
import Replicating
import Synchronization
import Testing
import Transferring

@Suite struct `NOTIFY out` {
  private static let target = SocketAddress(address: .ipv4(0xC000_0201), port: 53)

  /// A secondary that answers from the so-many-th time on.
  private final class Secondary: Sendable {
    let asked = Mutex<[[UInt8]]>([])
    let silences: Int

    init(silences: Int) { self.silences = silences }

    func ask(_ message: [UInt8], _ isAnswer: @Sendable ([UInt8]) -> Bool) -> Bool {
      let count = asked.withLock {
        $0.append(message)
        return $0.count
      }
      guard count > silences, let notice = try? WireMessage(message) else { return false }
      let answer = MessageBuilder(
        id: notice.id, flags: 0xA400, question: notice.questions.first
      ).bytes
      // Neither somebody else's id nor the notice itself answers it.
      var other = answer
      other[0] ^= 1
      #expect(!isAnswer(other) && !isAnswer(message))
      return isAnswer(answer)
    }

    var count: Int { asked.withLock(\.count) }
  }

  private func notifier(_ secondary: Secondary) -> (Notifier, TransferDesk) {
    let desk = TransferDesk(TransferRules(), now: { 0 }, notified: { _, _ in })
    let notifier = Notifier(
      desk: desk, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, now: { 0 },
      ask: { message, _, _, isAnswer in secondary.ask(message, isAnswer) })
    return (notifier, desk)
  }

  private func announcement(_ serial: UInt32) throws -> Notifier.Announcement {
    Notifier.Announcement(
      zone: zone, authority: try authority(serial),
      targets: [Notifier.Target(address: Self.target, key: nil)])
  }

  @Test func `RFC 1996 §3.6: a NOTIFY is sent until it is answered`() async throws {
    let secondary = Secondary(silences: 2)
    let (notifier, desk) = notifier(secondary)
    await notifier.announce([try announcement(5)])
    await notifier.settle()
    #expect(secondary.count == 3 && desk.counts.notifiesAcknowledged == 1)
    let asked = secondary.asked.withLock { $0 }
    let notice = try WireMessage(try #require(asked.first))
    #expect(notice.opcode == .notify && !notice.isResponse && notice.isAuthoritative)
    #expect(notice.questions == [WireMessage.Question(name: zone, type: .soa)])
    #expect(notice[.answer].map(\.data) == [try authority(5).data])
    #expect(asked[0] != asked[1])
  }

  @Test func `who was told of a serial is not told again, of another one is`() async throws {
    let secondary = Secondary(silences: 0)
    let (notifier, _) = notifier(secondary)
    for serial: UInt32 in [5, 5, 6, 6] {
      await notifier.announce([try announcement(serial)])
      await notifier.settle()
    }
    #expect(secondary.count == 2)
  }

  @Test func `who never answers is given up`() async throws {
    let secondary = Secondary(silences: .max)
    let (notifier, desk) = notifier(secondary)
    await notifier.announce([try announcement(5)])
    await notifier.settle()
    #expect(secondary.count == Notifier.timeouts.count && desk.counts.notifiesUnanswered == 1)
  }
}
