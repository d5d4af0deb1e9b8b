import CLinux
import Glibc

/// Why two processes could not hand sockets over.
package enum HandingFault: Error, Sendable, Equatable, CustomStringConvertible {
  /// An errno.
  case system(Int32)
  /// The peer ended, or did not answer in time.
  case ended, timedOut
  case foreignUser(UInt32)
  case packet(HandedPacket.Fault)

  package var description: String {
    switch self {
    case .system(let code): unsafe String(cString: strerror(code))
    case .ended: "the other process has closed the connection"
    case .timedOut: "the other process does not answer"
    case .foreignUser(let user): "the other process belongs to user \(user)"
    case .packet(.otherVersion(let version)):
      "the other process speaks version \(version), this one \(HandedPacket.version)"
    case .packet: "the other process says what nobody understands"
    }
  }
}

/// Packets and descriptors between two processes of one user. Its calls block, but no longer than
/// they are told to; one thread at a time.
package final class HandingChannel: Sendable {
  private let fd: Int32
  /// Of the other process.
  package let processID: Int32

  /// Takes the descriptor over.
  ///
  /// - Throws: where the peer is another user's.
  init(_ descriptor: Int32) throws(HandingFault) {
    var process: Int32 = 0
    var user: UInt32 = 0
    let result = unsafe az_unix_peer(descriptor, &process, &user)
    guard result == 0, user == az_unix_user() else {
      az_tcp_close(descriptor)
      throw result == 0 ? .foreignUser(user) : .system(-result)
    }
    fd = descriptor
    processID = process
  }

  deinit { az_tcp_close(fd) }

  /// - Returns: nil: nobody listens at the path.
  package static func connect(to path: String) throws(HandingFault) -> HandingChannel? {
    let descriptor = unsafe az_unix_connect_packets(path)
    switch -descriptor {
    case ENOENT, ECONNREFUSED: return nil
    case let code where code > 0: throw .system(code)
    default: return try HandingChannel(descriptor)
    }
  }

  package func send(
    _ packet: HandedPacket, descriptors: [Int32] = []
  ) throws(HandingFault) {
    let bytes = packet.encoded(descriptorCount: descriptors.count)
    let result = unsafe az_unix_send(
      fd, bytes, bytes.count, descriptors, descriptors.count)
    guard result == 0 else { throw result == -EPIPE ? .ended : .system(-result) }
  }

  /// Sends bytes of any length in pieces.
  package func send(_ kind: HandedPacket.Kind, pieces bytes: [UInt8]) throws(HandingFault) {
    var rest = bytes[...]
    while !rest.isEmpty {
      try send(
        HandedPacket(kind, payload: Array(rest.prefix(HandedPacket.maximumPayloadByteCount))))
      rest = rest.dropFirst(HandedPacket.maximumPayloadByteCount)
    }
  }

  /// Sends sockets, in as many packets as they need.
  package func send(sockets: [Int32]) throws(HandingFault) {
    var rest = sockets[...]
    let limit = AZ_UNIX_DESCRIPTORS
    while !rest.isEmpty {
      try send(HandedPacket(.sockets), descriptors: Array(rest.prefix(limit)))
      rest = rest.dropFirst(limit)
    }
  }

  /// The next packet. Its descriptors belong to the caller.
  package func receive(
    withinMilliseconds limit: Int32
  ) throws(HandingFault) -> (packet: HandedPacket, descriptors: [Int32]) {
    guard az_unix_wait(fd, -1, 0, limit) != 0 else { throw .timedOut }
    var bytes = [UInt8](repeating: 0, count: HandedPacket.maximumByteCount)
    var descriptors = [Int32](repeating: -1, count: AZ_UNIX_DESCRIPTORS)
    var descriptorCount = descriptors.count
    let count = unsafe az_unix_receive(
      fd, &bytes, bytes.count, &descriptors, &descriptorCount)
    if count == -Int(EMSGSIZE) { throw .packet(.damaged) }
    guard count >= 0 else { throw .system(Int32(-count)) }
    guard count > 0 else { throw .ended }
    let found = Array(descriptors[..<descriptorCount])
    do throws(HandedPacket.Fault) {
      return (try HandedPacket(bytes[..<count], descriptorCount: found.count), found)
    } catch {
      for descriptor in found { az_tcp_close(descriptor) }
      throw .packet(error)
    }
  }

  /// Whether the other process has closed its end. Takes nothing from the channel.
  package var hasEnded: Bool {
    guard az_unix_wait(fd, -1, 0, 0) != 0 else { return false }
    var byte: UInt8 = 0
    return unsafe az_tcp_peek(fd, &byte, 1) <= 0
  }
}

/// Where a process waits for its successor.
package final class HandingDoor: Sendable {
  private let fd: Int32
  private let wakeUp: Int32

  /// Takes the place of whoever waited there, without a moment when nobody does.
  package init(path: String) throws(HandingFault) {
    fd = unsafe az_unix_listen(path)
    guard fd >= 0 else { throw .system(-fd) }
    wakeUp = az_wakeup_create()
    guard wakeUp >= 0 else {
      az_tcp_close(fd)
      throw .system(-wakeUp)
    }
  }

  deinit {
    az_tcp_close(fd)
    az_tcp_close(wakeUp)
  }

  /// Lets ``next()`` return.
  package func close() { az_wakeup_signal(wakeUp) }

  /// Waits for somebody of the same user; others are sent away. nil: ``close()`` was called.
  package func next() -> HandingChannel? {
    while true {
      let found = az_unix_wait(fd, wakeUp, 0, -1)
      if found & Int32(AZ_UNIX_WOKEN) != 0 { return nil }
      let connection = az_unix_accept(fd)
      guard connection >= 0 else {
        // Such as no descriptor being left.
        if connection != -EAGAIN { az_wakeup_wait(wakeUp, 100) }
        continue
      }
      if let channel = try? HandingChannel(connection) { return channel }
    }
  }
}
