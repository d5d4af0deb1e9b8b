import CLinux
import Glibc
import Places
import Synchronization

/// systemd, or whoever speaks its two protocols: sockets that it made or kept are inherited
/// (sd_listen_fds(3)), and it is told how the service stands (sd_notify(3)).
package final class Systemd: Sendable {
  /// The first descriptor that is handed (SD_LISTEN_FDS_START).
  static let firstDescriptor: Int32 = 3
  /// systemd's own limit of `FileDescriptorStoreMax` is far below.
  static let maximumDescriptorCount = 4_096

  /// How often it wants to hear that the service lives; nil: it has no watchdog for this process.
  package let watchdog: Watchdog?
  private let notifyPath: String?
  private let descriptors: Range<Int32>
  /// Names of the sockets in its keeping.
  private let keptNames = Mutex<Set<String>>([])

  /// - Parameters:
  ///   - environment: `NOTIFY_SOCKET`, `LISTEN_PID`, `LISTEN_FDS`, `WATCHDOG_USEC` and
  ///     `WATCHDOG_PID` count.
  ///   - processID: this process.
  package init(environment: [String: String], processID: Int32) {
    notifyPath = environment["NOTIFY_SOCKET"].flatMap { $0.isEmpty ? nil : $0 }
    watchdog = Watchdog(environment: environment, processID: processID)
    // Inherited by mistake from a parent, they are not for us.
    let isForUs = environment["LISTEN_PID"].flatMap { Int32($0) } == processID
    let count = isForUs ? environment["LISTEN_FDS"].flatMap { Int($0) } ?? 0 : 0
    let limit = min(max(0, count), Self.maximumDescriptorCount)
    descriptors = Self.firstDescriptor..<Self.firstDescriptor + Int32(limit)
  }

  package var isPresent: Bool { notifyPath != nil }

  /// Takes over the sockets that were handed. To be called once, early: until then their numbers
  /// are nobody else's.
  package func handSockets(to inherited: InheritedSockets) {
    for descriptor in descriptors { inherited.add(descriptor) }
  }

  /// `READY=1`, and which process it is.
  package func tellReady(processID: Int32) { tell("READY=1\nMAINPID=\(processID)") }

  /// The start goes on, and is not to be given up within so long
  /// (`EXTEND_TIMEOUT_USEC`, sd_notify(3)).
  package func tellStarting(within time: Duration) {
    tell("EXTEND_TIMEOUT_USEC=\(Int(time / .microseconds(1)))")
  }

  /// For a watchdog (`WATCHDOG=1`).
  package func tellAlive() { tell("WATCHDOG=1") }

  package func tellStopping() { tell("STOPPING=1") }

  /// A reload begins; ``tellReady(processID:)`` says that it has ended.
  package func tellReloading() {
    tell("RELOADING=1\nMONOTONIC_USEC=\(az_monotonic_ns() / 1_000)")
  }

  /// Gives all sockets into systemd's keeping, so that the next start inherits them, and takes
  /// those back that are no longer among them: somebody would connect to them and wait. With
  /// `FileDescriptorStoreMax=0` it keeps none. What it has already it does not keep twice.
  package func keep(_ sockets: [Int32]) {
    guard isPresent else { return }
    let limit = AZ_UNIX_DESCRIPTORS
    let named = Dictionary(grouping: sockets, by: Self.name(of:))
    for (name, sockets) in named {
      for start in stride(from: 0, to: sockets.count, by: limit) {
        tell("FDSTORE=1\nFDNAME=\(name)", Array(sockets[start...].prefix(limit)))
      }
    }
    let gone = keptNames.withLock { names in
      defer { names = Set(named.keys) }
      return names.subtracting(named.keys)
    }
    for name in gone { tell("FDSTOREREMOVE=1\nFDNAME=\(name)") }
  }

  /// Such as `tcp-127.0.0.1-53`: a name has no colon.
  private static func name(of socket: Int32) -> String {
    var address = az_tcp_address()
    let kind = unsafe az_socket_kind(socket, &address)
    let text = String(SocketAddress(address).address.description.map { $0 == ":" ? "_" : $0 })
    return "\(kind == Int32(AZ_SOCKET_DATAGRAM) ? "udp" : "tcp")-\(text)-\(address.port)"
  }

  /// Nobody who does not listen is worth an error.
  private func tell(_ text: String, _ descriptors: [Int32] = []) {
    guard let notifyPath else { return }
    let bytes = Array(text.utf8)
    _ = unsafe az_unix_notify(
      notifyPath, bytes, bytes.count, descriptors, descriptors.count)
  }
}
