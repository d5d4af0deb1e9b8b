import Admin
import Compiling
import Counters
import Listening
import Logging
import Proxying
import Securing
import Settings

/// What the certificates, keys and roots that the settings name were read into: new connections
/// take it up, and those that are open keep what they began with.
struct LoadedTLS: Sendable {
  /// Of DNS over TLS; nil: it is off.
  private(set) var dns: TLSIdentity?
  /// Of the admin server; nil: it shows none.
  private(set) var admin: AdminIdentity?
  /// By the names of the proxy's listeners.
  private(set) var listeners: [String: TLSServerContext] = [:]
  /// By the names of pools.
  private(set) var pools: [String: TLSClientContext] = [:]

  /// Reads all files.
  ///
  /// - Throws: all that is wrong with any of them.
  init(_ settings: Settings) throws(Faults) {
    var faults: [Fault] = []
    do throws(Faults) {
      dns = try tlsIdentity(settings)
    } catch {
      faults += error.faults
    }
    if case .address(_, let tls?) = settings.admin.listen {
      do throws(Faults) {
        admin = try AdminIdentity(tls)
      } catch {
        faults += error.faults
      }
    }
    for listener in settings.proxy.listeners {
      guard let tls = listener.tls else { continue }
      do throws(TLSFileFault) {
        listeners[listener.name] = try TLSServerContext(
          TLSServerRules(tls, listener: listener.name))
      } catch {
        faults.append(Fault(error, tls.certificates, roots: tls.clientRoots, tls.origin))
      }
    }
    for pool in settings.pools {
      guard let tls = pool.tls else { continue }
      do throws(TLSFileFault) {
        pools[pool.name] = try TLSClientContext(TLSClientRules(tls))
      } catch {
        let certificates = tls.certificate.map { [$0] } ?? []
        faults.append(Fault(error, certificates, roots: tls.roots, tls.origin))
      }
    }
    guard faults.isEmpty else { throw Faults(faults) }
  }
}

extension LoadedTLS {
  /// A certificate that ends sooner is worth a word at each load.
  private static let leastDays: Int64 = 14

  /// What is served in spite of its end.
  ///
  /// - Parameter now: seconds since 1970.
  func warnings(_ settings: Settings, now: Int) -> [Fault] {
    settings.proxy.listeners.flatMap { listener -> [Fault] in
      guard let tls = listener.tls, let context = listeners[listener.name] else { return [] }
      return zip(tls.certificates, context.ends).compactMap { files, end in
        let days = (end - Int64(now)) / 86_400
        guard days < Self.leastDays else { return nil }
        return Fault(
          origin: files.certificateOrigin,
          message: end < Int64(now)
            ? "\(files.certificate) has expired; clients will refuse it"
            : "\(files.certificate) expires in \(days) \(days == 1 ? "day" : "days")",
          suggestion: "renew it, and reload")
      }
    }
  }
}

extension LoadedTLS {
  /// ``warnings(_:now:)`` into the log.
  func warn(_ settings: Settings, _ logger: Logger) {
    for warning in warnings(settings, now: secondsSince1970()) {
      logger.warning("a certificate ends", metadata: ["warning": "\(warning)"])
    }
  }
}

/// When the proxy's certificates end, as metrics.
func certificateSamples(_ ends: [ProxyServer.CertificateEnd]) -> [MetricSample] {
  ends.map {
    MetricSample(
      "azimuth_proxy_certificate_expiry_timestamp_seconds",
      labels: [.init("listener", $0.listener), .init("name", $0.name)],
      value: Double($0.seconds))
  }
}

extension TLSServerRules {
  fileprivate init(_ tls: Settings.ListenerTLS, listener: String) {
    self.init(
      certificates: tls.certificates.map { CertificateFiles($0) },
      minimumVersion: TLSVersion(tls.minimumVersion), protocols: tls.protocols,
      clientCertificates: ClientCertificates(tls.clients), clientRoots: tls.clientRoots?.path,
      scope: listener)
  }
}

extension ClientCertificates {
  fileprivate init(_ clients: Settings.ListenerTLS.Clients) {
    self =
      switch clients {
      case .off: .off
      case .optional: .optional
      case .required: .required
      }
  }
}

extension TLSClientRules {
  fileprivate init(_ tls: Settings.EndpointTLS) {
    self.init(
      serverName: tls.serverName, isVerified: tls.isVerified, roots: tls.roots?.path,
      certificate: tls.certificate.map { CertificateFiles($0) },
      minimumVersion: TLSVersion(tls.minimumVersion), protocols: tls.protocols)
  }
}

extension CertificateFiles {
  fileprivate init(_ files: Settings.CertificateFiles) {
    self.init(certificate: files.certificate, key: files.key)
  }
}

extension TLSVersion {
  fileprivate init(_ version: Settings.TLSVersion) {
    self =
      switch version {
      case .tls12: .tls12
      case .tls13: .tls13
      }
  }
}

extension Fault {
  /// - Parameter origin: of the whole section.
  fileprivate init(
    _ fault: TLSFileFault, _ certificates: [Settings.CertificateFiles],
    roots: Settings.RootsFile?, _ origin: Origin
  ) {
    switch fault.part {
    case .certificate(let index) where certificates.indices.contains(index):
      let files = certificates[index]
      self.init(
        origin: files.certificateOrigin, message: "\(files.certificate) \(fault.reason)")
    case .key(let index) where certificates.indices.contains(index):
      let files = certificates[index]
      self.init(origin: files.keyOrigin, message: "\(files.key) \(fault.reason)")
    case .roots:
      self.init(
        origin: roots?.origin ?? origin,
        message: "\(roots?.path ?? "the system's roots") \(fault.reason)")
    case .certificate, .key, .other: self.init(origin: origin, message: fault.reason)
    }
  }
}
