import CLinux
import Glibc
import Places
import Synchronization
import Testing

/// A network namespace for one thread, with addresses of its own: what it opens is closed to all
/// others, and nothing outlives it.
enum OwnNetwork {
  /// Whether the system lets us make one.
  static let isPermitted = (try? run(with: []) {}) != nil

  struct Refusal: Error {
    let call: String
    let code: Int32
  }

  /// Runs `body` on a thread in a new network whose loopback interface has the IPv6 addresses.
  static func run<Result: Sendable>(
    with addresses: [String], _ body: @escaping @Sendable () throws -> Result
  ) throws -> Result {
    let work = Work {
      try enter(addresses)
      return try body()
    }
    var thread: UInt64 = 0
    let context = Unmanaged.passRetained(work)
    let code = az_thread_start(
      "own-network",
      { context in
        if let context { Unmanaged<AnyWork>.fromOpaque(context).takeRetainedValue().perform() }
      }, context.toOpaque(), &thread)
    guard code == 0 else { throw Refusal(call: "thread", code: code) }
    az_thread_join(thread)
    return try work.result()
  }

  private class AnyWork: @unchecked Sendable {
    func perform() {}
  }

  private final class Work<Value: Sendable>: AnyWork, @unchecked Sendable {
    private let body: @Sendable () throws -> Value
    private let outcome = Mutex<Result<Value, any Error>?>(nil)

    init(_ body: @escaping @Sendable () throws -> Value) { self.body = body }

    override func perform() {
      let done = Result { try body() }
      outcome.withLock { $0 = done }
    }

    func result() throws -> Value {
      guard let outcome = outcome.withLock({ $0 }) else { throw Refusal(call: "run", code: 0) }
      return try outcome.get()
    }
  }

  private static func enter(_ addresses: [String]) throws {
    // CLONE_NEWNET.
    guard try unshare(0x4000_0000) == 0 else { throw Refusal(call: "unshare", code: errno) }
    let descriptor = socket(AF_INET6, Int32(SOCK_DGRAM.rawValue), 0)
    defer { close(descriptor) }
    // A struct ifreq: the name in 16 bytes, then the flags.
    var flags = [UInt8](repeating: 0, count: 40)
    flags.replaceSubrange(0..<2, with: "lo".utf8)
    flags[16] = UInt8(IFF_UP)
    try request(0x8914, "SIOCSIFFLAGS", descriptor, &flags)
    for address in addresses {
      guard case .ipv6(let bits)? = IPAddress(address) else { continue }
      // A struct in6_ifreq: address, prefix length, index of the interface, which is the first.
      var entry = (0..<16).map { UInt8(truncatingIfNeeded: bits >> UInt128(120 - 8 * $0)) }
      entry += [128, 0, 0, 0, 1, 0, 0, 0]
      try request(0x8916, "SIOCSIFADDR", descriptor, &entry)
      // The system makes it ready on its own time.
      eventually("the address \(address)") {
        Client.canSend(from: ServerAddress(address: .ipv6(bits), port: 0))
      }
    }
  }

  private static func request(
    _ number: UInt, _ call: String, _ descriptor: Int32, _ bytes: inout [UInt8]
  ) throws {
    let control = try function(
      "ioctl", as: (@convention(c) (Int32, UInt, UnsafeMutableRawPointer?) -> Int32).self)
    let code = bytes.withUnsafeMutableBytes { control(descriptor, number, $0.baseAddress) }
    guard code == 0 else { throw Refusal(call: call, code: errno) }
  }

  private static func unshare(_ flags: Int32) throws -> Int32 {
    try function("unshare", as: (@convention(c) (Int32) -> Int32).self)(flags)
  }

  /// Of the C library, for what Swift does not import: GNU's own and what takes varying arguments.
  private static func function<Function>(_ name: String, as type: Function.Type) throws -> Function
  {
    guard let symbol = dlsym(nil, name) else { throw Refusal(call: name, code: 0) }
    return unsafeBitCast(symbol, to: type)
  }
}
