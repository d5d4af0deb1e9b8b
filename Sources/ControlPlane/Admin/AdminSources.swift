package import Admitting
package import Clustering
package import Counters
package import Editions
package import Gating
package import Places
package import Publishing
package import Settings
package import Simulating

/// What the admin server shows and does: everything that it does not own, so that it imports
/// neither the program nor the parts beside it.
package struct AdminSources: Sendable {
  package var node: NodeFacts
  package var publisher: EditionPublisher
  package var counters: CounterBoard
  /// Seconds since 1970.
  package var now: @Sendable () -> Double
  /// Whom the server lets in at present. Waits for nothing: every answer is behind it, those on
  /// health too.
  package var settings: @Sendable () -> Settings.Admin
  /// What an edition serves under a name; the name as it came, not yet checked.
  package var lookUpName: @Sendable (_ name: String, _ edition: Edition) -> NameLookup
  /// Which service connections of a listener get that ask for a name; empty: for none.
  package var lookUpListener:
    @Sendable (_ name: String, _ serverName: String, _ edition: Edition) async -> ListenerLookup
  package var probeReports: @Sendable () async -> [ProbeReport] = { [] }
  /// What this node's proxy has to do with the endpoints of an edition, by id; those that it has
  /// not used are left out.
  package var endpointUses: @Sendable (_ edition: Edition) async -> [String: EndpointUse] = {
    _ in [:]
  }
  /// All zones, by name.
  package var zones: @Sendable () async -> [ZoneReport] = { [] }
  /// The fleet as this node sees it; nil: it is in none.
  package var fleet: @Sendable () async -> FleetReport? = { nil }
  /// How the node stands with its anycast addresses; nil: it has none.
  package var anycast: @Sendable () async -> AnycastReport? = { nil }
  /// Which resolvers send client subnets, the most frequent first and at most so many; nil: it is
  /// off.
  package var subnetCoverage: @Sendable (_ count: Int) async -> SubnetCoverageReport? = { _ in nil }
  /// Who says what of each endpoint in the fleet; nil: nothing is voted on.
  package var fleetVotes: @Sendable () async -> FleetVotesReport? = { nil }
  /// What must hold before this node takes clients, besides a ready edition.
  package var readiness: @Sendable () async -> [ReadinessCondition] = { [] }
  /// Figures for `/metrics` that are no counters of the board.
  package var samples: @Sendable () async -> [MetricSample] = { [] }
  /// The same for what took some time, again and again.
  package var histograms: @Sendable () async -> [(series: CounterBoard.Series, value: Histogram)] =
    { [] }
  /// Takes round trips that somebody measured.
  package var takeLatencies: @Sendable ([PostedLatency]) async -> LatencyReceipt = {
    LatencyReceipt(taken: 0, ignored: $0.count)
  }
  /// What is known of round trips, and what is expected of a client; nil: no policy asks for them.
  package var latency: @Sendable (_ client: ClientAddress?) async -> LatencyReport? = { _ in nil }
  /// Reads the configuration again, whole or not at all; throws `Faults`. Forced, it takes
  /// databases that move very many clients.
  package var reload: @Sendable (_ isForced: Bool) async throws -> Void
  /// nil: the node is in no fleet.
  package var sharedConfiguration: (any SharedConfiguration)?
  /// nil: the node is in no fleet.
  package var rollouts: (any SharedRollouts)?
  /// Says what would become of the clients; throws ``SimulationRefusal`` or `Faults`.
  package var simulate: @Sendable (SimulationQuestion) async throws -> SimulationReport = { _ in
    throw SimulationRefusal.misunderstood(["this node answers no simulations"])
  }
  /// Says which part of the world each region of a service gets; throws ``SimulationRefusal``.
  package var catchments: @Sendable (CatchmentQuestion) async throws -> CatchmentReport = { _ in
    throw SimulationRefusal.misunderstood(["this node draws no catchments"])
  }

  /// Has the fleet change a primary, see `EditionPublisher.makePrimary`; nil: they are this node's
  /// alone.
  package var makeSharedPrimary:
    (
      @Sendable (
        _ region: String?, _ service: String, PrimaryStateMachine.Acceptance, _ epoch: UInt64?
      ) async throws(PrimaryRefusal) -> PrimaryReport
    )?
  /// Takes down who has changed something, or tried to.
  package var audit: @Sendable (AuditLine) -> Void = { _ in }
  /// Overrides of a fleet; nil: they are this node's alone.
  package var sharedOverrides: SharedOverrides?

  package init(
    node: NodeFacts, publisher: EditionPublisher, counters: CounterBoard,
    now: @escaping @Sendable () -> Double,
    settings: @escaping @Sendable () -> Settings.Admin,
    lookUpName: @escaping @Sendable (_ name: String, _ edition: Edition) -> NameLookup,
    lookUpListener:
      @escaping @Sendable (_ name: String, _ serverName: String, _ edition: Edition)
      async -> ListenerLookup,
    reload: @escaping @Sendable (_ isForced: Bool) async throws -> Void
  ) {
    self.node = node
    self.publisher = publisher
    self.counters = counters
    self.now = now
    self.settings = settings
    self.lookUpName = lookUpName
    self.lookUpListener = lookUpListener
    self.reload = reload
  }
}

/// What does not change while the process runs.
package struct NodeFacts: Sendable {
  /// The one name of this node.
  package var id: String
  package var version: String
  /// Seconds since 1970.
  package var startedAt: Double
  /// What the licences of the databases ask to be shown.
  package var attribution: String

  package init(
    id: String, version: String, startedAt: Double,
    attribution: String = RouteReport.attribution
  ) {
    self.id = id
    self.version = version
    self.startedAt = startedAt
    self.attribution = attribution
  }
}

/// What is served under a name.
package enum NameLookup: Sendable, Equatable {
  /// An index into the model's services, and the key that has chosen it, if any has.
  case steered(service: Int, key: RoutedKey? = nil)
  /// Records that are the same for every client.
  case `static`
  /// Inside a zone of ours, but not there.
  case noSuchName
  /// In no zone of ours.
  case notOurs
  /// No name at all; why.
  case malformed(String)
}

/// What becomes of the connections of a listener.
package enum ListenerLookup: Sendable, Equatable {
  /// An index into the model's services, and the key that has chosen it, if any has.
  case found(service: Int, key: RoutedKey? = nil)
  case noSuchListener
  /// No service is for the name that is asked for, or for connections that ask for none.
  case noRoute
}

/// What the last check of an endpoint found.
package struct ProbeReport: Sendable, Equatable {
  /// `region/pool/address:port`.
  package var endpointID: String
  /// Why the check judged as it did: `status 200`, `connection refused`.
  package var cause: String
  /// Seconds since 1970.
  package var at: Double
  package var durationMilliseconds: Double
  /// Since when the endpoint has the health that it has, seconds since 1970; nil: since the start.
  package var since: Double?

  package init(
    endpointID: String, cause: String, at: Double, durationMilliseconds: Double, since: Double?
  ) {
    self.endpointID = endpointID
    self.cause = cause
    self.at = at
    self.durationMilliseconds = durationMilliseconds
    self.since = since
  }
}

/// What the proxy has to do with an endpoint.
package struct EndpointUse: Sendable, Equatable {
  /// An endpoint that is left out because its connections go wrong.
  package struct Ejection: Sendable, Equatable {
    /// Seconds since 1970.
    package var until: Double
    /// How often lately.
    package var times: Int

    package init(until: Double, times: Int) {
      self.until = until
      self.times = times
    }
  }

  /// Connections open or being opened.
  package var connections: Int
  /// How much of its weight it has in its slow start, 0.1...1.
  package var startShare: Double
  /// nil: it is not ejected.
  package var ejection: Ejection?

  package init(connections: Int, startShare: Double, ejection: Ejection? = nil) {
    self.connections = connections
    self.startShare = startShare
    self.ejection = ejection
  }
}

/// A figure of one moment, as Prometheus has it.
package struct MetricSample: Sendable {
  package var series: CounterBoard.Series
  package var value: Double

  package init(_ name: String, labels: [CounterBoard.Label] = [], value: Double) {
    series = CounterBoard.Series(name, labels: labels)
    self.value = value
  }
}
