import Places
import Settings

/// What a condition behind `if` or `unless` asks for.
enum HAProxyCondition {
  case always
  /// Names of TLS, as `server_names` have them.
  case names([String])
  /// Addresses of clients, or all others.
  case sources([AddressPrefix], isNegated: Bool)
  /// Whether clients speak TLS, or do not.
  case hello(isNegated: Bool)
  case unknown
}

/// Reads conditions of a section, whose rules may have names (`acl`).
struct HAProxyConditions {
  private let rules: [String: [HAProxyFile.Line]]
  private let report: (Origin, String) -> Void
  /// Of all conditions of the section: names of rules make much of few words.
  private let budget = Budget()

  private final class Budget {
    var left = 100_000
  }

  init(_ section: HAProxyFile.Section, report: @escaping (Origin, String) -> Void) {
    self.report = report
    rules = Dictionary(grouping: section.rules("acl"), by: { $0[1] })
  }

  /// Of the words behind an action: none, `if …` or `unless …`.
  func condition(_ words: ArraySlice<String>, _ origin: Origin) -> HAProxyCondition {
    guard let first = words.first else { return .always }
    guard first == "if" || first == "unless" else { return .unknown }
    let alternatives = words.dropFirst().split(whereSeparator: { ["or", "||"].contains($0) })
    let found = alternatives.map { term($0, origin) }
    let whole = joined(found)
    return first == "if" ? whole : negated(whole)
  }

  /// What any one of them lets through.
  private func joined(_ conditions: [HAProxyCondition]) -> HAProxyCondition {
    guard var whole = conditions.first else { return .unknown }
    for condition in conditions.dropFirst() {
      switch (whole, condition) {
      case (.always, _), (_, .always): whole = .always
      case (.names(let one), .names(let other)): whole = .names(one + other)
      case (.sources(let one, false), .sources(let other, false)):
        whole = .sources(one + other, isNegated: false)
      default: return .unknown
      }
    }
    return whole
  }

  private func negated(_ condition: HAProxyCondition) -> HAProxyCondition {
    switch condition {
    case .sources(let prefixes, let isNegated): .sources(prefixes, isNegated: !isNegated)
    case .hello(let isNegated): .hello(isNegated: !isNegated)
    case .always, .names, .unknown: .unknown
    }
  }

  /// One rule: by name or in braces, perhaps with `!` in front. Of several, which all have to
  /// match, nothing here tells.
  private func term(_ words: ArraySlice<String>, _ origin: Origin) -> HAProxyCondition {
    var words = words
    var isNegated = false
    if words.first == "!" || words.first == "!{" {
      isNegated = true
      words = words.first == "!" ? words.dropFirst() : ["{"] + words.dropFirst()
    } else if let first = words.first, first.hasPrefix("!") {
      isNegated = true
      words = [String(first.dropFirst())] + words.dropFirst()
    }
    let found: HAProxyCondition
    if words.first == "{", words.last == "}", !words.dropFirst().contains("{") {
      found = rule(words.dropFirst().dropLast(), origin)
    } else if words.count == 1, let name = words.first {
      found = named(name, origin)
    } else {
      found = .unknown
    }
    return isNegated ? negated(found) : found
  }

  private func named(_ name: String, _ origin: Origin) -> HAProxyCondition {
    if let lines = rules[name] {
      budget.left -= lines.count
      guard budget.left > 0 else { return .unknown }
      return joined(lines.map { rule($0.words.dropFirst(2), origin) })
    }
    // Those that need no line of their own.
    switch name {
    case "TRUE", "WAIT_END": return .always
    case "LOCALHOST":
      let prefixes = ["127.0.0.0/8", "::1/128"].compactMap { AddressPrefix($0) }
      return .sources(prefixes, isNegated: false)
    default: return .unknown
    }
  }

  /// `req.ssl_sni -i www.example.org`, `src 192.0.2.0/24`
  private func rule(_ words: ArraySlice<String>, _ origin: Origin) -> HAProxyCondition {
    guard let fetch = words.first else { return .unknown }
    budget.left -= words.count
    guard budget.left > 0 else {
      report(origin, "the section's conditions say more than anyone's do: this one is not read")
      return .unknown
    }
    var values: [String] = []
    var matching = fetch.hasSuffix("_end") ? "end" : "str"
    var rest = words.dropFirst()
    while let word = rest.popFirst() {
      if word == "-i" || word == "--" || word == "-n" { continue }
      if word == "-m" {
        matching = rest.popFirst() ?? ""
      } else if word.hasPrefix("-") {
        return .unknown
      } else {
        values.append(word)
      }
    }
    switch fetch {
    case "src":
      let prefixes = values.compactMap { Self.prefix($0) }
      guard !values.isEmpty, prefixes.count == values.count else { return .unknown }
      return .sources(prefixes, isNegated: false)
    case "req.ssl_hello_type", "req_ssl_hello_type":
      return values == ["1"] ? .hello(isNegated: false) : .unknown
    case "req.ssl_sni", "req_ssl_sni", "req.ssl_sni,lower", "req_ssl_sni_end", "ssl_fc_sni_end",
      "ssl_fc_sni", "ssl_fc_sni,lower":
      guard matching == "str" || matching == "end" else { return .unknown }
      return .names(values.flatMap { names($0, isEnd: matching == "end", origin) })
    default: return .unknown
    }
  }

  /// As a server of DNS may have it, which no name of TLS is longer than.
  private func names(_ value: String, isEnd: Bool, _ origin: Origin) -> [String] {
    let name = value.lowercased()
    guard !name.isEmpty, name.utf8.count <= 253 else {
      report(origin, "\"\(name.prefix(40))…\" is no name of a server: it is left out")
      return []
    }
    guard isEnd else { return [name] }
    if name.hasPrefix(".") { return ["*\(name)"] }
    report(origin, "\(name) stands for itself and what is below it")
    return [name, "*.\(name)"]
  }

  /// Bits behind the length count for nothing there.
  private static func prefix(_ text: String) -> AddressPrefix? {
    if let prefix = AddressPrefix(text) { return prefix }
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let length = Int(parts[1]) else { return nil }
    switch IPAddress(parts[0]) {
    case .ipv4(let bits) where (0...32).contains(length):
      return AddressPrefix(ipv4: bits, length: length)
    case .ipv6(let bits) where (0...128).contains(length):
      return AddressPrefix(ipv6: bits, length: length)
    default: return nil
    }
  }
}
