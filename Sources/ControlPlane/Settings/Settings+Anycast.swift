package import DNSWire
package import Places

extension Settings {
  /// When routes to addresses that several nodes share lead to this one.
  package struct Anycast: Sendable, Equatable {
    /// What a node asks its own DNS.
    package struct Question: Sendable, Equatable {
      package var name: DomainName
      package var type: RecordType
    }

    /// At least one, none twice.
    package var prefixes: [AddressPrefix]
    package var question: Question
    /// The node must have been well for so long.
    package var holdUp = Duration.seconds(10)
    /// So many own questions in a row must have gone wrong.
    package var fall = 3
    /// Between the withdrawal of the routes and the beginning of the node's end.
    package var drain = Duration.seconds(5)
    /// Of the routes (RFC 4271 §5.1.4).
    package var med: UInt32 = 100
    /// While the node is the last hope, refuses what the store says, or has lost it for long.
    package var degradedMED: UInt32 = 200
    /// A store that was lost for so long makes the node's word an old one.
    package var staleAfter = Duration.seconds(3600)
    /// An operator who takes the node's region away takes the routes away as well.
    package var followsRegion = true
  }
}
