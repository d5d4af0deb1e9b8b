import Publishing
import Settings
import Synchronization
import TestSupport
import Testing

@Suite struct `Whom the admin server lets in` {
  private func configuration(_ reads: String) -> String {
    """
    \(RegionSet.europe.configuration(policy: "{type: failover, order: [milan, paris]}"))
    admin: {reads: \(reads), token: s3cret}
    """
  }

  @Test func `is what the configuration in force says`() async throws {
    let publisher = EditionPublisher(
      try compiledText(configuration("open")), isReady: true, now: { 1000 })
    #expect(!publisher.adminSettings.readsWantToken)
    await publisher.replace(with: try compiledText(configuration("token")), conditions: [:])
    #expect(publisher.adminSettings.readsWantToken)
  }

  /// The publisher asks its clock in the midst of making an edition, and here the clock asks back.
  @Test func `is told while the publisher is busy`() async throws {
    let told = Mutex<Bool?>(nil)
    let busy = Mutex<EditionPublisher?>(nil)
    let publisher = EditionPublisher(
      try compiledText(configuration("token")), isReady: true,
      now: {
        let settings = busy.withLock { $0 }?.adminSettings
        if let settings { told.withLock { $0 = settings.readsWantToken } }
        return 1000
      })
    busy.withLock { $0 = publisher }
    await publisher.replace(with: try compiledText(configuration("token")), conditions: [:])
    busy.withLock { $0 = nil }
    #expect(told.withLock { $0 } == true)
  }
}
