extension Settings {
  /// How much time connections have to end by themselves.
  package struct Draining: Sendable, Equatable {
    /// By then the last one is closed.
    package var deadline: Duration
    /// The last part of the deadline, in which those that are left are closed one after another,
    /// so that their clients do not all come back at once.
    package var spread: Duration
  }

  /// How the process ends when it is told to.
  package struct Stopping: Sendable, Equatable {
    /// Between not being ready any more and taking no more connections: for those who watch
    /// `/readyz` to send their clients elsewhere.
    package var delay = Duration.zero
    /// From then on.
    package var draining = Draining(deadline: .seconds(30), spread: .seconds(10))
  }
}
