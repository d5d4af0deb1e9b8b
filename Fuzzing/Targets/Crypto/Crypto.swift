// In the place of swift-crypto: every MAC is zeros, so that the fuzzer gets behind the signatures.

public struct SymmetricKey {
  public init(data: [UInt8]) {}
}

public protocol Hash {
  static var byteCount: Int { get }
}

public enum SHA256: Hash { public static let byteCount = 32 }
public enum SHA384: Hash { public static let byteCount = 48 }
public enum SHA512: Hash { public static let byteCount = 64 }

public enum HMAC<Function: Hash> {
  public static func authenticationCode(for bytes: [UInt8], using key: SymmetricKey) -> [UInt8] {
    Array(repeating: 0, count: Function.byteCount)
  }
}
