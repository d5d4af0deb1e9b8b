public import Places

/// Why a listener could not start.
public struct ListenFault: Error, Sendable, Equatable, CustomStringConvertible {
  public let address: SocketAddress
  /// As `strerror` has it.
  public let reason: String

  public init(address: SocketAddress, reason: String) {
    self.address = address
    self.reason = reason
  }

  public var description: String { "cannot listen on \(address): \(reason)" }
}
