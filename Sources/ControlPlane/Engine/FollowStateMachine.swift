/// Follows a prefix of a shared store: what to ask next, and what each answer makes of the picture.
///
///     list ──▶ watch from its revision + 1 ──▶ changes, progress …
///      ▲            │ ended: again, at once; after a fault a little later, and elsewhere
///      └────────────┘ canceled, another cluster, or a revision that goes back
///
/// The picture is never emptied, whatever happens: it is what was last known. Its revision moves
/// only to what was seen on the stream itself, or listed: whoever takes it from elsewhere loses
/// changes for ever (apache/apisix#13067).
package struct FollowStateMachine: Sendable {
  package enum Step: Sendable, Equatable {
    case wait(Duration)
    case list(StoreConsistency, member: Int)
    case watch(from: Int64, member: Int)
  }

  /// What a frame or a heartbeat asks for.
  package struct Reaction: Sendable, Equatable {
    /// There is something new in the picture.
    package var isChanged = false
    /// The watch is to be closed.
    package var endsWatch = false

    package init(isChanged: Bool = false, endsWatch: Bool = false) {
      self.isChanged = isChanged
      self.endsWatch = endsWatch
    }
  }

  /// A watch that ends sooner than this was none.
  package static let shortestWatch = Duration.seconds(1)
  package static let shortestPause = Duration.milliseconds(100)
  package static let longestPause = Duration.seconds(5)
  /// Heartbeats that were written, or could not be, and were not seen: the member is given up.
  package static let mostMissedHeartbeats = 3
  /// Between two heartbeats, however often what they say changes.
  package static let shortestHeartbeat = Duration.seconds(1)

  /// What is known; nil: nothing yet.
  package private(set) var picture: StorePicture?
  /// The member that is asked.
  package private(set) var member: Int
  /// Since when a watch stands; nil: none does.
  package private(set) var connectedSince: Duration?
  package var isConnected: Bool { connectedSince != nil }
  /// Times that all had to be listed anew.
  package private(set) var listCount = 0
  /// When an own heartbeat was last seen on the stream.
  package private(set) var lastHeartbeat: Duration?

  private let memberCount: Int
  private var needsList = true
  /// A cold start: a member without its cluster may say what it knows.
  private var asksUnverified = false
  private var pauseEnd = Duration.zero
  private var faultsInARow = 0
  private var watchStart: Duration?
  private var missed = 0
  private var awaitedRevision: Int64?
  private var isMoving = false

  private let heartbeatInterval: Duration
  private var nextHeartbeat = Duration.zero
  private var heartbeatStart: Duration?
  private var hasNews = false
  /// The present heartbeat has its turn, and is no word in between.
  private var isRegular = true

  /// - Parameters:
  ///   - nodeID: chooses the first member, so that a fleet spreads over all of them.
  ///   - known: what a file has kept.
  ///   - heartbeatInterval: between two own heartbeats that say nothing new.
  package init(
    memberCount: Int, nodeID: String, known: StorePicture? = nil,
    heartbeatInterval: Duration = .seconds(5)
  ) {
    self.heartbeatInterval = heartbeatInterval
    self.memberCount = max(1, memberCount)
    member = Int(Self.hash(nodeID) % UInt64(self.memberCount))
    picture = known
    picture?.isVerified = false
  }

  /// What to do now. Between two steps, everything that came of the first is told.
  package mutating func step(now: Duration) -> Step {
    if asksUnverified { return .list(.serializable, member: member) }
    if pauseEnd > now { return .wait(pauseEnd - now) }
    guard !needsList, let picture else { return .list(.linearizable, member: member) }
    watchStart = now
    return .watch(from: picture.revision + 1, member: member)
  }

  /// - Returns: whether there is something new in it. A list that says what is known is no news
  ///   (apache/apisix#13303).
  package mutating func listed(_ next: StorePicture) -> Bool {
    listCount += 1
    asksUnverified = false
    let before = picture
    if next.isVerified {
      needsList = false
      awaitedRevision = nil
    } else if let before {
      // What one member alone says is taken for want of anything better.
      guard !before.isVerified, next.clusterID == before.clusterID,
        next.revision >= before.revision
      else { return false }
    }
    picture = next
    return before?.values != next.values || before?.isVerified != next.isVerified
  }

  /// - Parameter jitter: drawn from 0..<1.
  package mutating func listFailed(_ fault: StoreFault, now: Duration, jitter: Double) {
    let wasUnverified = asksUnverified
    asksUnverified = false
    noteFault(now: now, jitter: jitter)
    // Until the cluster has spoken once, a member that has lost it may say what it knows.
    if case .unavailable = fault, picture?.isVerified != true { asksUnverified = !wasUnverified }
  }

  package mutating func received(_ frame: WatchFrame, now: Duration) -> Reaction {
    guard var picture else { return Reaction(endsWatch: true) }
    // A store that was rebuilt, or restored from an old copy, counts anew (apache/apisix#12015).
    // A member that is only behind says the same once; its next list catches up.
    guard frame.clusterID == picture.clusterID, frame.revision >= picture.revision else {
      return listAnew()
    }
    connectedSince = connectedSince ?? now
    var reaction = Reaction()
    switch frame.content {
    case .created: break
    case .progress: picture.revision = frame.revision
    case .changes(let changes):
      for change in changes where change.revision > self.picture?.revision ?? 0 {
        reaction.isChanged = picture.take(change) || reaction.isChanged
      }
    case .canceled:
      return listAnew()
    }
    self.picture = picture
    faultsInARow = frame.content == .created ? faultsInARow : 0
    noteSeen(picture.revision, now: now)
    return reaction
  }

  /// - Parameters:
  ///   - fault: nil: the member has ended it.
  ///   - jitter: drawn from 0..<1.
  package mutating func watchEnded(_ fault: StoreFault?, now: Duration, jitter: Double) {
    connectedSince = nil
    let isShort = watchStart.map { now - $0 < Self.shortestWatch } ?? false
    watchStart = nil
    let wasMoving = isMoving
    isMoving = false
    // Where it was closed here, what comes next is decided. A short one counts as a fault, so that
    // nothing turns on the spot.
    if !wasMoving && (isShort || (fault != nil && !needsList)) {
      noteFault(now: now, jitter: jitter)
    }
  }

  /// How long to wait with the next own heartbeat: until its turn, or if it says something new
  /// only so long that it is not too soon after the one before.
  package func pauseBeforeHeartbeat(now: Duration) -> Duration {
    let soonest = heartbeatStart.map { $0 + Self.shortestHeartbeat } ?? .zero
    let next = hasNews ? min(nextHeartbeat, soonest) : nextHeartbeat
    return max(.zero, next - now)
  }

  /// What an own heartbeat says has changed.
  package mutating func noteNews() { hasNews = true }

  /// An own heartbeat is about to be written.
  package mutating func beginHeartbeat(now: Duration) {
    hasNews = false
    heartbeatStart = now
    isRegular = now >= nextHeartbeat
    if isRegular { nextHeartbeat = now + heartbeatInterval }
  }

  /// An own heartbeat below the prefix was written at a revision, and is now to be seen.
  package mutating func wroteHeartbeat(revision: Int64, now: Duration) -> Reaction {
    guard isConnected, let picture else { return Reaction() }
    guard picture.revision < revision else {
      lastHeartbeat = now
      missed = 0
      return Reaction()
    }
    awaitedRevision = awaitedRevision ?? revision
    // Words in between come one after the other: a member may be so far behind.
    guard isRegular else { return Reaction() }
    if missed >= Self.mostMissedHeartbeats { return moveOn() }
    missed += 1
    return Reaction()
  }

  /// An own heartbeat could not be written, and another member may take it.
  package mutating func missedHeartbeat() -> Reaction {
    guard isConnected, isRegular else { return Reaction() }
    missed += 1
    return missed >= Self.mostMissedHeartbeats ? moveOn() : Reaction()
  }

  private mutating func moveOn() -> Reaction {
    missed = 0
    awaitedRevision = nil
    member = (member + 1) % memberCount
    isMoving = true
    return Reaction(endsWatch: true)
  }

  private mutating func listAnew() -> Reaction {
    needsList = true
    return Reaction(endsWatch: true)
  }

  private mutating func noteSeen(_ revision: Int64, now: Duration) {
    guard let awaited = awaitedRevision, revision >= awaited else { return }
    lastHeartbeat = now
    awaitedRevision = nil
    missed = 0
  }

  private mutating func noteFault(now: Duration, jitter: Double) {
    member = (member + 1) % memberCount
    let doublings = min(faultsInARow, 10)
    faultsInARow += 1
    let longest = min(Self.shortestPause * (1 << doublings), Self.longestPause)
    pauseEnd = now + longest * (0.5 + jitter / 2)
  }

  /// FNV-1a: the same on every machine and in every version.
  private static func hash(_ text: String) -> UInt64 {
    text.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
  }
}

extension StorePicture {
  /// - Returns: whether a value is another, or gone.
  fileprivate mutating func take(_ change: StoreChange) -> Bool {
    let before = entries[change.key]?.value
    entries[change.key] = change.value.map { StoreEntry(value: $0, revision: change.revision) }
    revision = max(revision, change.revision)
    return before != change.value
  }

  fileprivate var values: [String: [UInt8]] { entries.mapValues(\.value) }
}
