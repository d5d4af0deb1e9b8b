import Announcing
import Editions
import Hummingbird
import Publishing

/// How a zone stands, for `/v1/zones` and the metrics.
package struct ZoneReport: Sendable, Equatable {
  package enum Kind: String, Sendable { case primary, secondary }

  /// What only zones that come from a primary have.
  package struct Refresh: Sendable, Equatable {
    /// Seconds since 1970; nil: none since the start.
    package var transferredAt: Double?
    /// The primary that it came from.
    package var transferredFrom: String?
    /// `AXFR` or `IXFR`.
    package var transferKind: String?
    /// Seconds since 1970.
    package var nextCheckAt: Double
    package var expiresAt: Double?
    /// Why the last check came to nothing.
    package var faults: [String]

    package init(
      transferredAt: Double?, transferredFrom: String?, transferKind: String?,
      nextCheckAt: Double, expiresAt: Double?, faults: [String]
    ) {
      self.transferredAt = transferredAt
      self.transferredFrom = transferredFrom
      self.transferKind = transferKind
      self.nextCheckAt = nextCheckAt
      self.expiresAt = expiresAt
      self.faults = faults
    }
  }

  /// With the final dot.
  package var name: String
  package var kind: Kind
  /// `current`, `stale`, `expired` or `absent`.
  package var state: String
  /// nil: the zone has no data.
  package var serial: UInt32?
  /// Names, those that have nothing but something below them included.
  package var nameCount: Int
  package var refresh: Refresh?

  package init(
    name: String, kind: Kind, state: String, serial: UInt32?, nameCount: Int,
    refresh: Refresh? = nil
  ) {
    self.name = name
    self.kind = kind
    self.state = state
    self.serial = serial
    self.nameCount = nameCount
    self.refresh = refresh
  }
}

extension AdminServer {
  /// `GET /v1/zones[?limit=[&cursor=]]`.
  func zoneList(_ request: Request) async throws -> Response {
    let edition = sources.publisher.desk.take().number
    let page = try Page(await sources.zones(), of: request) { $0.name }
    return try Response.cacheable(
      json: ZoneList(edition: edition, zones: page.elements.map(ZoneEntry.init)), for: request,
      headers: page.headers)
  }
}

private struct ZoneList: Encodable {
  var edition: UInt64
  var zones: [ZoneEntry]
}

private struct ZoneEntry: Encodable {
  struct Transfer: Encodable {
    var at: Timestamp
    var from: String?
    var kind: String?
  }

  var name: String
  var kind: String
  var state: String
  var serial: UInt32?
  var names: Int
  var lastTransfer: Transfer?
  var nextCheck: Timestamp?
  var expires: Timestamp?
  var faults: [String]?

  init(_ report: ZoneReport) {
    name = report.name
    kind = report.kind.rawValue
    state = report.state
    serial = report.serial
    names = report.nameCount
    lastTransfer = report.refresh.flatMap { refresh in
      refresh.transferredAt.map {
        Transfer(
          at: Timestamp(seconds: $0), from: refresh.transferredFrom, kind: refresh.transferKind)
      }
    }
    nextCheck = report.refresh.map { Timestamp(seconds: $0.nextCheckAt) }
    expires = report.refresh?.expiresAt.map { Timestamp(seconds: $0) }
    faults = report.refresh?.faults
  }
}
