/// Something that has changed, as consumers are told it.
package struct Event: Sendable, Equatable, Codable {
  /// What has changed. The words are part of the API: they stay.
  package enum Kind: String, Sendable, Codable, CaseIterable {
    /// An endpoint's health, from `unknown`, `healthy`, `degraded`, `unhealthy` to another.
    case endpointHealth = "endpoint_health"
    /// An endpoint from `steady` to `flapping`, or back.
    case endpointFlapping = "endpoint_flapping"
    /// How a region stands in a pool, by health and overrides: `healthy`, `degraded`, `unknown`,
    /// `unhealthy`, `removed`, `absent`.
    case regionHealth = "region_health"
    /// Why a region of a pool is used only after others: `free`, `hold_down`, `flapping`,
    /// `waiting_for_operator`.
    case regionHold = "region_hold"
    /// A region of a pool from `whole` to `ramping`, or back.
    case regionRamp = "region_ramp"
    /// A region from `open` to `spilling` because of its load, or back.
    case regionLoad = "region_load"
    /// The share of its clients that an operator lets a region have, in percent.
    case regionDial = "region_dial"
    /// Another region is the primary of an active-passive service; the cause has the new epoch.
    case primaryChanged = "primary_changed"
    /// An operator's word: `auto`, `up`, `down`, `drain`.
    case overrideSet = "override_set"
    case overrideRemoved = "override_removed"
    case overrideExpired = "override_expired"
    /// The configuration of another revision is in force.
    case configurationAccepted = "configuration_accepted"
    /// The last good one stays; the cause tells what is wrong.
    case configurationRefused = "configuration_refused"
    /// The node from `starting` to `ready`.
    case nodeReady = "node_ready"
    /// Whether routes to anycast addresses are to lead to the node: `announced`, `last_hope`,
    /// `waiting`, `failing`, `isolated`, `drained`, `ending`; the cause tells why.
    case anycastStanding = "anycast_standing"
  }

  /// Grows from event to event, over restarts too, by 1 or more.
  package var id: UInt64
  package var at: Timestamp
  package var kind: Kind
  /// What it happened to: a region, `region/pool`, `region/pool/address:port`, or empty for the
  /// node itself.
  package var subject: String
  package var from: String?
  package var to: String?
  /// Why, in words.
  package var cause: String?
  /// Who wanted it.
  package var author: String?
  /// The first edition that has it.
  package var edition: UInt64
  package var revision: UInt64

  package init(
    id: UInt64, at: Timestamp, kind: Kind, subject: String, from: String?, to: String?,
    cause: String?, author: String?, edition: UInt64, revision: UInt64
  ) {
    self.id = id
    self.at = at
    self.kind = kind
    self.subject = subject
    self.from = from
    self.to = to
    self.cause = cause
    self.author = author
    self.edition = edition
    self.revision = revision
  }
}

/// An event before the log has given it a number and a time.
package struct Change: Sendable, Equatable {
  package var kind: Event.Kind
  package var subject: String
  package var from: String?
  package var to: String?
  package var cause: String?
  package var author: String?

  package init(
    _ kind: Event.Kind, of subject: String, from: String? = nil, to: String? = nil,
    cause: String? = nil, author: String? = nil
  ) {
    self.kind = kind
    self.subject = subject
    self.from = from
    self.to = to
    self.cause = cause
    self.author = author
  }
}
