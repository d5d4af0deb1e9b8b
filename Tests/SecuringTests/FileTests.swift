import Foundation
import Securing
import TestSupport
import Testing

func certificateFile(_ files: TestAuthority.Files) throws -> String {
  try String(contentsOfFile: files.certificate, encoding: .utf8)
}

/// What is said of files that cannot be served with.
@Suite struct FileTests {
  let authority: TestAuthority

  init() throws { authority = try HandshakeTests.authority.get() }

  private func found(_ files: TestAuthority.Files...) -> TLSFileFault? {
    do throws(TLSFileFault) {
      _ = try TLSServerContext(
        TLSServerRules(certificates: files.map { CertificateFiles($0) }))
      return nil
    } catch {
      return error
    }
  }

  @Test func `Every fault names the file at its place`() throws {
    let good = try authority.sign(["good.example.org"])
    let other = try authority.sign(["other.example.org"])
    typealias Files = TestAuthority.Files
    let cases: [(Files, TLSFileFault.Part, String)] = [
      (Files(certificate: "/nowhere", key: good.key), .certificate(1), "is no readable"),
      (Files(certificate: good.key, key: good.key), .certificate(1), "is no readable"),
      (Files(certificate: good.certificate, key: "/nowhere"), .key(1), "is no readable"),
      (Files(certificate: good.certificate, key: good.certificate), .key(1), "is no readable"),
      (Files(certificate: good.certificate, key: other.key), .key(1), "does not belong"),
    ]
    for (files, part, reason) in cases {
      let fault = try #require(found(good, files), "\(files)")
      #expect(fault.part == part && fault.reason.hasPrefix(reason), "\(fault)")
    }
    #expect(found(good, other) == nil)
    #expect(found()?.part == .certificate(0))
  }

  /// Whoever starts again with it is better served than not at all: its clients decide.
  @Test func `A certificate that has expired is no fault, and its end is told`() throws {
    let old = try authority.sign(["old.example.org"], days: -1)
    let context = try TLSServerContext(TLSServerRules(certificates: [CertificateFiles(old)]))
    #expect(context.ends[0] < Int64(Date.now.timeIntervalSince1970))
  }

  @Test func `A key with a password is not readable, and nobody is asked`() throws {
    let files = try authority.sign(["locked.example.org"])
    let program = try RunningProcess(
      shell: """
        openssl ec -aes256 -passout pass:secret -in \(files.key) -out \(files.key).locked 2>&1
        """)
    program.waitForEnd()
    let fault = found(.init(certificate: files.certificate, key: "\(files.key).locked"))
    #expect(fault?.part == .key(0))
  }

  @Test func `Roots that cannot be read are a fault of both ends`() throws {
    let good = try authority.sign(["roots.example.org"])
    #expect(throws: TLSFileFault(part: .roots, reason: "holds no readable PEM certificates")) {
      _ = try TLSServerContext(good) {
        $0.clientCertificates = .required
        $0.clientRoots = "/nowhere"
      }
    }
    #expect(throws: TLSFileFault(part: .roots, reason: "holds no readable PEM certificates")) {
      _ = try TLSClientContext(TLSClientRules(roots: good.key))
    }
  }

  @Test func `A context tells of its certificates' names and of their ends`() throws {
    let context = try TLSServerContext(
      authority.sign(["a.example.org", "*.b.example.org"]), authority.sign(["C.example.org"]))
    #expect(context.names == [["a.example.org", "*.b.example.org"], ["c.example.org"]])
    let days = context.ends.map { (Date(timeIntervalSince1970: Double($0)).timeIntervalSinceNow) }
    #expect(days.allSatisfy { (8.9 * 86_400...9.1 * 86_400).contains($0) })
  }
}
