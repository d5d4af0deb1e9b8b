package import ClientLimits
package import Editions
package import Places
package import ProxyProtocol
package import Securing

/// How long an endpoint may take to answer before a second one is connected to beside it.
package enum RaceDelay: Sendable, Equatable {
  case never
  /// Twice the endpoint's round trip as far as it is known, and at least `leastNanoseconds`: an
  /// answer of the second one then comes within three round trips, or 50 ms.
  case roundTrips
  case fixed(nanoseconds: UInt64)

  /// With the lateness of timers (up to 17 ms) well below 50 ms.
  static let leastNanoseconds: UInt64 = 25_000_000
}

/// A listener of the proxy, as its owner wants it.
package struct ProxyListenerSettings: Sendable, Equatable {
  package var name: String
  /// Where it listens; port 0 takes a free one.
  package var addresses: [SocketAddress]
  /// Whose decisions it follows; looked up in each edition.
  package var services: ListenerServices.Names
  /// Whether the access log has a line for each connection that has reached an endpoint, besides
  /// that for its end.
  package var logsConnects: Bool
  /// How often it has a line for each connection that lasts; nil: never. At least 1 s.
  package var logInterval: Duration?
  /// Whose connections begin with the header of a proxy; no others are taken then. nil: nobody's
  /// do.
  package var trustedProxies: TrustedProxies?
  /// For the header and the ClientHello.
  package var greetingTimeout: Duration
  /// nil: bytes are passed on as they are.
  package var tls: TLSServerContext?
  /// Open at once, over all workers; at least 1.
  package var maximumConnections: Int
  /// For one attempt.
  package var connectTimeout: Duration
  /// For all attempts of one connection together.
  package var connectBudget: Duration
  /// 1...``maximumAttemptsLimit``; more counts as that.
  package var maximumAttempts: Int
  package var raceAfter: RaceDelay
  /// Most bytes of the client's that are kept until the endpoint answers, for the next one if it
  /// resets the connection instead; 0: that resets the client's. At most 65,536.
  package var repeatedBytes: Int
  /// Without a byte in either direction.
  package var idleTimeout: Duration
  /// As `idleTimeout`, once a side has ended.
  package var halfClosedTimeout: Duration
  /// Most bytes held for a peer that does not take them, for each direction. 1...65,536; more
  /// counts as that.
  package var bufferBytes: Int
  package var tcp: TCPOptions
  package var clientLimits: ClientLimits
  /// Set: it takes no new connections, and those that are open end in this time, which begins when
  /// the listener is first told. nil: it is in service.
  package var drain: Drain?

  /// How the open connections of a listener that drains come to their end.
  package struct Drain: Sendable, Equatable {
    /// By then the last one is closed.
    package var deadline: Duration
    /// The last part of the deadline, in which they are closed one after another.
    package var spread: Duration

    package init(deadline: Duration, spread: Duration) {
      self.deadline = deadline
      self.spread = spread
    }
  }

  /// Attempts whose endpoints a connection remembers.
  package static let maximumAttemptsLimit = 8

  package init(
    name: String, addresses: [SocketAddress], services: ListenerServices.Names,
    logsConnects: Bool = false, logInterval: Duration? = nil,
    trustedProxies: TrustedProxies? = nil,
    greetingTimeout: Duration = .seconds(3), tls: TLSServerContext? = nil,
    maximumConnections: Int = 10_000,
    connectTimeout: Duration = .seconds(2), connectBudget: Duration = .seconds(6),
    maximumAttempts: Int = 4, raceAfter: RaceDelay = .roundTrips,
    repeatedBytes: Int = 0, idleTimeout: Duration = .seconds(300),
    halfClosedTimeout: Duration = .seconds(30), bufferBytes: Int = 65_536,
    tcp: TCPOptions = TCPOptions(), clientLimits: ClientLimits = ClientLimits(),
    drain: Drain? = nil
  ) {
    self.name = name
    self.addresses = addresses
    self.services = services
    self.logsConnects = logsConnects
    self.logInterval = logInterval
    self.trustedProxies = trustedProxies
    self.greetingTimeout = greetingTimeout
    self.tls = tls
    self.maximumConnections = maximumConnections
    self.connectTimeout = connectTimeout
    self.connectBudget = connectBudget
    self.maximumAttempts = maximumAttempts
    self.raceAfter = raceAfter
    self.repeatedBytes = repeatedBytes
    self.idleTimeout = idleTimeout
    self.halfClosedTimeout = halfClosedTimeout
    self.bufferBytes = bufferBytes
    self.tcp = tcp
    self.clientLimits = clientLimits
    self.drain = drain
  }

  /// Where it listens now: nowhere while it drains.
  var servedAddresses: [SocketAddress] { drain == nil ? addresses : [] }

  var limits: ConnectionStateMachine.Limits {
    ConnectionStateMachine.Limits(
      greetingTimeout: greetingTimeout.nanoseconds,
      connectTimeout: connectTimeout.nanoseconds, connectBudget: connectBudget.nanoseconds,
      maximumAttempts: UInt8(max(1, min(maximumAttempts, Self.maximumAttemptsLimit))),
      idleTimeout: idleTimeout.nanoseconds, halfClosedTimeout: halfClosedTimeout.nanoseconds)
  }

  var bufferLimit: Int { max(1, min(bufferBytes, BufferPool.blockByteCount)) }
}

extension Duration {
  /// At least 0, and no more than a hundred years, so that adding it to a time cannot overflow.
  var nanoseconds: UInt64 {
    let (seconds, attoseconds) = components
    guard seconds >= 0, attoseconds >= 0 else { return 0 }
    guard seconds < 3_000_000_000 else { return 3_000_000_000 * 1_000_000_000 }
    return UInt64(seconds) * 1_000_000_000 + UInt64(attoseconds / 1_000_000_000)
  }
}
