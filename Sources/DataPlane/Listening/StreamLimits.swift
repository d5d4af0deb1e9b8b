/// What connections may take, of DNS over TCP or of DNS over TLS.
public struct StreamLimits: Sendable, Equatable {
  /// Over all addresses. One more closes the connection that has been quiet for the longest.
  public var maximumConnections: Int
  /// For one IPv4 address or IPv6 /64. One more is closed at once.
  public var maximumConnectionsPerClient: Int
  /// How long a connection may be quiet (RFC 7766 §6.2.3).
  public var idleTimeout: Duration
  /// For the whole of a message that has begun, of a TLS handshake, of a proxy's header.
  public var receiveTimeout: Duration
  /// How long a peer may read nothing of what it was sent.
  public var sendTimeout: Duration

  public init(
    maximumConnections: Int = 10_000, maximumConnectionsPerClient: Int = 100,
    idleTimeout: Duration = .seconds(10), receiveTimeout: Duration = .seconds(5),
    sendTimeout: Duration = .seconds(10)
  ) {
    self.maximumConnections = max(1, maximumConnections)
    self.maximumConnectionsPerClient = max(1, maximumConnectionsPerClient)
    self.idleTimeout = idleTimeout
    self.receiveTimeout = receiveTimeout
    self.sendTimeout = sendTimeout
  }

  /// The idle time-out with so many connections open. RFC 7766 §6.2.3 lets it shrink as they use
  /// up what there is: whole until half of the connections are open, then falling evenly to a
  /// tenth when all are.
  package func idleTimeout(openConnections: Int) -> Duration {
    let half = maximumConnections / 2
    let beyond = min(openConnections, maximumConnections) - half
    guard beyond > 0 else { return idleTimeout }
    let tenths = 10.0 - 9.0 * Double(beyond) / Double(maximumConnections - half)
    return idleTimeout * (tenths / 10)
  }
}
