public import Answering
public import Editions
public import Places

/// Those who take what is no plain question: NOTIFY, transfers, whatever is signed. They know zones
/// and keys, of which the data plane knows nothing.
public protocol UncommonMessages: Sendable {
  /// The answers to one message, which are pulled one by one as the peer takes them; over UDP only
  /// the first is sent. Called on any thread of the data plane; must not block.
  ///
  /// - Parameters:
  ///   - message: a whole DNS message that the responder called uncommon.
  ///   - answer: makes the answer to a plain question, for signed ones.
  /// - Returns: nil: nothing is to be sent.
  func answers(
    to message: [UInt8], from source: SocketAddress, over transport: Responder.Transport,
    edition: Edition
  ) -> (any AnswerStream)?
}

/// The answers to one message.
public protocol AnswerStream: AnyObject {
  /// The next DNS message, whole and without its length; nil at the end.
  func next() -> [UInt8]?
}
