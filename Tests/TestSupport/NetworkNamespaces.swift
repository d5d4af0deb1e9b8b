import Foundation
import Glibc
import Synchronization

/// Networks of their own on one wire, 10.98.0.1, .2 and so on, of which any can be cut from any
/// other, in one direction or both. It takes root.
package final class NetworkNamespaces: Sendable {
  /// Whether the system lets us make one.
  package static let isPermitted: Bool = {
    let name = "azimuth-\(getpid())-probe"
    guard (try? ip("netns", "add", name)) != nil else { return false }
    return (try? ip("netns", "del", name)) != nil
  }()

  struct Fault: Error, CustomStringConvertible {
    var description: String
  }

  package let addresses: [String]
  private let names: [String]
  private let wire: String

  package init(count: Int) throws {
    let base = "azimuth-\(UUID().uuidString.prefix(8))"
    wire = "\(base)-wire"
    names = (1...count).map { "\(base)-\($0)" }
    addresses = (1...count).map { "10.98.0.\($0)" }
    do {
      try Self.ip("netns", "add", wire)
      try Self.ip("-n", wire, "link", "add", "bridge", "type", "bridge")
      try Self.ip("-n", wire, "link", "set", "bridge", "up")
      for (name, address) in zip(names, addresses) { try plug(name, address) }
    } catch {
      remove()
      throw error
    }
  }

  private func plug(_ name: String, _ address: String) throws {
    let port = "p\(address.split(separator: ".").last ?? "")"
    try Self.ip("netns", "add", name)
    try Self.ip("-n", name, "link", "set", "lo", "up")
    try Self.ip(
      "-n", wire, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", name)
    try Self.ip("-n", wire, "link", "set", port, "master", "bridge", "up")
    try Self.ip("-n", name, "address", "add", "\(address)/24", "dev", "eth0")
    try Self.ip("-n", name, "link", "set", "eth0", "up")
  }

  package func remove() {
    for name in names + [wire] { _ = try? Self.ip("netns", "del", name) }
  }

  /// Runs a program in one of them.
  package func start(_ path: String, _ arguments: [String], in index: Int) throws -> RunningProcess
  {
    try RunningProcess(Self.path, ["netns", "exec", names[index], path] + arguments)
  }

  /// What one sends does not reach the other.
  package func cut(from: Int, to: Int) throws {
    try Self.ip("-n", names[from], "route", "replace", "blackhole", "\(addresses[to])/32")
  }

  /// Neither of these reaches any of those.
  package func cut(_ these: some Collection<Int>, from those: some Collection<Int>) throws {
    for one in these {
      for other in those where other != one {
        try cut(from: one, to: other)
        try cut(from: other, to: one)
      }
    }
  }

  /// All reach all again.
  package func heal() throws {
    for name in names { try Self.ip("-n", name, "route", "flush", "type", "blackhole") }
  }

  /// Runs `body` on a thread in one of them: sockets that it opens stay there.
  package func within<Value: Sendable>(
    _ index: Int, _ body: @escaping @Sendable () throws -> Value
  ) throws -> Value {
    let name = names[index]
    let outcome = Mutex<Result<Value, any Error>?>(nil)
    let isDone = DispatchSemaphore(value: 0)
    Thread.detachNewThread {
      let result = Result {
        try Self.enter(name)
        return try body()
      }
      outcome.withLock { $0 = result }
      isDone.signal()
    }
    isDone.wait()
    guard let result = outcome.withLock({ $0 }) else { throw Fault(description: "no result") }
    return try result.get()
  }

  /// The thread that calls is in another network from now on.
  private static func enter(_ name: String) throws {
    let descriptor = open("/run/netns/\(name)", O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw Fault(description: "\(name): errno \(errno)") }
    defer { close(descriptor) }
    // GNU's own, which Swift does not import. CLONE_NEWNET.
    guard let symbol = dlsym(nil, "setns") else { throw Fault(description: "no setns") }
    let setns = unsafeBitCast(symbol, to: (@convention(c) (Int32, Int32) -> Int32).self)
    guard setns(descriptor, 0x4000_0000) == 0 else {
      throw Fault(description: "setns \(name): errno \(errno)")
    }
  }

  private static let path = "/bin/ip"

  @discardableResult
  private static func ip(_ arguments: String...) throws -> String {
    let process = try RunningProcess(path, arguments)
    process.waitForEnd()
    guard process.status == 0 else {
      throw Fault(description: "\(process.name): \(process.all)")
    }
    return process.all
  }
}
