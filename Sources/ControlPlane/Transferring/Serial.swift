/// A zone's serial number with the arithmetic of RFC 1982 §3: it wraps, and of two serials half of
/// the circle apart neither is newer.
package struct Serial: Sendable, Equatable, Hashable, CustomStringConvertible {
  package var rawValue: UInt32

  package init(_ rawValue: UInt32) { self.rawValue = rawValue }

  /// RFC 1982 §3.2: less than half of the circle ahead of `other`.
  package func isNewer(than other: Serial) -> Bool {
    let distance = rawValue &- other.rawValue
    return distance != 0 && distance < 0x8000_0000
  }

  package var description: String { "\(rawValue)" }
}
