/// A question as the API takes it: a scenario, and of whom it is asked.
package struct SimulationQuestion: Sendable {
  package var scenario = Scenario()
  /// Whether the configuration file as it is now takes the place of the running configuration, as a
  /// reload would have it.
  package var readsFile = false
  /// nil: people.
  package var population: Population?
  /// By name; nil: all.
  package var services: [String]?
  /// Of all clients together; nil: their weights as they are.
  package var load: Double?

  package init() {}
}

/// Why a question was not answered.
package enum SimulationRefusal: Error, Equatable {
  /// Another one is being answered.
  case busy
  /// Names that nothing has, and numbers out of their range, in words.
  case misunderstood([String])
}
