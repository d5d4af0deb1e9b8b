/// How far a region's data are behind, as it was asked.
package struct LagReading: Sendable, Equatable {
  package var service: String
  package var region: String
  package var lag: Duration

  package init(service: String, region: String, lag: Duration) {
    self.service = service
    self.region = region
    self.lag = lag
  }

  /// Some hundred years: more is no lag but a mistake.
  private static let mostSeconds = 1e10

  /// From what was answered: seconds as a plain number such as `0.35`, with or without a line's
  /// end; nil if it is anything else.
  package init?(service: String, region: String, answer: [UInt8]) {
    guard let seconds = plainNumber(answer, atMost: Self.mostSeconds) else { return nil }
    self.init(service: service, region: region, lag: .seconds(seconds))
  }
}
