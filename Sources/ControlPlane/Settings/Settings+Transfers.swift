package import Places

extension Settings {
  /// A secret that two servers share (RFC 8945 §1).
  package struct Key: Sendable, Equatable {
    package enum Algorithm: String, Sendable, CaseIterable {
      case sha256 = "hmac-sha256"
      case sha384 = "hmac-sha384"
      case sha512 = "hmac-sha512"
    }
    /// A domain name, in presentation form.
    package var name: String
    package var algorithm: Algorithm
    package var secret: [UInt8]
  }

  /// Limits of all transfers, in and out.
  package struct Transfers: Sendable, Equatable {
    /// At one time.
    package var maximumOut: Int
    package var maximumOutPerClient: Int
    package var maximumIn: Int
    /// Of one zone that comes in: of its names and data, and of its records.
    package var maximumZoneBytes: Int
    package var maximumZoneRecords: Int
    /// How long a primary may send nothing, and how long a transfer may take.
    package var idleTimeout: Duration
    package var timeout: Duration
  }

  /// Who may have a zone, and who is told of its changes.
  package struct ZoneTransfer: Sendable, Equatable {
    package enum Peer: Sendable, Equatable {
      case prefix(AddressPrefix)
      /// Index into ``Settings/keys``.
      case key(Int)
    }
    package struct Target: Sendable, Equatable {
      package var address: SocketAddress
      /// Index into ``Settings/keys``; nil: unsigned.
      package var key: Int?
    }
    package static let nobody = ZoneTransfer(allow: [], notify: [])

    /// One match is enough; empty: nobody.
    package var allow: [Peer]
    package var notify: [Target]
  }

  /// Where a zone comes from.
  package struct Primary: Sendable, Equatable {
    /// Asked in this order.
    package var from: [SocketAddress]
    /// Index into ``Settings/keys``; nil: unsigned.
    package var key: Int?
  }
}
