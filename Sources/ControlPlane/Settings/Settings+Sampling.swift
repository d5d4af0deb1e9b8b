extension Settings {
  /// Which resolvers send client subnets (RFC 7871).
  package struct SubnetCoverage: Sendable, Equatable {
    /// Prefixes of resolvers that are told apart, at most.
    package var resolvers = 1000
    /// Every how manieth query is looked at, on average; 1: all.
    package var interval = 100

    package init(resolvers: Int = 1000, interval: Int = 100) {
      self.resolvers = resolvers
      self.interval = interval
    }
  }
}

extension Settings {
  /// Explains some of the decisions, afterwards.
  package struct DecisionLog: Sendable, Equatable {
    package var destination: Proxy.AccessLog
    /// Every how manieth DNS query and connection is explained, on average; 1: all.
    package var interval = 1000

    package init(destination: Proxy.AccessLog = .off, interval: Int = 1000) {
      self.destination = destination
      self.interval = interval
    }
  }
}
