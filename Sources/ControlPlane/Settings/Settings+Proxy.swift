package import Places
package import ServerNames

extension Settings.Proxy.Listener {
  /// The services that it has, with the names that they are for; nil: for all others.
  package var services: [(serverName: ServerNamePattern?, service: Int)] {
    (service.map { [(nil, $0)] } ?? []) + serverNames.map { ($0.pattern, $0.service) }
  }
}

extension Settings.Proxy {
  /// Whom a listener takes; at least one of them is said.
  package struct Access: Sendable, Equatable {
    /// nil: all whom `denied` does not name.
    package var allowed: Settings.ClientMatch?
    /// Wins over `allowed`.
    package var denied: Settings.ClientMatch?
  }

  /// Where connections go whose ClientHello asks for a name.
  package struct ServerName: Sendable, Equatable {
    package var pattern: ServerNamePattern
    /// Index into ``Settings/services``.
    package var service: Int
  }

  /// When a second endpoint is connected to beside one that has not answered.
  package enum RaceDelay: Sendable, Equatable {
    case never
    /// After twice the endpoint's usual time.
    case automatic
    case after(Duration)
  }

  /// Options of a listener's sockets, and of those to its endpoints.
  package struct TCP: Sendable, Equatable {
    package struct KeepAlive: Sendable, Equatable {
      package var idle: Duration
      package var interval: Duration
      package var probes: Int
    }

    package var keepAlive: KeepAlive?
    /// nil: the system's.
    package var userTimeout: Duration?
    package var sendsAtOnce = true
    package var fastOpenQueue = 0
    package var backlog = 4096
    package var mark = 0
    package var sources: [IPAddress] = []
  }
}
