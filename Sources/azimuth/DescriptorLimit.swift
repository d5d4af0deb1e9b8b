import CLinux
import Logging
import Settings

/// How many file descriptors the process may have open. Peers take them by connecting; health
/// checks and the admin API must find some.
struct DescriptorLimit {
  /// For all that is no peer's connection.
  private static let reserve = 256

  let count: Int
  /// What all connections that the settings allow would take.
  let wanted: Int

  /// Raises the limit as far as it goes.
  init(_ settings: Settings) {
    count = max(1, Int(az_raise_descriptor_limit()))
    // A proxied connection takes one on either side.
    wanted =
      settings.dns.tcp.maximumConnections + (settings.dns.tls?.streams.maximumConnections ?? 0)
      + settings.proxy.listeners.reduce(0) { $0 + 2 * $1.maximumConnections }
  }

  /// As many connections as are allowed, or where there are too few descriptors for all, its share:
  /// with one more the quietest is closed, which is better than to accept nobody.
  func share(of connections: Int) -> Int {
    let available = max(count / 2, count - Self.reserve)
    guard wanted > available else { return connections }
    return max(1, Int(Double(connections) * Double(available) / Double(wanted)))
  }

  /// Says so if the settings allow more connections than there are descriptors.
  func warnIfExceeded(logger: Logger) {
    guard wanted > count - Self.reserve else { return }
    logger.warning(
      "more connections are allowed than file descriptors; raise the hard limit (ulimit -Hn)",
      metadata: ["descriptors": "\(count)", "wanted": "\(wanted + Self.reserve)"])
  }
}
