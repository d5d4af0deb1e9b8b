import Cookies
import DNSWire
import Editions
import RateLimiting
import Settings
import Signing

/// How questions are answered, as the data plane has it.
///
/// - Parameters:
///   - ownSecret: this process's own; for cookies, where none is shared with other servers.
///   - signers: of the zones that are signed.
func compiledAnswerRules(
  _ settings: Settings, ownSecret: CookieSecret, signers: [DomainName: ZoneSigner]
) -> AnswerRules {
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
    }, unlimited: answers.rateLimit?.exempt ?? [], signers: signers,
    signatureCount: answers.signatureCount, signatureSecret: ownSecret)
}
