import KeyFiles
import Testing

@Suite struct `The keys of a zone` {
  private func key(
    _ algorithm: SigningAlgorithm = .ecdsaP256, isEntryPoint: Bool, _ number: UInt8,
    _ schedule: KeySchedule = .always
  ) throws -> ZoneKey {
    try #require(
      ZoneKey(
        algorithm: algorithm, flags: isEntryPoint ? 257 : 256,
        secret: [UInt8](repeating: number, count: 32), schedule: schedule))
  }

  @Test func `one entry point signs everything`() throws {
    let key = try key(isEntryPoint: true, 1)
    let roles = try ZoneKeySet(pairs: [key], published: []).roles(at: 0)
    #expect(roles.records == [key.record])
    #expect(roles.zoneKeys.map(\.record) == [key.record])
    #expect(roles.keySigningKeys.map(\.record) == [key.record])
  }

  @Test func `beside a key of the zone an entry point signs the keys only`() throws {
    let (entry, zone) = (try key(isEntryPoint: true, 1), try key(isEntryPoint: false, 2))
    let roles = try ZoneKeySet(pairs: [zone, entry], published: []).roles(at: 0)
    #expect(roles.records == [zone.record, entry.record])
    #expect(roles.zoneKeys.map(\.record) == [zone.record])
    #expect(roles.keySigningKeys.map(\.record) == [entry.record])
  }

  @Test func `what is only published is told and does not sign`() throws {
    let (key, next) = (try key(isEntryPoint: true, 1), try key(isEntryPoint: true, 2))
    let roles = try ZoneKeySet(pairs: [key], published: [next.record, key.record]).roles(at: 0)
    #expect(roles.records == [key.record, next.record], "none of them twice")
    #expect(roles.zoneKeys.map(\.record) == [key.record])
  }

  @Test func `a key has its part while its times say so`() throws {
    let times = KeySchedule(publish: 10, activate: 20, inactive: 30, delete: 40)
    let set = ZoneKeySet(
      pairs: [try key(isEntryPoint: true, 1), try key(isEntryPoint: true, 2, times)],
      published: [])
    let parts = try [9, 10, 19, 20, 29, 30, 39, 40].map { now in
      let roles = try set.roles(at: now)
      return [roles.records.count, roles.zoneKeys.count]
    }
    #expect(
      parts == [[1, 1], [2, 1], [2, 1], [2, 2], [2, 2], [2, 1], [2, 1], [1, 1]])
    #expect([0, 10, 25, 30, 40].map { set.nextChange(after: $0) } == [10, 20, 30, 40, nil])
  }

  @Test func `RFC 4035 §2.2: of each algorithm some key signs everything`() throws {
    let set = ZoneKeySet(
      pairs: [
        try key(isEntryPoint: true, 1), try key(isEntryPoint: false, 2),
        try key(.ed25519, isEntryPoint: true, 3),
      ], published: [])
    let roles = try set.roles(at: 0)
    #expect(roles.zoneKeys.map(\.record.algorithm) == [13, 15])
    #expect(roles.zoneKeys.map(\.record.isSecureEntryPoint) == [false, true])
    #expect(roles.keySigningKeys.map(\.record.algorithm) == [13, 15])
  }

  @Test func `RFC 4035 §2.2: an algorithm that would not sign is refused`() throws {
    let key = try key(isEntryPoint: true, 1)
    let other = try self.key(.ed25519, isEntryPoint: true, 2)
    let refusal = try #require(throws: ZoneKeySet.Refusal.self) {
      try ZoneKeySet(pairs: [key], published: [other.record]).roles(at: 0)
    }
    #expect(refusal.message.hasPrefix("of algorithm 15 there is a key, and none that is active"))
  }

  @Test func `without an active key, or without an entry point, nothing is signed`() throws {
    let later = try key(isEntryPoint: true, 1, KeySchedule(publish: 0, activate: 1_795_677_737))
    let refusal = try #require(throws: ZoneKeySet.Refusal.self) {
      try ZoneKeySet(pairs: [later], published: []).roles(at: 5)
    }
    #expect(refusal.message == "no key is active now (the next one from 20261126072217 on)")
    let zone = try key(isEntryPoint: false, 1)
    let second = try #require(throws: ZoneKeySet.Refusal.self) {
      try ZoneKeySet(pairs: [zone], published: []).roles(at: 5)
    }
    #expect(second.message.contains("is an entry point (flags 257)"))
  }
}
