import Inheriting
import Testing

@Test func `a packet is what it was`() throws {
  for kind in [HandedPacket.Kind.hello, .refusal, .state, .complete, .serving, .yours] {
    let packet = HandedPacket(kind, payload: [1, 2, 3])
    #expect(try HandedPacket(packet.encoded(), descriptorCount: 0) == packet)
  }
  let sockets = HandedPacket(.sockets)
  #expect(try HandedPacket(sockets.encoded(descriptorCount: 64), descriptorCount: 64) == sockets)
}

@Test(
  arguments: [
    ([], 0, .damaged), ([0x41, 0x48, 1, 1], 0, .damaged), ([0x42, 0x48, 1, 1, 0], 0, .damaged),
    ([0x41, 0x48, 2, 1, 0], 0, .otherVersion(2)), ([0x41, 0x48, 1, 0, 0], 0, .unknownKind(0)),
    ([0x41, 0x48, 1, 8, 0], 0, .unknownKind(8)),
    ([0x41, 0x48, 1, 4, 2], 1, .descriptors(said: 2, found: 1)),
    ([0x41, 0x48, 1, 1, 1], 1, .descriptors(said: 0, found: 1)),
  ] as [([UInt8], Int, HandedPacket.Fault)])
func `what is no packet is refused`(
  bytes: [UInt8], descriptorCount: Int, fault: HandedPacket.Fault
) {
  #expect(throws: fault) { try HandedPacket(bytes, descriptorCount: descriptorCount) }
}
