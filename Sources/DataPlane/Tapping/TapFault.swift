import Glibc

/// Why there is no tap, or no connection to who reads it.
public struct TapFault: Error, Sendable, Equatable, CustomStringConvertible {
  public let description: String

  init(_ description: String) { self.description = description }

  /// - Parameter code: an errno, above 0.
  init(code: Int32) {
    guard let text = unsafe strerror(code) else { self.init("error \(code)"); return }
    unsafe self.init(String(cString: text))
  }
}
