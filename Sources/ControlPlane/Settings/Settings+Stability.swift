extension Settings {
  /// How lost regions return, and what counts as flapping.
  package struct Stability: Sendable, Equatable {
    package enum Failback: Sendable, Equatable { case auto, gradual, manual }

    package var failback: Failback = .auto
    /// Least time between the loss of a region and its return.
    package var holdDown = Duration.zero
    /// Over which a region gets its clients back, unless ``failback`` is `auto`.
    package var ramp = Duration.seconds(60)
    /// The share with which a ramp begins, 0...1.
    package var rampStart = 0.1
    package var flapping = Flapping()
    package var remembering = Remembering()
  }

  /// How old what the `state` folder has may be at a start.
  package struct Remembering: Sendable, Equatable {
    package var health = Duration.seconds(600)
    package var overrides = Duration.seconds(7 * 86_400)

    package init() {}
  }

  /// Each loss adds 1 to a penalty that halves with time.
  package struct Flapping: Sendable, Equatable {
    package var isOn = true
    /// In losses.
    package var suppressAt = 2.5
    package var reuseAt = 1.0
    package var halfLife = Duration.seconds(120)
    /// Nothing stays flapping for longer after its last loss.
    package var longest = Duration.seconds(600)
  }
}
