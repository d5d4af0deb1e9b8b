package import Foundation

/// A root of certificates and the certificates it has signed, in a folder of its own; made by the
/// `openssl` program, all with keys of P-256.
package final class TestAuthority: Sendable {
  package struct Failure: Error { package var output: String }

  /// The paths of a certificate and of its key.
  package struct Files: Sendable {
    package var certificate: String
    package var key: String
    /// The files last as long as this.
    private let authority: TestAuthority?

    package init(certificate: String, key: String, authority: TestAuthority? = nil) {
      self.certificate = certificate
      self.key = key
      self.authority = authority
    }
  }

  package let folder: URL
  /// The path of the root's own certificate.
  package var roots: String { folder.appending(path: "ca.pem").path }

  package init() throws {
    folder = FileManager.default.temporaryDirectory.appending(
      path: "azimuth-authority-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try run(
      """
      openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 9 \
        -subj '/CN=Test roots' -keyout ca.key -out ca.pem
      """)
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  /// Signs a certificate for some names; the first one is its common name too.
  ///
  /// - Parameters:
  ///   - days: from now; below 0: it has expired.
  ///   - file: another one of the same name is replaced.
  package func sign(
    _ names: [String], days: Int = 9, key: String = "ec -pkeyopt ec_paramgen_curve:P-256",
    file: String? = nil
  ) throws -> Files {
    let file = file ?? "\(names[0].replacing("*", with: "_"))-\(UUID().uuidString)"
    let alternatives = names.map { name in
      name.allSatisfy { $0.isNumber || $0 == "." } ? "IP:\(name)" : "DNS:\(name)"
    }.joined(separator: ",")
    try run(
      """
      openssl req -newkey \(key) -nodes -subj '/CN=\(names[0])' \
        -keyout '\(file).newkey' -out '\(file).csr'
      echo 'subjectAltName=\(alternatives)' > '\(file).ext'
      openssl x509 -req -in '\(file).csr' -CA ca.pem -CAkey ca.key -set_serial \
        \(UInt32.random(in: 1 ... .max)) -days \(days) -extfile '\(file).ext' -out '\(file).new'
      mv '\(file).newkey' '\(file).key'
      mv '\(file).new' '\(file).pem'
      """)
    return Files(
      certificate: folder.appending(path: "\(file).pem").path,
      key: folder.appending(path: "\(file).key").path, authority: self)
  }

  private func run(_ script: String) throws {
    let process = try RunningProcess("/bin/sh", ["-ec", script], in: folder.path)
    process.waitForEnd()
    guard process.status == 0 else { throw Failure(output: process.all) }
  }
}
