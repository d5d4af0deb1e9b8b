extension Settings {
  /// How a running process is replaced by another one.
  package struct Handover: Sendable, Equatable {
    /// Absolute path of the Unix socket where a process waits for its successor; nil: there is no
    /// hot restart.
    package var socket: String?

    /// Of the path: what Linux has room for, without the suffix it is made under.
    package static let maximumPathByteCount = 96
  }
}
