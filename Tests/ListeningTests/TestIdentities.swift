import Glibc
import Listening
import Testing

/// Certificates that sign themselves, with their keys. Made once with OpenSSL, valid until 2126.
enum TestIdentities {
  static let one = (certificate: certificateOne, key: keyOne)
  static let two = (certificate: certificateTwo, key: keyTwo)

  /// As the listener reads them, from files.
  static func identity(certificate: String, key: String) throws -> TLSIdentity {
    let files = try [certificate, key].map { try file($0) }
    defer { files.forEach { unlink($0) } }
    return try TLSIdentity(certificateFile: files[0], keyFile: files[1])
  }

  private static func file(_ text: String) throws -> String {
    var path = Array("/tmp/azimuth-pem-XXXXXX".utf8CString)
    let descriptor = mkstemp(&path)
    try #require(descriptor >= 0)
    defer { close(descriptor) }
    let bytes = Array(text.utf8)
    #expect(write(descriptor, bytes, bytes.count) == bytes.count)
    return path.withUnsafeBufferPointer { buffer in
      String(decoding: buffer.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
  }

  private static let certificateOne = """
    -----BEGIN CERTIFICATE-----
    MIIBfDCCASOgAwIBAgIUbsWK3faBLNuylalI4ov/P+SQUnkwCgYIKoZIzj0EAwIw
    EzERMA8GA1UEAwwIb25lLnRlc3QwIBcNMjYxMTI2MDI0MDU3WhgPMjEyNjExMDIw
    MjQwNTdaMBMxETAPBgNVBAMMCG9uZS50ZXN0MFkwEwYHKoZIzj0CAQYIKoZIzj0D
    AQcDQgAE5tzztURREEcU0zgwjUqURi1GbPTw3s2fv5vreWpk+3LHtlT3H/Ufuk55
    +T21lDcSVA1iPID14Xr8wmABLwgg+6NTMFEwHQYDVR0OBBYEFGPjujoPjl4047Ii
    zf4nTbJ3gVGVMB8GA1UdIwQYMBaAFGPjujoPjl4047Iizf4nTbJ3gVGVMA8GA1Ud
    EwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDRwAwRAIgLHEc1Y8o6NNlPPvMWucduv1n
    HSoC+HpqWWqCKC+aKf0CIHr1RXa7xkJYi2gZanoOQxU1wUjjOeh9693U1pA39FWJ
    -----END CERTIFICATE-----
    """
  private static let keyOne = """
    -----BEGIN PRIVATE KEY-----
    MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgso8TfpHIRkjWqUiX
    hR+TQEBiAX73Lr+h1Dc3OD2KboKhRANCAATm3PO1RFEQRxTTODCNSpRGLUZs9PDe
    zZ+/m+t5amT7cse2VPcf9R+6Tnn5PbWUNxJUDWI8gPXhevzCYAEvCCD7
    -----END PRIVATE KEY-----
    """
  private static let certificateTwo = """
    -----BEGIN CERTIFICATE-----
    MIIBfDCCASOgAwIBAgIUCzdfD6FMNZE+wwTiqipaIkWjDpAwCgYIKoZIzj0EAwIw
    EzERMA8GA1UEAwwIdHdvLnRlc3QwIBcNMjYxMTI2MDI0MDU3WhgPMjEyNjExMDIw
    MjQwNTdaMBMxETAPBgNVBAMMCHR3by50ZXN0MFkwEwYHKoZIzj0CAQYIKoZIzj0D
    AQcDQgAEKMUgieFKn+U/gXcT+aq0E+00bEYcNdb/RNb1m6t5EgFFW2BT3Y6AtV8e
    6RMBE5S0HAQqUOkAY0UrxaMIU+oeuqNTMFEwHQYDVR0OBBYEFEODdwSqYvmdhSp9
    L9+0QB37SwVqMB8GA1UdIwQYMBaAFEODdwSqYvmdhSp9L9+0QB37SwVqMA8GA1Ud
    EwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDRwAwRAIgCBFx6sh3630e5nBGjyrIYXBp
    JU+tPFQn49TwpRrmWLQCIFGD3MI6iltUc9INAGEJj0OAOhn+Cgt8qbGVFPvMof7w
    -----END CERTIFICATE-----
    """
  private static let keyTwo = """
    -----BEGIN PRIVATE KEY-----
    MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgpg2TLmSTMpcSRECz
    t0bzomReeYhGoJgz6Fmc4F8QUxahRANCAAQoxSCJ4Uqf5T+BdxP5qrQT7TRsRhw1
    1v9E1vWbq3kSAUVbYFPdjoC1Xx7pEwETlLQcBCpQ6QBjRSvFowhT6h66
    -----END PRIVATE KEY-----
    """
}
