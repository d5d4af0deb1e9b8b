import Cookies
import Counters
import DNSWire
import Editions
import Places
import RateLimiting
import Zones

// The options of OPT, cookies, and what an answer's sender has left of its rate.

extension Responder {
  /// What goes into OPT, into ``options``.
  ///
  /// - Parameter packet: still as it came.
  @inline(never)
  mutating func gatherOptions(
    of query: Query, in packet: RawSpan, sender: inout Sender, edition: Edition
  ) {
    options = AnswerOptions()
    // RFC 6891 §6.1.3: the options of another version mean nothing to us.
    guard query.ednsVersion == 0 else { return }
    if query.extras.contains(.identity) {
      options.identityByteCount = edition.rules.identity.count
    }
    if query.extras.contains(.cookie), let secrets = edition.rules.cookies {
      let cookie = ClientCookie(of: query, in: packet)
      let verdict = secrets.verdict(
        on: cookie, from: sender.address,
        nowSeconds: UInt32(truncatingIfNeeded: sender.nowMicroseconds / 1_000_000))
      sender.isProven = verdict.isValid
      sender.hasInvalidCookie = cookie.hasServer && !verdict.isValid
      options.cookie = (cookie.client, verdict.answer)
      shard.add(to: verdict.isValid ? counters.validCookies : counters.newCookies)
    }
    options.hasZoneVersion = query.extras.contains(.zoneVersion)
    // RFC 7828 §3.2.2: over UDP the option means nothing.
    guard transport != .udp else { return }
    if query.extras.contains(.keepalive) && keepaliveTenths > 0 {
      options.keepaliveTenths = keepaliveTenths
    }
    options.isPadded = transport == .tls && query.extras.contains(.padding)
  }

  /// The end of the few answers that have options or an extended error. Apart, so that others need
  /// not hold the identity.
  @inline(never)
  mutating func finish(
    _ reply: inout Reply, query: Query, hasOptions: Bool, edition: Edition,
    into buffer: inout MutableRawSpan
  ) -> Int {
    let identity = edition.rules.identity
    return unsafe reply.writer.finish(
      reply.outcome, query: query, payloadByteCount: maximumUDPBytes,
      options: hasOptions ? options : AnswerOptions(), identity: identity.span.bytes,
      zoneVersion: reply.zone >= 0 ? edition.zones.version(ofZone: reply.zone) : nil,
      into: &buffer)
  }
}

// MARK: - Rates

extension Responder {
  /// Whether an answer may be sent, as it is or cut down to what cannot amplify. Senders that
  /// cannot be forged have no limit: they have a connection or a valid cookie.
  @inline(never)
  mutating func admit(
    _ query: Query, sender: Sender, edition: Edition, reply: inout Reply
  ) -> Bool {
    guard let limits = edition.rules.rateLimits else { return true }
    let kind: RateLimits.Kind =
      switch reply.outcome.code {
      case .noError: signs && isCompactNameError ? .nameErrors : .answers
      case .nameError: .nameErrors
      default: .errors
      }
    if hasRoom(sender, kind: kind, limits: limits) { return true }
    return admitLimited(query, sender: sender, kind: kind, edition: edition, reply: &reply)
  }

  /// The same for an answer that has no question and nothing to cut.
  mutating func admitUnreadable(_ sender: Sender, edition: Edition) -> Bool {
    guard transport == .udp, let limits = edition.rules.rateLimits else { return true }
    if hasRoom(sender, kind: .errors, limits: limits) || isUnlimited(sender, edition: edition) {
      return true
    }
    shard.add(to: counters.limited(.errors, limits.isDryRun ? .dryRun : .dropped))
    return limits.isDryRun
  }

  private mutating func hasRoom(_ sender: Sender, kind: RateLimits.Kind, limits: RateLimits) -> Bool
  {
    limiter.admits(
      sender.address, kind: kind, limits: limits, nowMicroseconds: sender.nowMicroseconds)
  }

  private func isUnlimited(_ sender: Sender, edition: Edition) -> Bool {
    edition.rules.unlimited.contains { $0.contains(sender.address) }
  }

  @inline(never)
  private mutating func admitLimited(
    _ query: Query, sender: Sender, kind: RateLimits.Kind, edition: Edition, reply: inout Reply
  ) -> Bool {
    guard let limits = edition.rules.rateLimits, !isUnlimited(sender, edition: edition) else {
      return true
    }
    guard !limits.isDryRun else {
      shard.add(to: counters.limited(kind, .dryRun))
      return true
    }
    limitedCount &+= 1
    guard limits.slip > 0, limitedCount % limits.slip == 0 else {
      shard.add(to: counters.limited(kind, .dropped))
      return false
    }
    shard.add(to: counters.limited(kind, .slipped))
    reply.outcome.scopeBits = 0
    reply.outcome.extendedError = nil
    let hasCookie = query.extras.contains(.cookie) && options.cookie != nil
    if hasCookie && !query.isMalformed {
      // RFC 7873 §5.2.3: a real client comes back with the cookie that it gets here.
      reply.writer.removeRecords()
      reply.outcome.code = .badCookie
      reply.outcome.isAuthoritative = false
    } else {
      reply.writer.truncate()
    }
    return true
  }
}
