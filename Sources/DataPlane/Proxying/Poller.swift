import CLinux

/// One thread's epoll: which descriptors have something to say.
@safe struct Poller: ~Copyable {
  /// What epoll says of a descriptor.
  struct Readiness: BitwiseCopyable {
    let mask: UInt32

    var isReadable: Bool { has(EPOLLIN) || isFinished || isBroken }
    var isWritable: Bool { has(EPOLLOUT) }
    /// The peer sent FIN.
    var isFinished: Bool { has(EPOLLRDHUP) || has(EPOLLHUP) }
    /// The connection was reset, or could not be made.
    var isBroken: Bool { has(EPOLLERR) }
    /// Urgent data waits (RFC 9293 §3.8.5): a short read may then stop before the end.
    var isUrgent: Bool { has(EPOLLPRI) }

    private func has(_ flag: EPOLL_EVENTS) -> Bool { mask & flag.rawValue != 0 }
  }

  private static let capacity = 512
  private let fd: Int32
  private let events: UnsafeMutablePointer<epoll_event>
  private var count = 0

  /// A descriptor for ``init(_:)``: made apart, so that the thread that starts another one learns
  /// of an error.
  static func makeDescriptor() throws(SystemError) -> Int32 {
    let fd = az_epoll_create()
    guard fd >= 0 else { throw SystemError(code: -fd) }
    return fd
  }

  /// Takes the descriptor over.
  init(_ descriptor: Int32) {
    fd = descriptor
    unsafe events = .allocate(capacity: Self.capacity)
  }

  deinit {
    unsafe events.deallocate()
    az_tcp_close(fd)
  }

  /// All that is to be known of a connection but its bytes, edge-triggered.
  private static let quietMask = EPOLLOUT.rawValue | EPOLLRDHUP.rawValue | EPOLLET.rawValue
  /// Bytes, and urgent ones; the kernel does not tell the two apart when it wakes whoever waits.
  private static let bytesMask = EPOLLIN.rawValue | EPOLLPRI.rawValue

  /// Everything of a connection, once and for all: no `EPOLL_CTL_MOD` later, but by
  /// ``setQuiet(_:_:data:)``.
  func addConnection(_ descriptor: Int32, data: UInt64) -> Bool {
    az_epoll_add(fd, descriptor, Self.quietMask | Self.bytesMask, data) == 0
  }

  /// Whether bytes that come are not worth an event; when they are again, those that wait are one.
  func setQuiet(_ isQuiet: Bool, _ descriptor: Int32, data: UInt64) {
    let mask = isQuiet ? Self.quietMask : Self.quietMask | Self.bytesMask
    _ = az_epoll_modify(fd, descriptor, mask, data)
  }

  /// Readable, level-triggered.
  func addListener(_ descriptor: Int32, data: UInt64) -> Bool {
    az_epoll_add(fd, descriptor, EPOLLIN.rawValue, data) == 0
  }

  func remove(_ descriptor: Int32) { _ = az_epoll_remove(fd, descriptor) }

  /// Waits for events; how many there are.
  mutating func wait(milliseconds: Int32) -> Int {
    count = max(0, Int(unsafe az_epoll_wait(fd, events, Int32(Self.capacity), milliseconds)))
    return count
  }

  /// One of the events of the last ``wait(milliseconds:)``.
  func event(_ index: Int) -> (data: UInt64, readiness: Readiness) {
    precondition(index >= 0 && index < count, "an event of the last wait")
    // Below `count`, which epoll keeps within the capacity.
    let event = unsafe events + index
    return (unsafe az_epoll_data(event), Readiness(mask: unsafe az_epoll_mask(event)))
  }
}
