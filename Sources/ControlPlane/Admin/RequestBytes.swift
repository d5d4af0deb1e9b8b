import HTTPTypes
import Hummingbird
import NIOCore

extension Request {
  /// The body, whole.
  ///
  /// - Throws: a problem with 413 if it is longer, before it has come where the client says how
  ///   long it is; one with 400 if the client ends it before its time.
  func bytes(atMost limit: Int) async throws -> [UInt8] {
    let tooLarge = Problem(.contentTooLarge, "a body has at most \(limit) bytes here")
    if let length = headers[.contentLength].flatMap({ Int($0) }), length > limit { throw tooLarge }
    do {
      return Array(try await body.collect(upTo: limit).readableBytesView)
    } catch is NIOTooManyBytesError {
      throw tooLarge
    } catch  where !(error is CancellationError) {
      throw Problem(.badRequest, "the body ends before its time")
    }
  }
}
