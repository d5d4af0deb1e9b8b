extension Settings.Policy {
  /// What a policy of type `home` says: a label of the asked name is the key of a region.
  package struct Homes: Sendable, Equatable {
    /// Where the data of keys is; indices into ``Settings/regions``.
    package struct Home: Sendable, Hashable {
      package var region: Int
      /// While they move: where they come from.
      package var former: Int?
    }

    package struct Key: Sendable, Equatable {
      /// As it was written.
      package var text: String
      package var home: Home
      package var origin: Origin
    }

    package struct Range: Sendable, Equatable {
      /// Of the hash; the range ends where the next one starts.
      package var start: UInt32
      package var home: Home
    }

    /// Who serves while no region of a home is usable.
    package enum Fallback: Sendable, Equatable {
      /// Nobody: the service's last resort decides.
      case nobody
      /// The others of the pool, by latency.
      case latency
      /// The first of these that is usable.
      case regions([Int])
    }

    package struct File: Sendable, Equatable {
      /// Absolute.
      package var path: String
      /// Where it is named.
      package var origin: Origin
    }

    package var keys: [Key] = []
    package var prefixes: [Key] = []
    /// None, or the first from 0 on, in ascending order.
    package var ranges: [Range] = []
    /// Of keys that nothing else matches; nil: they are refused.
    package var otherwise: Home?
    package var overrides: File?
    package var fallback = Fallback.nobody

    /// All that the configuration itself names; the file of overrides may name others.
    package var homes: [Home] {
      keys.map(\.home) + prefixes.map(\.home) + ranges.map(\.home) + (otherwise.map { [$0] } ?? [])
    }

    package init() {}
  }
}

extension Settings {
  /// What the policy of a service says, if that is of type `home`.
  package func homes(of service: Service) -> Policy.Homes? {
    if case .home(let homes) = policies[service.policy].kind { homes } else { nil }
  }
}
