import CLinux
package import Places

/// What the sockets of a listener, and those to its endpoints, ask of the system (tcp(7),
/// socket(7)).
package struct TCPOptions: Sendable, Equatable {
  /// Probes of a silent peer.
  package struct KeepAlive: Sendable, Equatable {
    /// Seconds of silence before the first one.
    package var idleSeconds: Int
    /// Seconds between them.
    package var intervalSeconds: Int
    /// Unanswered ones that end the connection.
    package var probes: Int

    package init(idleSeconds: Int, intervalSeconds: Int, probes: Int) {
      self.idleSeconds = idleSeconds
      self.intervalSeconds = intervalSeconds
      self.probes = probes
    }
  }

  package var keepAlive: KeepAlive?
  /// Milliseconds that sent data may stay unacknowledged (RFC 5482 §2); 0: the system's value.
  package var userTimeoutMilliseconds: Int
  /// Without Nagle's algorithm.
  package var sendsAtOnce: Bool
  /// Connections that may wait with data in their SYN (RFC 7413 §4.1.2); 0: none are taken.
  package var fastOpenQueue: Int
  /// Connections that the kernel holds before they are accepted.
  package var backlog: Int
  /// `SO_MARK`, for routing rules and firewalls; needs CAP_NET_ADMIN; 0: none.
  package var mark: UInt32
  /// Where connections to endpoints come from; at most one of each family.
  package var sources: [IPAddress]

  package init(
    keepAlive: KeepAlive? = nil, userTimeoutMilliseconds: Int = 0, sendsAtOnce: Bool = true,
    fastOpenQueue: Int = 0, backlog: Int = 4096, mark: UInt32 = 0, sources: [IPAddress] = []
  ) {
    self.keepAlive = keepAlive
    self.userTimeoutMilliseconds = userTimeoutMilliseconds
    self.sendsAtOnce = sendsAtOnce
    self.fastOpenQueue = fastOpenQueue
    self.backlog = backlog
    self.mark = mark
    self.sources = sources
  }

  var raw: az_tcp_options {
    az_tcp_options(
      keepalive_idle_s: Int32(clamping: keepAlive?.idleSeconds ?? 0),
      keepalive_interval_s: Int32(clamping: keepAlive?.intervalSeconds ?? 0),
      keepalive_probes: Int32(clamping: keepAlive?.probes ?? 0),
      user_timeout_ms: Int32(clamping: userTimeoutMilliseconds),
      fast_open_queue: Int32(clamping: fastOpenQueue), mark: mark, delays: sendsAtOnce ? 0 : 1)
  }
}

/// The options of a listener's connections to endpoints, as the system takes them.
struct OutgoingOptions {
  var options: az_tcp_options
  var sourceIPv4: az_tcp_address?
  var sourceIPv6: az_tcp_address?

  init(_ options: TCPOptions) {
    self.options = options.raw
    self.options.fast_open_queue = 0
    for source in options.sources {
      let raw = az_tcp_address(SocketAddress(address: source, port: 0))
      if raw.is_ipv6 == 0 { sourceIPv4 = raw } else { sourceIPv6 = raw }
    }
  }
}
