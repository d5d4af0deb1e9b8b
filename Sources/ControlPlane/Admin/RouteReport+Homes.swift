import Homes
import Routing

/// The key by which a name was steered.
package struct RoutedKey: Sendable, Equatable {
  package var text: String
  /// `override`, `exact`, `prefix`, `range` or `default`.
  package var rule: String

  package init(text: String, rule: String) {
    self.text = text
    self.rule = rule
  }
}

extension RouteReport {
  /// Of a service that goes by a key.
  package struct Home: Sendable, Equatable, Codable {
    package var key: String
    /// `override`, `exact`, `prefix`, `range` or `default`.
    package var rule: String
    /// nil: the key has no home.
    package var region: String?
    /// Where the key comes from, while it moves.
    package var movingFrom: String?

    enum CodingKeys: String, CodingKey {
      case key, rule, region
      case movingFrom = "moving_from"
    }

    init(_ key: RoutedKey, service: RoutingModel.Service, model: RoutingModel) {
      self.key = key.text
      rule = key.rule
      region = service.home?.home.map { model.regions[$0.region].name }
      movingFrom = service.home?.home?.former.map { model.regions[$0].name }
    }

    var sentence: String {
      guard let region else {
        return "Key \(key) has no home: nothing says where it is, and there is no default."
      }
      let words =
        switch rule {
        case "override": "an override"
        case "exact": "the key itself"
        case "prefix": "its beginning"
        case "range": "the range of its hash"
        default: "the default"
        }
      guard let movingFrom else { return "Key \(key) is at home in \(region), by \(words)." }
      return "Key \(key) moves from \(movingFrom) to \(region), by \(words): both have its data."
    }

    /// `acme → tokyo (override)`.
    var text: String {
      let moving = movingFrom.map { ", moving from \($0)" } ?? ""
      return "\(key) → \(region ?? "none") (\(rule)\(moving))"
    }
  }
}
