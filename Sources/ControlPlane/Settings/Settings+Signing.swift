extension Settings {
  /// How a zone is signed (RFC 4035 §2).
  package struct Signing: Sendable, Equatable {
    /// A pair of files as dnssec-keygen writes them.
    package struct KeyFile: Sendable, Equatable {
      /// Absolute; of either file, or of both without their ends.
      package var path: String
      package var origin: Origin
    }
    /// Keys that sign, as their files' times have it.
    package var keys: [KeyFile]
    /// Keys that are told only; of these the public file is enough.
    package var published: [KeyFile]
    /// How long a signature holds.
    package var validitySeconds: UInt32
    /// Of the DNSKEY set.
    package var keyTTLSeconds: UInt32
  }
}
