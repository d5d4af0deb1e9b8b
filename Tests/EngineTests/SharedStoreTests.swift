import Engine
import Synchronization
import Testing

/// Members that each answer a transaction in one way, and who was asked.
private final class Members: SharedStore {
  private let faults: [StoreFault?]
  private let members = Mutex<[Int]>([])
  var asked: [Int] { members.withLock { $0 } }
  var memberCount: Int { faults.count }

  init(_ faults: [StoreFault?]) { self.faults = faults }

  func commit(
    _ transaction: StoreTransaction, member: Int
  ) async throws(StoreFault) -> StoreOutcome {
    members.withLock { $0.append(member) }
    if let fault = faults[member] { throw fault }
    return .committed(7)
  }

  func list(
    prefix: String, consistency: StoreConsistency, member: Int
  ) async throws(StoreFault) -> StorePicture { throw .refused("") }

  func watch(
    prefix: String, from revision: Int64, member: Int,
    receive: @Sendable (WatchFrame) async -> Bool
  ) async throws(StoreFault) {}

  func grantLease(seconds: Int, member: Int) async throws(StoreFault) -> Int64 { 1 }

  func renewLease(_ lease: Int64, member: Int) async throws(StoreFault) -> Bool { true }

  func revokeLease(_ lease: Int64, member: Int) async throws(StoreFault) {}
}

private let gone = StoreFault.unavailable("")

struct SharedStoreTests {
  @Test func `a transaction goes to one member, and on only from those who do not answer`()
    async throws
  {
    let all = Members([nil, nil, nil])
    #expect(try await all.commit(StoreTransaction(writes: []), startingWith: 1) == .committed(7))
    #expect(all.asked == [1])
    let one = Members([nil, gone, gone])
    #expect(try await one.commit(StoreTransaction(writes: []), startingWith: 1) == .committed(7))
    #expect(one.asked == [1, 2, 0])
  }

  @Test func `each member is asked once, and what is refused is refused`() async {
    let none = Members([gone, gone, gone])
    await #expect(throws: gone) {
      try await none.commit(StoreTransaction(writes: []), startingWith: 2)
    }
    #expect(none.asked == [2, 0, 1])
    let refusing = Members([.forbidden(""), nil])
    await #expect(throws: StoreFault.forbidden("")) {
      try await refusing.commit(StoreTransaction(writes: []), startingWith: 0)
    }
    #expect(refusing.asked == [0])
  }
}
