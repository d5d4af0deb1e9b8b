public import Places
import RateLimiting

/// Keeps clients to their limits, for all threads together, in memory whose size never changes,
/// however many clients there are.
public final class ClientLimiter: Sendable {
  /// Whose connection it is. What is not known of a client is not limited.
  public struct Client: Sendable, BitwiseCopyable {
    public var address: ClientAddress
    /// 0: unknown.
    public var asn: UInt32
    public var country: CountryCode?

    public init(address: ClientAddress, asn: UInt32 = 0, country: CountryCode? = nil) {
      self.address = address
      self.asn = asn
      self.country = country
    }
  }

  /// What an admitted connection has taken, to be given back at its end.
  public struct Ticket: Sendable, BitwiseCopyable {
    /// By group; 0: nothing.
    fileprivate var keys = InlineArray<4, UInt64>(repeating: 0)

    /// Nothing was taken.
    public static let empty = Ticket()
  }

  /// What kept a connection out.
  public struct Refusal: Error, Sendable, Equatable, BitwiseCopyable {
    public enum Reason: UInt8, Sendable, BitwiseCopyable { case connections, rate }

    public var group: ClientLimits.Group
    public var reason: Reason

    public init(_ group: ClientLimits.Group, _ reason: Reason) {
      self.group = group
      self.reason = reason
    }
  }

  /// How often there was no room to count somebody.
  public struct Overflow: Sendable, Equatable, BitwiseCopyable {
    /// Connections that were let in without being counted.
    public var uncountedConnections = 0
    /// Keys whose use of their rate was forgotten for another's.
    public var forgottenRates = 0

    public init() {}
  }

  private let connections: ConnectionTable
  private let rates: RateLimiter

  /// - Parameters:
  ///   - byteCount: of all tables together, halved between connections and rates.
  ///   - seed: random, this process's own.
  public init(byteCount: Int, seed: UInt64) {
    connections = ConnectionTable(byteCount: byteCount / 2, seed: seed)
    rates = RateLimiter(byteCount: byteCount / 2, seed: ~seed)
  }

  /// Of the tables, bytes.
  public var byteCount: Int { connections.byteCount + rates.byteCount }
  /// Groups that have a connection open; reads the whole table.
  public var groupCount: Int { connections.keyCount }

  /// Counts a connection in all its groups, or in none.
  ///
  /// A refused connection uses up nothing but the rates of the groups that were asked before the
  /// one that refused it: the narrower ones.
  ///
  /// - Parameters:
  ///   - listener: whose limits these are; each has counts of its own.
  ///   - overflow: is added to.
  /// - Complexity: a cache line or two for each group that is limited; allocates nothing.
  public func enter(
    _ client: Client, listener: Int, limits: ClientLimits, nowMicroseconds: UInt64,
    overflow: inout Overflow
  ) throws(Refusal) -> Ticket {
    var ticket = Ticket.empty
    do throws(Refusal) {
      for group in ClientLimits.Group.allCases {
        let limit = limits[group]
        guard limit != .none, let key = Self.key(client, group, listener: listener) else {
          continue
        }
        if let most = limit.connections {
          switch connections.enter(key, limit: most) {
          case .counted: ticket.keys[Int(group.rawValue)] = key
          case .uncounted: overflow.uncountedConnections += 1
          case .refused: throw Refusal(group, .connections)
          }
        }
        if let perSecond = limit.perSecond {
          let interval = 1_000_000 / UInt64(max(1, min(perSecond, 1_000_000)))
          switch rates.spend(
            key, intervalMicroseconds: interval, nowMicroseconds: nowMicroseconds)
          {
          case .admitted: break
          case .admittedInPlaceOfAnother: overflow.forgottenRates += 1
          case .refused: throw Refusal(group, .rate)
          }
        }
      }
    } catch {
      leave(ticket)
      throw error
    }
    return ticket
  }

  /// The connection has ended.
  public func leave(_ ticket: Ticket) {
    for index in ticket.keys.indices where ticket.keys[index] != 0 {
      connections.leave(ticket.keys[index])
    }
  }

  /// What stands for a group; never 0. nil: it is not known which one.
  ///
  ///     listener (16) and group (2), mixed | what the group is
  private static func key(
    _ client: Client, _ group: ClientLimits.Group, listener: Int
  ) -> UInt64? {
    let kind = UInt64(truncatingIfNeeded: listener) << 8 | UInt64(group.rawValue) << 4
    let value: UInt64
    var family: UInt64 = 0
    let isIPv4 = client.address.family == .ipv4
    let bits = client.address.bits
    switch group {
    case .address:
      // Whoever has one address of a /64 has them all.
      value = UInt64(truncatingIfNeeded: isIPv4 ? bits : bits >> 64)
      family = isIPv4 ? 0 : 1
    case .prefix:
      value = UInt64(truncatingIfNeeded: isIPv4 ? bits >> 8 : bits >> 72)
      family = isIPv4 ? 0 : 1
    case .asn:
      guard client.asn != 0 else { return nil }
      value = UInt64(client.asn)
    case .country:
      guard let country = client.country else { return nil }
      value = UInt64(country.rawValue)
    }
    // An odd factor keeps the kinds of one listener apart; 64 bits of an address leave no room.
    return max(1, value &+ (kind | family | 1 << 3) &* 0x9E37_79B9_7F4A_7C15)
  }
}
