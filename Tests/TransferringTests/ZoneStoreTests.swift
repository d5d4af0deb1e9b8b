import DNSWire
import Foundation
import Replicating
import TestSupport
import Testing
import Transferring

@Suite struct `The store of zones` {
  private func withStore(_ body: (ZoneStore) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appending(
      path: "azimuth-store-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    try body(ZoneStore(folder: folder.path))
  }

  @Test func `what is kept is what comes back, with its time`() throws {
    try withStore { store in
      #expect(try store.load(zone) == nil)
      let kept = try contents(7, [address("a.example.org."), address("B.example.org.", 2)])
      try store.save(kept, confirmedAt: 1_700_000_000)
      #expect(
        try store.load(zone) == ZoneStore.Kept(contents: kept, confirmedAt: 1_700_000_000))
      try store.confirm(zone, at: 1_700_000_999)
      #expect(
        try store.load(zone) == ZoneStore.Kept(contents: kept, confirmedAt: 1_700_000_999))
      store.remove(zone)
      #expect(try store.load(zone) == nil)
    }
  }

  @Test func `what is damaged is refused, whatever is damaged`() throws {
    let seed: UInt64 = 0x5707E
    var generator = SeededGenerator(seed: seed)
    try withStore { store in
      try store.save(contents(7, [address("a.example.org.")]), confirmedAt: 1_700_000_000)
      let whole = try Data(contentsOf: store.file(of: zone))
      for _ in 0..<300 {
        var bytes = [UInt8](whole)
        // The time is not summed.
        let place = (Array(0..<40) + Array(48..<bytes.count)).randomElement(using: &generator)
        bytes[place ?? 0] ^= 1 << UInt8.random(in: 0...7, using: &generator)
        try Data(bytes).write(to: store.file(of: zone))
        #expect(throws: ZoneStore.Fault.self, "seed \(seed)") { try store.load(zone) }
        let cut = whole.prefix(Int.random(in: 0..<whole.count, using: &generator))
        try cut.write(to: store.file(of: zone))
        #expect(throws: ZoneStore.Fault.self, "seed \(seed)") { try store.load(zone) }
      }
    }
  }

  @Test(arguments: [
    ("example.org.", "example.org.zone"), ("Example.ORG.", "example.org.zone"),
    (".", "root.zone"), ("a/b.example.", "a%2fb.example.zone"),
    ("\\.\\.\\/.example.", "%2e%2e%2f.example.zone"), ("_tcp.x-y.", "_tcp.x-y.zone"),
  ])
  func `a zone's name cannot lead out of the folder`(text: String, file: String) {
    #expect(ZoneStore(folder: "/s").file(of: name(text)).path == "/s/\(file)")
  }

  @Test func `a long name has a file, too`() {
    let long = name(String(repeating: String(repeating: "/", count: 60) + ".", count: 4))
    #expect(long != .root)
    #expect(ZoneStore(folder: "/s").file(of: long).lastPathComponent.utf8.count < 100)
  }
}
