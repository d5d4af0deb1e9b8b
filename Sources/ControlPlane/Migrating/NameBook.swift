/// Names that a configuration may use, each given to one thing.
///
/// Names of other programs may be of any signs and as long as they like; here they are 1 to 63
/// letters, digits, `-`, `_` and `.`, the first a letter or digit.
struct NameBook {
  private var names: [String: String] = [:]
  private var taken: Set<String> = []

  /// The name of what `key` stands for: the same for the same key, and of no other one.
  ///
  /// - Parameters:
  ///   - wanted: comes as near to it as it can.
  ///   - suffix: what is put behind it if it is taken, before numbers are.
  mutating func name(_ key: String, wanted: String, suffix: String = "2") -> String {
    if let name = names[key] { return name }
    let base = Self.fitted(wanted)
    var name = base
    var number = 1
    while !taken.insert(name).inserted {
      name = number == 1 ? "\(base)-\(suffix)" : "\(base)-\(suffix)-\(number)"
      number += 1
    }
    names[key] = name
    return name
  }

  /// Short enough for a suffix.
  private static func fitted(_ wanted: String) -> String {
    let letters = wanted.unicodeScalars.map { scalar -> Character in
      let isGood = scalar.isASCII && (Character(scalar).isLetter || Character(scalar).isNumber)
      return isGood || "-_.".unicodeScalars.contains(scalar) ? Character(scalar) : "-"
    }
    let name = String(String(letters).prefix(40).drop { "-_.".contains($0) })
    return name.isEmpty ? "unnamed" : name
  }
}
