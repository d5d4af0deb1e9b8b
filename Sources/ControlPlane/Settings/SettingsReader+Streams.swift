import Places

extension SettingsReader {
  static let defaultStreams = Settings.Streams(
    maximumConnections: 10_000, maximumConnectionsPerClient: 100, idleTimeout: .seconds(10),
    receiveTimeout: .seconds(5), sendTimeout: .seconds(10))

  /// The limits of `dns.tcp` and `dns.tls`.
  static func streams(_ section: Section) -> Settings.Streams {
    let times = Duration.milliseconds(100) ... .seconds(3600)
    let defaults = defaultStreams
    return Settings.Streams(
      maximumConnections: section.optional("max_connections")?.integer(1...1_000_000)
        ?? defaults.maximumConnections,
      maximumConnectionsPerClient: section.optional("max_connections_per_client")?
        .integer(1...1_000_000) ?? defaults.maximumConnectionsPerClient,
      idleTimeout: section.optional("idle_timeout")?.duration(times) ?? defaults.idleTimeout,
      receiveTimeout: section.optional("receive_timeout")?.duration(times)
        ?? defaults.receiveTimeout,
      sendTimeout: section.optional("send_timeout")?.duration(times) ?? defaults.sendTimeout)
  }

  /// - Parameter plain: the addresses of DNS without TLS, on which TLS is served too, on its own
  ///   port, unless others are named.
  static func encryptedDNS(_ value: Value?, plain: [SocketAddress]) -> Settings.EncryptedDNS? {
    let read = value?.section { section -> Settings.EncryptedDNS? in
      let listen = section.optional("listen")?.listenAddresses()
      let certificate = section.required("certificate", "the path of a PEM file")
      let key = section.required("key", "the path of a PEM file")
      let streams = streams(section)
      return certificateFiles(certificate, key).map { files in
        Settings.EncryptedDNS(
          listen: listen ?? plain.map { SocketAddress(address: $0.address, port: 853) },
          files: files, streams: streams)
      }
    }
    return read ?? nil
  }

  /// The addresses whose queries begin with a proxy's header.
  static func trustedProxies(_ value: Value?) -> [AddressPrefix] {
    let read = value?.section { section in
      let trusted = section.required("trusted", "prefixes such as [10.0.0.0/8]")
      return (trusted?.elements() ?? []).compactMap {
        $0.parsed("a prefix such as 192.0.2.0/24, no bits set behind its length") {
          AddressPrefix($0)
        }
      }
    }
    return read ?? []
  }
}
