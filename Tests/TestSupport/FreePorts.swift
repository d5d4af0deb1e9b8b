import Glibc
import Synchronization

/// Ports for servers of tests, each given once: a server takes its port some time after it was
/// chosen, and until then nobody else may choose it.
package enum FreePorts {
  private static let given = Mutex<Set<Int>>([])

  /// The first of so many in a row that nobody listens on, with TCP or UDP, on any address. They
  /// are below the ports that the system gives to clients, so that none of these takes one
  /// meanwhile.
  package static func take(_ count: Int = 1) -> Int {
    while true {
      let first = Int.random(in: 10_000..<30_000)
      let ports = first..<first + count
      guard ports.allSatisfy(isFree) else { continue }
      let isNew = given.withLock { given in
        guard given.isDisjoint(with: ports) else { return false }
        given.formUnion(ports)
        return true
      }
      if isNew { return first }
    }
  }

  /// Nobody listens on it, with TCP or UDP, on any address, and no connection of it is left.
  package static func isFree(_ port: Int) -> Bool {
    [SOCK_STREAM, SOCK_DGRAM].allSatisfy { kind in
      let descriptor = socket(AF_INET, Int32(kind.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
      guard descriptor >= 0 else { return false }
      defer { close(descriptor) }
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = UInt16(port).bigEndian
      return withUnsafePointer(to: &address) { address in
        address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
        }
      }
    }
  }
}
