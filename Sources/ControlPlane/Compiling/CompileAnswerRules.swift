import Cookies
import Editions
import RateLimiting
import Settings

/// How questions are answered, as the data plane has it.
///
/// - Parameter ownSecret: for cookies, where no secret is shared with other servers.
func compiledAnswerRules(_ settings: Settings, ownSecret: CookieSecret) -> AnswerRules {
  let answers = settings.answers
  let cookies: CookieSecrets? =
    switch answers.cookies {
    case .off: nil
    case .ownSecret: CookieSecrets(active: ownSecret)
    case .shared(let secret, let accepted):
      CookieSecret(secret).map {
        CookieSecrets(active: $0, accepted: accepted.flatMap { CookieSecret($0) })
      }
    }
  return AnswerRules(
    maximumUDPBytes: settings.dns.maximumUDPBytes, usesClientSubnet: answers.usesClientSubnet,
    identity: Array((answers.identity ?? "").utf8), version: Array((answers.version ?? "").utf8),
    cookies: cookies,
    rateLimits: answers.rateLimit.map { limit in
      RateLimits(
        rates: RateLimits.Rates(
          answers: limit.answers, nameErrors: limit.nameErrors, errors: limit.errors),
        slip: limit.slip, isDryRun: limit.isDryRun)
    }, unlimited: answers.rateLimit?.exempt ?? [])
}
