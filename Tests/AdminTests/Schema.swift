import Announcing

/// A JSON Schema (2020-12), as far as openapi.json uses it. A keyword that is not known here is an
/// error of its own, so that none is passed over.
struct Schema {
  let value: JSON
  /// By name, for `$ref`.
  let components: JSON

  private static let annotations: Set = ["description", "default", "example"]
  private static let referencePrefix = "#/components/schemas/"

  /// What is wrong with an instance, each with its place; empty: nothing is.
  ///
  /// - Parameter isClosed: true: a member that the schema does not name is wrong, though readers of
  ///   the API must expect some. For alternatives it is false.
  func faults(of instance: JSON, at place: String = "", isClosed: Bool = true) -> [String] {
    guard case .object(let keywords) = value else { return ["\(place): no schema"] }
    return keywords.sorted { $0.key < $1.key }.flatMap { keyword, argument in
      faults(of: instance, keyword, argument, place, isClosed)
    }
  }

  private func faults(
    of instance: JSON, _ keyword: String, _ argument: JSON, _ place: String, _ isClosed: Bool
  ) -> [String] {
    func wants(_ holds: Bool) -> [String] {
      holds ? [] : ["\(place): \("\(instance)".prefix(200)) is against \(keyword) \(argument)"]
    }
    func sub(_ schema: JSON) -> Schema { Schema(value: schema, components: components) }
    switch keyword {
    case _ where Self.annotations.contains(keyword): return []
    case "$ref":
      let name = argument.string.map { $0.dropFirst(Self.referencePrefix.count) } ?? ""
      return sub(components[String(name)]).faults(of: instance, at: place, isClosed: isClosed)
    case "type": return wants(isOfType(instance, argument.string))
    case "enum": return wants(argument.items.contains(instance))
    case "const": return wants(argument == instance)
    case "anyOf", "oneOf":
      let count = argument.items.count {
        sub($0).faults(of: instance, at: place, isClosed: false).isEmpty
      }
      return wants(keyword == "anyOf" ? count > 0 : count == 1)
    case "not": return wants(!sub(argument).faults(of: instance, isClosed: false).isEmpty)
    case "required":
      return wants(argument.items.allSatisfy { instance.keys.contains($0.string ?? "") })
    case "additionalProperties" where argument == .bool(false):
      return wants(Set(instance.keys).isSubset(of: value["properties"].keys))
    case "properties", "additionalProperties":
      return instance.keys.flatMap { key in
        let schema = keyword == "properties" ? argument[key] : argument
        guard schema != .null else {
          return isClosed ? ["\(place)/\(key): is not in the schema"] : []
        }
        return sub(schema).faults(of: instance[key], at: "\(place)/\(key)")
      }
    case "items":
      return instance.items.enumerated().flatMap { index, item in
        sub(argument).faults(of: item, at: "\(place)/\(index)")
      }
    default:
      return faultsOfSize(of: instance, keyword, argument.number, wants)
        ?? faultsOfText(of: instance, keyword, argument.string, wants)
        ?? ["\(place): this validator knows no \(keyword) \(argument)"]
    }
  }

  /// nil: the keyword is of another kind.
  private func faultsOfText(
    of instance: JSON, _ keyword: String, _ argument: String?, _ wants: (Bool) -> [String]
  ) -> [String]? {
    let text = instance.string
    switch (keyword, argument) {
    case ("pattern", let pattern?):
      guard let expression = try? Regex(pattern) else { return wants(false) }
      return wants(text.map { $0.contains(expression) } ?? true)
    case ("format", "date-time"): return wants(text.map { Timestamp($0) != nil } ?? true)
    case ("format", "uri-reference"), ("format", "ipv4"), ("format", "ipv6"): return []
    default: return nil
    }
  }

  /// nil: the keyword is of another kind.
  private func faultsOfSize(
    of instance: JSON, _ keyword: String, _ bound: Double?, _ wants: (Bool) -> [String]
  ) -> [String]? {
    guard let bound else { return nil }
    let number = instance.number
    let length = instance.string.map { Double($0.unicodeScalars.count) }
    var count: Double?
    if case .array(let items) = instance { count = Double(items.count) }
    switch keyword {
    case "minimum": return wants(number.map { $0 >= bound } ?? true)
    case "maximum": return wants(number.map { $0 <= bound } ?? true)
    case "exclusiveMinimum": return wants(number.map { $0 > bound } ?? true)
    case "exclusiveMaximum": return wants(number.map { $0 < bound } ?? true)
    case "minLength": return wants(length.map { $0 >= bound } ?? true)
    case "maxLength": return wants(length.map { $0 <= bound } ?? true)
    case "minItems": return wants(count.map { $0 >= bound } ?? true)
    case "maxItems": return wants(count.map { $0 <= bound } ?? true)
    default: return nil
    }
  }

  private func isOfType(_ instance: JSON, _ type: String?) -> Bool {
    switch (instance, type) {
    case (.null, "null"), (.bool, "boolean"), (.number, "number"), (.string, "string"),
      (.array, "array"), (.object, "object"):
      true
    case (.number(let number), "integer"): number == number.rounded()
    default: false
    }
  }
}
