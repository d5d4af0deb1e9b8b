package import Places
package import Settings

/// Bounds how often a source may show a wrong token: for a while it is not listened to any more,
/// not even with a right one, or it could go on guessing.
///
/// The generic cell rate algorithm (ITU-T I.371 §A.1): a source has one moment, up to which it has
/// used up its rate. In the past, it is at rest and nothing is kept of it. Who shows the same wrong
/// token again guesses nothing: an old one in a script does not shut its whole address out.
package struct FailureLimiter: Sendable {
  /// Wrong tokens at once after a rest.
  package static let burst = 10
  /// Seconds until one more is listened to.
  package static let interval = 6.0
  /// Seconds in which the same wrong token counts once.
  package static let window = Double(burst) * interval
  /// More sources than this are not kept: then those nearest to rest are forgotten.
  package static let maximumSourceCount = 1024
  /// Of one source more are not kept: more than the rate lets through in a window.
  private static let maximumTokenCount = 2 * burst

  private struct Shown {
    /// Seconds of the callers' clock.
    var usedUpTo: Double
    var counted: [(token: TokenHash, at: Double)] = []
  }

  private var shown: [IPAddress: Shown] = [:]

  package init() {}

  /// Of which something is kept.
  package var sourceCount: Int { shown.count }

  /// Seconds until a source is listened to again; nil: it is now.
  ///
  /// - Parameter now: seconds of any clock. Where it goes back, nobody waits longer than else.
  package func wait(of source: IPAddress, now: Double) -> Double? {
    let left = debt(of: Self.customer(source), now: now) - Double(Self.burst - 1) * Self.interval
    return left > 0 ? left : nil
  }

  /// A source has shown a wrong token.
  package mutating func note(_ source: IPAddress, token: TokenHash, now: Double) {
    let customer = Self.customer(source)
    if shown[customer] == nil, shown.count >= Self.maximumSourceCount { makeRoom(now) }
    var counted = shown[customer]?.counted ?? []
    counted.removeAll { !(0..<Self.window).contains(now - $0.at) }
    guard !counted.contains(where: { $0.token == token }) else { return }
    if counted.count >= Self.maximumTokenCount { counted.removeFirst() }
    counted.append((token, now))
    let usedUpTo = now + debt(of: customer, now: now) + Self.interval
    shown[customer] = Shown(usedUpTo: usedUpTo, counted: counted)
  }

  /// Seconds until rest.
  private func debt(of customer: IPAddress, now: Double) -> Double {
    let ahead = (shown[customer]?.usedUpTo ?? now) - now
    return min(max(0, ahead), Double(Self.burst) * Self.interval)
  }

  private mutating func makeRoom(_ now: Double) {
    shown = shown.filter { $0.value.usedUpTo > now }
    guard shown.count >= Self.maximumSourceCount,
      let nearest = shown.min(by: { $0.value.usedUpTo < $1.value.usedUpTo })
    else { return }
    shown[nearest.key] = nil
  }

  /// Of IPv6 the /64, within which everybody may change the address at will (RFC 7217 §1); an
  /// IPv4 address in its IPv6 form is itself (RFC 4291 §2.5.5.2).
  private static func customer(_ source: IPAddress) -> IPAddress {
    guard case .ipv6(let bits) = source else { return source }
    let isMapped = bits >> 32 == 0xFFFF
    return isMapped ? .ipv4(UInt32(truncatingIfNeeded: bits)) : .ipv6((bits >> 64) << 64)
  }
}
