import CTLS

/// What a listener's sessions begin with: certificates with their keys, and rules. It never
/// changes: files are read anew by making another one, and sessions keep what they began with.
///
/// Safe on any thread: OpenSSL counts what refers to a context atomically, and nothing here writes
/// to it once it is made.
@safe package final class TLSServerContext: @unchecked Sendable {
  /// Of each certificate, in the order of the rules: the names it is for, lower case.
  package let names: [[String]]
  /// Of each: seconds since 1970 after which it holds no more.
  package let ends: [Int64]
  let context: OpaquePointer

  /// Reads the files.
  package init(_ rules: TLSServerRules) throws(TLSFileFault) {
    var names: [[String]] = []
    var ends: [Int64] = []
    var identities: [OpaquePointer?] = unsafe []
    do throws(TLSFileFault) {
      for (index, files) in rules.certificates.enumerated() {
        let identity = try unsafe loadIdentity(files, index: index)
        unsafe identities.append(identity)
        names.append(unsafe identityNames(identity))
        ends.append(unsafe az_tls_identity_end(identity))
      }
      guard !names.isEmpty else {
        throw TLSFileFault(part: .certificate(0), reason: "is missing")
      }
    } catch {
      unsafe identities.forEach { unsafe az_tls_identity_free($0) }
      throw error
    }
    var fault: Int32 = 0
    let raw = RawRules(
      minimumVersion: rules.minimumVersion, protocols: rules.protocols, roots: rules.clientRoots,
      scope: rules.fullScope)
    let context = unsafe raw.withRules { pointer in
      unsafe pointer.pointee.clients =
        switch rules.clientCertificates {
        case .off: Int32(AZ_TLS_CLIENTS_OFF)
        case .optional: Int32(AZ_TLS_CLIENTS_OPTIONAL)
        case .required: Int32(AZ_TLS_CLIENTS_REQUIRED)
        }
      return unsafe az_tls_server(pointer, &identities, identities.count, &fault)
    }
    guard let context = unsafe context else { throw TLSFileFault(code: fault, index: 0) }
    unsafe self.context = context
    self.names = names
    self.ends = ends
  }

  deinit { unsafe az_tls_context_free(context) }

  /// Tickets that were made before are good for one more of these, and tickets made from now on
  /// have a new key; it happens by itself every hour.
  package static func rotateTicketKeys() { az_tls_rotate_ticket_keys() }
}

/// What connections to the endpoints of a pool begin with; like ``TLSServerContext`` in all else.
@safe package final class TLSClientContext: @unchecked Sendable {
  package let serverName: String?
  let context: OpaquePointer

  /// Reads the files.
  package init(_ rules: TLSClientRules) throws(TLSFileFault) {
    serverName = rules.serverName
    var identity: OpaquePointer?
    if let files = rules.certificate { unsafe identity = try loadIdentity(files, index: 0) }
    var fault: Int32 = 0
    let raw = RawRules(
      minimumVersion: rules.minimumVersion, protocols: rules.protocols, roots: rules.roots,
      scope: "")
    let context = unsafe raw.withRules { pointer in
      unsafe pointer.pointee.verifies = rules.isVerified ? 1 : 0
      return unsafe az_tls_client(pointer, identity, &fault)
    }
    guard let context = unsafe context else { throw TLSFileFault(code: fault, index: 0) }
    unsafe self.context = context
  }

  deinit { unsafe az_tls_context_free(context) }
}

private func loadIdentity(
  _ files: CertificateFiles, index: Int
) throws(TLSFileFault) -> OpaquePointer {
  var fault: Int32 = 0
  guard let identity = unsafe az_tls_identity_load(files.certificate, files.key, &fault) else {
    throw TLSFileFault(code: fault, index: index)
  }
  return unsafe identity
}

private func identityNames(_ identity: OpaquePointer) -> [String] {
  let count = unsafe az_tls_identity_name_count(identity)
  return (0..<count).compactMap { index in
    // Below the count, a string that lives as long as the identity.
    unsafe az_tls_identity_name(identity, index).map { unsafe String(cString: $0) }
  }
}

extension TLSServerRules {
  fileprivate var fullScope: String {
    "\(scope)\n\(clientCertificates)\n"
  }
}

/// Rules in the memory that C wants them in.
private struct RawRules {
  var minimumVersion: TLSVersion
  var protocols: [String]
  var roots: String?
  var scope: String

  /// Gives rules to `body` that are good as long as it runs.
  func withRules<Result>(_ body: (UnsafeMutablePointer<az_tls_rules>) -> Result) -> Result {
    let protocols = protocols.flatMap { [UInt8(clamping: $0.utf8.count)] + Array($0.utf8) }
    let scope = Array(scope.utf8)
    return unsafe protocols.withUnsafeBufferPointer { protocols in
      unsafe scope.withUnsafeBufferPointer { scope in
        var rules = unsafe az_tls_rules()
        unsafe rules.minimum_version = Int32(minimumVersion.rawValue)
        unsafe rules.protocols = protocols.baseAddress
        unsafe rules.protocols_length = protocols.count
        unsafe rules.scope = scope.baseAddress
        unsafe rules.scope_length = scope.count
        guard let roots else { return unsafe body(&rules) }
        return unsafe roots.withCString { roots in
          unsafe rules.roots_file = unsafe roots
          return unsafe body(&rules)
        }
      }
    }
  }
}

extension TLSFileFault {
  fileprivate init(code: Int32, index: Int) {
    (part, reason) =
      switch Int(code) {
      case Int(AZ_TLS_NO_CERTIFICATE): (.certificate(index), "is no readable PEM certificate")
      case Int(AZ_TLS_NO_KEY): (.key(index), "is no readable PEM private key")
      case Int(AZ_TLS_FOREIGN_KEY): (.key(index), "does not belong to the certificate")
      case Int(AZ_TLS_NO_ROOTS): (.roots, "holds no readable PEM certificates")
      case Int(AZ_TLS_BAD_PROTOCOLS): (.other, "application protocols cannot be offered")
      default: (.other, "no memory is left")
      }
  }
}

extension TLSServerContext: Equatable {
  package static func == (left: TLSServerContext, right: TLSServerContext) -> Bool {
    left === right
  }
}
