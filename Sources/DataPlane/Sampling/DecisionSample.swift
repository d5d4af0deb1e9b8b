public import Editions
public import Places

/// One decision that was made: for whom, what was asked, and the edition that it was made from. All
/// else of it is explained afterwards, from the same edition.
public struct DecisionSample: Sendable {
  public enum Question: Sendable, Equatable {
    /// In wire form, as it was asked; and its type.
    case name([UInt8], type: UInt16)
    /// A listener of the proxy; what the client's ClientHello asks for, empty: nothing.
    case listener(String, serverName: [UInt8])
  }

  /// Since 1970.
  public var nanoseconds: UInt64
  /// Whom the decision was made for: of the query's client subnet, if that was used.
  public var client: IPAddress
  public var question: Question
  public var edition: Edition
}
