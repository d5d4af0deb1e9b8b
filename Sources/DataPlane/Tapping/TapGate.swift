import CLinux
import Synchronization

/// What the writer and the threads of the data plane tell each other: whether somebody listens, and
/// that there is work. Its descriptor is closed with the object.
package final class TapGate: Sendable {
  /// Whether a peer takes frames. Shut, nothing is copied.
  let isOpen = Atomic(false)
  let isStopping = Atomic(false)
  /// An eventfd.
  let descriptor: Int32

  package init() throws(TapFault) {
    descriptor = az_wakeup_create()
    guard descriptor >= 0 else { throw TapFault(code: -descriptor) }
  }

  deinit { az_tcp_close(descriptor) }

  func wakeUp() { az_wakeup_signal(descriptor) }

  func wait(milliseconds: Int32) { az_wakeup_wait(descriptor, milliseconds) }
}
