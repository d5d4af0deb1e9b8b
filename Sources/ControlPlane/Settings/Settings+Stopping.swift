extension Settings {
  /// How the process ends when it is told to.
  package struct Stopping: Sendable, Equatable {
    /// Between not being ready any more and taking no more connections: for those who watch
    /// `/readyz` to send their clients elsewhere.
    package var delay = Duration.zero
    /// From then on, for connections that are open to end by themselves.
    package var deadline = Duration.seconds(30)
    /// The last part of it, in which those that are left are closed one after another, so that
    /// their clients do not all come back at once.
    package var spread = Duration.seconds(10)
  }
}
