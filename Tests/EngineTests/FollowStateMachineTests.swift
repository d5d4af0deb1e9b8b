import Engine
import Testing

/// What a member says, as little as a test needs of it.
private func frame(
  _ content: WatchFrame.Content, revision: Int64, cluster: UInt64 = 1
) -> WatchFrame {
  WatchFrame(clusterID: cluster, revision: revision, content: content)
}

private func picture(
  _ values: [String: String], revision: Int64, cluster: UInt64 = 1, isVerified: Bool = true
) -> StorePicture {
  StorePicture(
    clusterID: cluster, revision: revision,
    entries: values.mapValues { StoreEntry(value: Array($0.utf8), revision: revision) },
    isVerified: isVerified)
}

private func put(_ key: String, _ value: String, at revision: Int64) -> StoreChange {
  StoreChange(key: key, value: Array(value.utf8), revision: revision)
}

/// One that has listed `a` at revision 10, watches member 0 of one, and has heard that it does.
private func watching(memberCount: Int = 1) -> FollowStateMachine {
  var machine = FollowStateMachine(memberCount: memberCount, nodeID: "node")
  _ = machine.step(now: .zero)
  _ = machine.listed(picture(["a": "1"], revision: 10))
  _ = machine.step(now: .zero)
  _ = machine.received(frame(.created, revision: 10), now: .zero)
  return machine
}

struct FollowStateMachineTests {
  @Test func `it lists first, and watches from the next revision`() {
    var machine = FollowStateMachine(memberCount: 1, nodeID: "node")
    #expect(machine.step(now: .zero) == .list(.linearizable, member: 0))
    #expect(machine.listed(picture(["a": "1"], revision: 10)) == true)
    #expect(machine.step(now: .zero) == .watch(from: 11, member: 0))
    #expect(!machine.isConnected)
    #expect(machine.received(frame(.created, revision: 12), now: .zero) == .init())
    #expect(machine.isConnected)
  }

  @Test func `the revision moves to changes and progress, never to what a frame has in its head`() {
    var machine = watching()
    // A watch that catches up says where the member is, and brings less.
    _ = machine.received(frame(.created, revision: 90), now: .zero)
    #expect(machine.picture?.revision == 10)
    let reaction = machine.received(
      frame(.changes([put("b", "2", at: 12)]), revision: 90), now: .zero)
    #expect(reaction.isChanged)
    #expect(machine.picture?.revision == 12)
    #expect(machine.received(frame(.progress, revision: 95), now: .zero) == .init())
    #expect(machine.picture?.revision == 95)
    machine.watchEnded(nil, now: .seconds(60), jitter: 0)
    #expect(machine.step(now: .seconds(60)) == .watch(from: 96, member: 0))
  }

  @Test func `what was handed over already is no news, and several keys of one revision all count`()
  {
    var machine = watching()
    let changes = [put("a", "old", at: 9), put("b", "2", at: 12), put("c", "3", at: 12)]
    _ = machine.received(frame(.changes(changes), revision: 12), now: .zero)
    #expect(
      machine.picture?.entries.mapValues(\.value) == [
        "a": Array("1".utf8), "b": Array("2".utf8), "c": Array("3".utf8),
      ])
    let same = machine.received(
      frame(.changes([put("b", "2", at: 13)]), revision: 13), now: .zero)
    #expect(!same.isChanged)
    #expect(machine.picture?.entries["b"]?.revision == 13)
  }

  @Test(arguments: [
    frame(.canceled(compacted: 40, reason: ""), revision: 50),
    frame(.canceled(compacted: 0, reason: "permission denied"), revision: 50),
    frame(.created, revision: 9), frame(.progress, revision: 9),
    frame(.created, revision: 50, cluster: 2),
    frame(.changes([put("a", "2", at: 50)]), revision: 50, cluster: 2),
  ])
  func `what breaks the thread has all listed anew, and the picture stays`(_ broken: WatchFrame) {
    var machine = watching()
    let before = machine.picture
    #expect(machine.received(broken, now: .seconds(60)) == .init(endsWatch: true))
    machine.watchEnded(nil, now: .seconds(60), jitter: 0)
    #expect(machine.picture == before)
    #expect(machine.step(now: .seconds(60)) == .list(.linearizable, member: 0))
    #expect(machine.listed(picture(["a": "1"], revision: 50)) == false)
    #expect(machine.step(now: .seconds(60)) == .watch(from: 51, member: 0))
  }

  @Test func `a watch that has lived is begun again at once, on the same member`() {
    var machine = watching(memberCount: 3)
    let member = machine.member
    machine.watchEnded(nil, now: .seconds(60), jitter: 0.9)
    #expect(machine.step(now: .seconds(60)) == .watch(from: 11, member: member))
  }

  @Test func `faults move it on, and each makes it wait longer, up to a bound`() {
    var machine = watching(memberCount: 3)
    var members = [machine.member]
    var pauses: [Duration] = []
    machine.watchEnded(.unavailable("no leader"), now: .zero, jitter: 0)
    for _ in 0..<9 {
      guard case .wait(let pause) = machine.step(now: .zero) else { break }
      pauses.append(pause)
      members.append(machine.member)
      guard case .watch(from: 11, _) = machine.step(now: pause) else { break }
      machine.watchEnded(.unavailable("no leader"), now: .zero, jitter: 0)
    }
    #expect(pauses.count == 9)
    #expect(pauses.first == .milliseconds(50))
    #expect(pauses.last == .milliseconds(2500))
    #expect(zip(pauses, pauses.dropFirst()).allSatisfy { $0 <= $1 })
    #expect(Set(members) == [0, 1, 2])
    #expect(machine.picture?.entries.count == 1)
  }

  @Test func `a watch that ends as soon as it has begun does not turn on the spot`() {
    var machine = watching()
    machine.watchEnded(nil, now: .milliseconds(10), jitter: 0)
    #expect(machine.step(now: .milliseconds(10)) == .wait(.milliseconds(50)))
  }

  @Test func `a cold start without a cluster takes what one member says, and goes on asking`() {
    var machine = FollowStateMachine(memberCount: 1, nodeID: "node")
    _ = machine.step(now: .zero)
    machine.listFailed(.unavailable("no leader"), now: .zero, jitter: 0)
    #expect(machine.step(now: .zero) == .list(.serializable, member: 0))
    #expect(machine.listed(picture(["a": "1"], revision: 10, isVerified: false)) == true)
    #expect(machine.picture?.isVerified == false)
    #expect(machine.step(now: .zero) == .wait(.milliseconds(50)))
    #expect(machine.step(now: .seconds(1)) == .list(.linearizable, member: 0))
    #expect(machine.listed(picture(["a": "1"], revision: 10)) == true)
    #expect(machine.picture?.isVerified == true)
  }

  @Test func `what a file has kept is known from the start, and gives way to what is newer`() {
    let kept = picture(["a": "kept"], revision: 10)
    var machine = FollowStateMachine(memberCount: 1, nodeID: "node", known: kept)
    #expect(machine.picture?.isVerified == false)
    #expect(machine.step(now: .zero) == .list(.linearizable, member: 0))
    machine.listFailed(.unavailable("no leader"), now: .zero, jitter: 0)
    #expect(machine.step(now: .zero) == .list(.serializable, member: 0))
    #expect(machine.listed(picture(["a": "older"], revision: 9, isVerified: false)) == false)
    #expect(machine.picture?.entries["a"]?.value == Array("kept".utf8))
    #expect(machine.listed(picture([:], revision: 3, cluster: 2)) == true)
    #expect(machine.picture?.clusterID == 2)
  }

  @Test func `once the cluster has spoken, one member alone is not believed any more`() {
    var machine = watching()
    _ = machine.received(frame(.canceled(compacted: 40, reason: ""), revision: 50), now: .zero)
    machine.watchEnded(nil, now: .seconds(60), jitter: 0)
    machine.listFailed(.unavailable("no leader"), now: .seconds(60), jitter: 0)
    #expect(machine.step(now: .seconds(70)) == .list(.linearizable, member: 0))
  }

  @Test func `three heartbeats that are written and not seen give the member up`() {
    var machine = watching(memberCount: 3)
    let member = machine.member
    for revision in Int64(11)...13 {
      #expect(machine.wroteHeartbeat(revision: revision, now: .seconds(revision)) == .init())
    }
    #expect(machine.wroteHeartbeat(revision: 14, now: .seconds(14)) == .init(endsWatch: true))
    machine.watchEnded(nil, now: .seconds(14), jitter: 0)
    #expect(machine.step(now: .seconds(14)) == .watch(from: 11, member: (member + 1) % 3))
  }

  @Test func `three heartbeats that cannot be written give the member up`() {
    var machine = watching(memberCount: 3)
    let member = machine.member
    #expect(machine.missedHeartbeat() == .init())
    #expect(machine.missedHeartbeat() == .init())
    #expect(machine.missedHeartbeat() == .init(endsWatch: true))
    #expect(machine.member == (member + 1) % 3)
  }

  @Test func `a heartbeat that is seen forgives those before, whichever way it is heard of first`()
  {
    var machine = watching()
    _ = machine.wroteHeartbeat(revision: 11, now: .seconds(1))
    _ = machine.wroteHeartbeat(revision: 12, now: .seconds(6))
    #expect(machine.lastHeartbeat == nil)
    _ = machine.received(
      frame(.changes([put("node", "", at: 12)]), revision: 12), now: .seconds(7))
    #expect(machine.lastHeartbeat == .seconds(7))
    _ = machine.received(
      frame(.changes([put("node", "x", at: 13)]), revision: 13), now: .seconds(11))
    #expect(machine.wroteHeartbeat(revision: 13, now: .seconds(12)) == .init())
    #expect(machine.lastHeartbeat == .seconds(12))
  }

  @Test
  func `a heartbeat that says something new is written at once, a second apart at the soonest`() {
    var machine = watching()
    #expect(machine.pauseBeforeHeartbeat(now: .zero) == .zero)
    machine.beginHeartbeat(now: .zero)
    #expect(machine.pauseBeforeHeartbeat(now: .zero) == .seconds(5))
    #expect(machine.pauseBeforeHeartbeat(now: .seconds(3)) == .seconds(2))
    machine.noteNews()
    #expect(machine.pauseBeforeHeartbeat(now: .milliseconds(300)) == .milliseconds(700))
    #expect(machine.pauseBeforeHeartbeat(now: .seconds(3)) == .zero)
    machine.beginHeartbeat(now: .seconds(3))
    #expect(machine.pauseBeforeHeartbeat(now: .seconds(3)) == .seconds(2))
    machine.noteNews()
    #expect(machine.pauseBeforeHeartbeat(now: .seconds(3.5)) == .seconds(0.5))
  }

  @Test func `however often it says something new, it comes once a second and every five`() {
    var machine = watching()
    var written: [Duration] = []
    for step in 0..<1200 {
      let now = Duration.milliseconds(step * 50)
      // All the time, and then not at all.
      if step < 600 { machine.noteNews() }
      guard machine.pauseBeforeHeartbeat(now: now) == .zero else { continue }
      machine.beginHeartbeat(now: now)
      written.append(now)
    }
    #expect((30...32).contains(written.count { $0 < .seconds(30) }))
    #expect(written.count { $0 >= .seconds(30) } == 6)
  }

  @Test func `words in between give no member up, however many are not seen`() {
    var machine = watching(memberCount: 3)
    let member = machine.member
    machine.beginHeartbeat(now: .zero)
    #expect(machine.wroteHeartbeat(revision: 11, now: .zero) == .init())
    for step in 1...4 {
      machine.noteNews()
      machine.beginHeartbeat(now: .seconds(step))
      let reaction = machine.wroteHeartbeat(revision: 11 + Int64(step), now: .seconds(step))
      #expect(reaction == .init() && machine.missedHeartbeat() == .init())
    }
    #expect(machine.member == member)
    for turn in 1...3 {
      machine.beginHeartbeat(now: .seconds(5 * turn))
      let reaction = machine.wroteHeartbeat(revision: 20, now: .seconds(5 * turn))
      #expect(reaction.endsWatch == (turn == 3))
    }
  }

  @Test func `nodes spread over the members, and each begins with the same one every time`() {
    let members = (0..<300).map {
      FollowStateMachine(memberCount: 3, nodeID: "node-\($0)").member
    }
    for member in 0..<3 { #expect((70...130).contains(members.count { $0 == member })) }
    #expect(
      members
        == (0..<300).map { FollowStateMachine(memberCount: 3, nodeID: "node-\($0)").member })
  }
}
