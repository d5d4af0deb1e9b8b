import Balancing
import ClientLimits
import Places
import Routing
import Securing

/// One end of a proxied connection and the stream that comes from it.
struct Half {
  /// −1: none.
  var fd: Int32 = -1
  /// Tells the events of this descriptor from stale ones of an earlier owner of the slot.
  var tag: UInt32 = 0
  /// There may be something to read.
  var isReadable = false
  /// epoll has told of the peer's FIN: what is queued now is all there will be.
  var isFinished = false
  /// Urgent data was seen: short reads say nothing any more.
  var isUrgent = false
  /// Everything was read, up to the FIN.
  var isAtEnd = false
  /// The other side takes no more: epoll tells when it does.
  var isBlocked = false
  /// More has come while the other side takes none: epoll tells of bytes again once it does.
  var isQuiet = false
  /// Reads that filled the buffer, one after another; of an open pipe, moves that were small.
  var streak: UInt8 = 0
  /// It waits in the list of those that have used up their turn.
  var isQueued = false
  /// Read from here, not yet taken by the other side.
  var pending = PendingBytes()
  /// What a long stream goes through instead of a buffer.
  var pipe = StreamPipe()
  /// Read from here in all.
  var byteCount: UInt64 = 0

  /// Keeps what epoll says of it until it is read.
  mutating func note(_ readiness: Poller.Readiness) {
    if readiness.isReadable { isReadable = true }
    if readiness.isFinished { isFinished = true }
    if readiness.isUrgent { isUrgent = true }
  }
}

/// What an endpoint may have done and is tried nevertheless.
enum Tolerance: UInt8, CaseIterable {
  case none
  /// It has failed lately.
  case failure
  /// It is ejected: the client would be sent away otherwise.
  case ejection

  /// In logs; nil: there is nothing to tolerate.
  var name: String? {
    switch self {
    case .none: nil
    case .failure: "failure"
    case .ejection: "ejection"
    }
  }
}

/// An attempt to connect to an endpoint, and how that came to be chosen.
struct Attempt {
  /// Names of the configuration in which the endpoint was chosen; indices refer to it.
  var context: RouteContext?
  /// Index into the context's endpoints; −1: none was chosen.
  var endpoint: Int32 = -1
  /// Index into the context's regions; −1: none was chosen.
  var region: Int32 = -1
  /// Index into the context's services.
  var service: Int32 = -1
  /// Counted in the endpoint's ``PassiveHealth/Record/load``.
  var isLoad = false
  var basis = Basis.healthy
  /// What the endpoint had done when it was chosen.
  var despite = Tolerance.none
  /// Of the edition ``editionNumber``.
  var decision = Decision(outcome: 0, cohort: 0, scopeBits: 0)
  var editionNumber: UInt64 = 0
  /// Of the service's primary in that edition; 0: it has none.
  var epoch: UInt64 = 0
  /// Nanoseconds of the monotonic clock.
  var startedAt: UInt64 = 0

  /// What all workers know of the endpoint.
  var record: PassiveHealth.Record? { endpoint < 0 ? nil : context?.endpoints[Int(endpoint)] }

  /// The rule by which the endpoint was chosen among those of its region.
  var method: BalanceRules.Method? { endpoint < 0 ? nil : context?.balance[Int(service)].method }
}

/// A second attempt beside the first one. It lives for milliseconds, so it is kept apart from the
/// slots.
struct Rival {
  /// Becomes the upstream if it wins.
  var half = Half()
  var attempt = Attempt()
  /// nil: its endpoint speaks no TLS.
  var session: TLSSession?
}

/// A proxied connection: a slot of fixed size.
struct Pair {
  var client = Half()
  var upstream = Half()
  var machine = ConnectionStateMachine(acceptedAt: 0)
  var isInUse = false
  /// Index into the worker's listeners.
  var listener: Int32 = 0
  /// The last one, or the one that connected.
  var attempt = Attempt()
  /// As a trusted proxy says, if there is one.
  var clientAddress = SocketAddress(address: .ipv4(0), port: 0)
  /// All that the client has sent, as long as it may have to be sent to another endpoint.
  var sent = PendingBytes()
  /// What the client says before it is known where it goes; nil: nothing is asked.
  var greeting: Greeting?
  /// nil: bytes are passed on as they are.
  var secured: SecuredEnds?
  /// What the client's connection counts in.
  var ticket = ClientLimiter.Ticket.empty
  /// Of this worker's connections.
  var sequence: UInt64 = 0
  /// From the accept, nanoseconds; 0: not connected.
  var connectNanoseconds: UInt64 = 0
  /// ``EndpointLoad/serial`` of the endpoints that were tried; 0: none.
  var tried = InlineArray<8, UInt32>(repeating: 0)

  func hasTried(_ serial: UInt32) -> Bool {
    for index in tried.indices where tried[index] == serial { return true }
    return false
  }

  mutating func noteTried(_ serial: UInt32) {
    for index in tried.indices where tried[index] == 0 {
      tried[index] = serial
      return
    }
  }
}

/// A slot of a ``PairTable``. The memory stays where it is and stays initialised as long as the
/// table lives, and only the thread that owns the table has references: that makes this safe.
@safe struct PairReference {
  fileprivate let pointer: UnsafeMutablePointer<Pair>

  @inline(__always) var pointee: Pair {
    unsafeAddress { unsafe UnsafePointer(pointer) }
    nonmutating unsafeMutableAddress { unsafe pointer }
  }

  @inline(__always) subscript(side: Side) -> Half {
    unsafeAddress { unsafe UnsafePointer(half(side)) }
    nonmutating unsafeMutableAddress { unsafe half(side) }
  }

  @inline(__always) private func half(_ side: Side) -> UnsafeMutablePointer<Half> {
    // A stored property has an address.
    switch side {
    case .client: unsafe pointer.pointer(to: \.client).unsafelyUnwrapped
    case .upstream: unsafe pointer.pointer(to: \.upstream).unsafelyUnwrapped
    }
  }
}

/// The slots of one worker, in chunks that never move; they grow to the most that were ever open
/// and are kept.
@safe struct PairTable: ~Copyable {
  private static let chunkCount = 256
  private var chunks: [UnsafeMutablePointer<Pair>]
  private var free: [Int32] = []
  private var lastTag: UInt32 = 0

  init() { unsafe chunks = [] }

  deinit {
    unsafe chunks.forEach { chunk in
      unsafe chunk.deinitialize(count: Self.chunkCount)
      unsafe chunk.deallocate()
    }
  }

  /// Slots there are, used or not.
  var capacity: Int { unsafe chunks.count * Self.chunkCount }
  var usedCount: Int { capacity - free.count }

  /// A slot of 0..<``capacity``.
  subscript(slot: Int) -> PairReference {
    @inline(__always) get {
      // The array checks the chunk, the mask the place in it.
      let chunk = unsafe chunks[slot / Self.chunkCount]
      return unsafe PairReference(pointer: chunk + slot % Self.chunkCount)
    }
  }

  /// A fresh slot in use.
  mutating func take() -> Int {
    if free.isEmpty { grow() }
    let slot = Int(free.removeLast())
    self[slot].pointee.isInUse = true
    return slot
  }

  /// Forgets what the slot held.
  mutating func giveBack(_ slot: Int) {
    self[slot].pointee = Pair()
    free.append(Int32(slot))
  }

  /// A tag that was not used lately.
  mutating func makeTag() -> UInt32 {
    lastTag = lastTag == .max ? 1 : lastTag + 1
    return lastTag
  }

  private mutating func grow() {
    let first = capacity
    let chunk = UnsafeMutablePointer<Pair>.allocate(capacity: Self.chunkCount)
    unsafe chunk.initialize(repeating: Pair(), count: Self.chunkCount)
    unsafe chunks.append(chunk)
    // The lowest slots are handed out first.
    free += (first..<first + Self.chunkCount).reversed().map { Int32($0) }
  }
}
