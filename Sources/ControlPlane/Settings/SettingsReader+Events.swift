import Announcing

extension SettingsReader {
  static func events(_ value: Value?) -> Settings.Events {
    var events = Settings.Events()
    _ = value?.section { section in
      events.keep = section.optional("keep")?.integer(100...1_000_000) ?? events.keep
      events.webhooks = section.optional("webhooks")?.elements().compactMap(webhook) ?? []
    }
    return events
  }

  private static func webhook(_ value: Value) -> Webhook? {
    value.section { section in
      let url = section.required("url", "a URL of http or https")?
        .url("a URL of http or https", for: .http)
      let kinds = section.optional("kinds")?.elements().compactMap { $0.eventKind() }
      let secret = section.optional("secret")?.parsed(
        "a secret of printable ASCII, no spaces", isSecret: true
      ) {
        $0.utf8.allSatisfy { (0x21...0x7E).contains($0) } && !$0.isEmpty ? $0 : nil
      }
      let timeout = section.optional("timeout")?.duration(.milliseconds(100) ... .seconds(60))
      return url.map {
        Webhook(
          url: $0, kinds: Set(kinds ?? Event.Kind.allCases), secret: secret,
          timeout: timeout ?? .seconds(5))
      }
    } ?? nil
  }
}

extension Value {
  fileprivate func eventKind() -> Event.Kind? {
    guard let word = text("a kind of event") else { return nil }
    let words = Event.Kind.allCases.map(\.rawValue)
    guard let kind = Event.Kind(rawValue: word) else {
      report(
        "there is no kind of event \"\(word)\"",
        suggestion: didYouMean(word, nearest: words) ?? "kinds are \(words.joined(separator: ", "))"
      )
      return nil
    }
    return kind
  }
}
