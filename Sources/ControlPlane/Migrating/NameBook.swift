/// Names that a configuration may use, each given to one thing.
///
/// Names of other programs may be of any signs and as long as they like; here they are 1 to 63
/// letters, digits, `-`, `_` and `.`, the first a letter or digit.
package struct NameBook {
  private var names: [String: String] = [:]
  private var taken: Set<String> = []
  /// Of a name and what is put behind it, the number to try next.
  private var next: [String: Int] = [:]
  /// How many names were tried in all: work, which grows as names do and no faster.
  package private(set) var attemptCount = 0

  package init() {}

  /// The name of what `key` stands for: the same for the same key, and of no other one.
  ///
  /// - Parameters:
  ///   - wanted: comes as near to it as it can.
  ///   - suffix: what is put behind it if it is taken, before numbers are.
  package mutating func name(_ key: String, wanted: String, suffix: String = "2") -> String {
    if let name = names[key] { return name }
    let base = Self.fitted(wanted)
    let start = "\(base)-\(suffix)"
    var name = base
    var number = next[start] ?? 0
    if number > 0 { name = number == 1 ? start : "\(start)-\(number)" }
    attemptCount += 1
    while !taken.insert(name).inserted {
      number += 1
      name = number == 1 ? start : "\(start)-\(number)"
      attemptCount += 1
    }
    next[start] = number
    names[key] = name
    return name
  }

  /// Short enough for a suffix.
  private static func fitted(_ wanted: String) -> String {
    let letters = wanted.unicodeScalars.prefix(200).map { scalar -> Character in
      let isGood = scalar.isASCII && (Character(scalar).isLetter || Character(scalar).isNumber)
      return isGood || "-_.".unicodeScalars.contains(scalar) ? Character(scalar) : "-"
    }
    let name = String(String(letters).prefix(40).drop { "-_.".contains($0) })
    return name.isEmpty ? "unnamed" : name
  }
}
