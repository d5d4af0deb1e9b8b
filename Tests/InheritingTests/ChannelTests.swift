import CLinux
import Glibc
import Inheriting
import Places
import Synchronization
import Testing

/// A path of its own for each test, below the temporary folder.
private final class Path: Sendable {
  let text = "/tmp/azimuth-handing-\(getpid())-\(UInt32.random(in: .min ... .max))"
  deinit { unlink(text) }
}

private func loopback(port: UInt16) -> SocketAddress {
  SocketAddress(address: .ipv4(0x7F00_0001), port: port)
}

private func listen(_ port: UInt16 = 0) throws -> (descriptor: Int32, address: SocketAddress) {
  var raw = az_tcp_address(high: 0, low: 0x7F00_0001, port: port, is_ipv6: 0)
  let descriptor = az_tcp_listen_alone(&raw, 4)
  try #require(descriptor >= 0)
  try #require(az_tcp_local_address(descriptor, &raw) == 0)
  return (descriptor, loopback(port: raw.port))
}

private func datagrams() throws -> (descriptor: Int32, address: SocketAddress) {
  let descriptor = az_udp_open([127, 0, 0, 1], 0, 0, 65_536, 100)
  try #require(descriptor >= 0)
  return (descriptor, loopback(port: UInt16(az_udp_port(descriptor))))
}

/// Both ends; what happens at the door runs on a thread of its own.
private func connect(_ path: Path) throws -> (near: HandingChannel, far: HandingChannel) {
  let door = try HandingDoor(path: path.text)
  let near = try #require(try HandingChannel.connect(to: path.text))
  let far = try #require(door.next())
  return (near, far)
}

@Test func `sockets and bytes of any length come through`() throws {
  let path = Path()
  let (near, far) = try connect(path)
  #expect(near.processID == getpid() && far.processID == getpid())
  let (tcp, tcpAddress) = try listen()
  let (udp, udpAddress) = try datagrams()
  let state = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
  try near.send(.state, pieces: state)
  try near.send(sockets: [tcp, udp])
  try near.send(HandedPacket(.complete))
  az_tcp_close(tcp)
  az_tcp_close(udp)
  var received: [UInt8] = []
  let inherited = InheritedSockets()
  while true {
    let (packet, descriptors) = try far.receive(withinMilliseconds: 10_000)
    if packet.kind == .complete { break }
    received += packet.payload
    for descriptor in descriptors { #expect(inherited.add(descriptor)) }
  }
  #expect(received == state)
  #expect(inherited.take(.stream, at: udpAddress).isEmpty)
  let taken = inherited.take(.stream, at: tcpAddress) + inherited.take(.datagram, at: udpAddress)
  #expect(taken.count == 2 && inherited.count == 0)
  for descriptor in taken {
    // Programs that are started do not get them.
    #expect(fcntl(descriptor, F_GETFD) & FD_CLOEXEC != 0)
    az_tcp_close(descriptor)
  }
}

@Test func `more sockets than one packet has room for come in several`() throws {
  let path = Path()
  let (near, far) = try connect(path)
  let (socket, address) = try listen()
  try near.send(sockets: Array(repeating: socket, count: 130))
  az_tcp_close(socket)
  let inherited = InheritedSockets()
  for count in [64, 64, 2] {
    let descriptors = try far.receive(withinMilliseconds: 10_000).descriptors
    #expect(descriptors.count == count)
    for descriptor in descriptors { inherited.add(descriptor) }
  }
  #expect(inherited.count == 130)
  #expect(inherited.closeRest() == [address])
  // Nobody has it any more.
  let again = try listen(address.port)
  az_tcp_close(again.descriptor)
}

@Test func `what is no listening socket is not inherited`() throws {
  let inherited = InheritedSockets()
  let wakeUp = az_wakeup_create()
  #expect(!inherited.add(wakeUp))
  #expect(fcntl(wakeUp, F_GETFD) == -1)
  var address = az_tcp_address(high: 0, low: 0x7F00_0001, port: 9, is_ipv6: 0)
  var options = az_tcp_options()
  let connecting = az_tcp_connect(&address, nil, &options)
  #expect(!inherited.add(connecting))
  #expect(!inherited.add(9_999) && inherited.count == 0)
}

@Test func `nobody at the path is no error`() throws {
  let path = Path()
  #expect(try HandingChannel.connect(to: path.text) == nil)
  // Nor is what a process that was killed has left.
  var door: HandingDoor? = try HandingDoor(path: path.text)
  withExtendedLifetime(door) {}
  door = nil
  #expect(try HandingChannel.connect(to: path.text) == nil)
}

@Test func `the door is its owner's only, and takes the place of another`() throws {
  let path = Path()
  let first = try HandingDoor(path: path.text)
  let second = try HandingDoor(path: path.text)
  var status = stat()
  try #require(stat(path.text, &status) == 0)
  #expect(status.st_mode & 0o777 == 0o600)
  let near = try #require(try HandingChannel.connect(to: path.text))
  #expect(try #require(second.next()).processID == near.processID)
  first.close()
  #expect(first.next() == nil)
}

@Test func `the end of the other process is seen`() throws {
  let path = Path()
  let door = try HandingDoor(path: path.text)
  var near: HandingChannel? = try HandingChannel.connect(to: path.text)
  let far = try #require(door.next())
  #expect(!far.hasEnded)
  #expect(throws: HandingFault.timedOut) { try far.receive(withinMilliseconds: 1) }
  withExtendedLifetime(near) {}
  near = nil
  #expect(far.hasEnded)
  #expect(throws: HandingFault.ended) { try far.receive(withinMilliseconds: 10_000) }
  #expect(throws: HandingFault.ended) { try far.send(HandedPacket(.yours)) }
}

/// Of raw bytes, which somebody else may send.
@Test(arguments: [
  [UInt8](repeating: 0x41, count: 5), [0x41, 0x48, 1, 4, 0],
  [UInt8](repeating: 0, count: HandedPacket.maximumByteCount + 1),
])
func `hostile packets are refused, and what comes with them is closed`(bytes: [UInt8]) throws {
  let path = Path()
  let door = try HandingDoor(path: path.text)
  let raw = az_unix_connect_packets(path.text)
  defer { az_tcp_close(raw) }
  let far = try #require(door.next())
  let (socket, address) = try listen()
  #expect(az_unix_send(raw, bytes, bytes.count, [socket], 1) == 0)
  az_tcp_close(socket)
  #expect(throws: HandingFault.self) { try far.receive(withinMilliseconds: 10_000) }
  let again = try listen(address.port)
  az_tcp_close(again.descriptor)
}
