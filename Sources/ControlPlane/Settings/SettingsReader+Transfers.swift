import FoundationEssentials
import Places

extension SettingsReader {
  static func keys(_ entries: [Entry]) -> [Settings.Key] {
    entries.map { entry in
      let key = entry.value.section { section in
        Settings.Key(
          name: entry.key.absoluteName()?.text ?? ".",
          algorithm: section.optional("algorithm")?.choice([
            "hmac-sha256": .sha256, "hmac-sha384": .sha384, "hmac-sha512": .sha512,
          ]) ?? .sha256,
          secret: section.required("secret", "the secret in Base64")?.secret() ?? [])
      }
      return key ?? Settings.Key(name: entry.name, algorithm: .sha256, secret: [])
    }
  }

  /// A zone of a million names has some 60 MB.
  static func transfers(_ value: Value?) -> Settings.Transfers {
    var transfers = Settings.Transfers(
      maximumOut: 16, maximumOutPerClient: 4, maximumIn: 4, maximumZoneBytes: 256 << 20,
      maximumZoneRecords: 5_000_000, idleTimeout: .seconds(30), timeout: .seconds(3600))
    _ = value?.section { section in
      let counts = 1...10_000
      transfers.maximumOut = section.optional("max_out")?.integer(counts) ?? transfers.maximumOut
      transfers.maximumOutPerClient =
        section.optional("max_out_per_client")?.integer(counts) ?? transfers.maximumOutPerClient
      transfers.maximumIn = section.optional("max_in")?.integer(1...100) ?? transfers.maximumIn
      transfers.maximumZoneBytes =
        section.optional("max_zone_size")?.byteCount(1024...(4 << 30))
        ?? transfers.maximumZoneBytes
      transfers.maximumZoneRecords =
        section.optional("max_zone_records")?.integer(1...100_000_000)
        ?? transfers.maximumZoneRecords
      transfers.idleTimeout =
        section.optional("idle_timeout")?.duration(.seconds(1) ... .seconds(3600))
        ?? transfers.idleTimeout
      transfers.timeout =
        section.optional("timeout")?.duration(.seconds(1) ... .seconds(86_400))
        ?? transfers.timeout
    }
    return transfers
  }

  /// The folder of what is kept over a restart; made when it is needed.
  static func stateFolder(_ value: Value?) -> String? {
    value.flatMap { value in
      value.text("the path of a folder").map { value.document.absolutePath($0) }
    }
  }
}

extension Section {
  /// `transfer` of a zone.
  func zoneTransfer(keys: Names) -> Settings.ZoneTransfer? {
    optional("transfer")?.section { section in
      Settings.ZoneTransfer(
        allow: (section.optional("allow")?.elements() ?? []).compactMap { $0.peer(keys: keys) },
        notify: (section.optional("notify")?.elements() ?? [])
          .compactMap { $0.notifyTarget(keys: keys) })
    }
  }

  /// `from` and `key` of a zone's `primary`.
  func primary(keys: Names) -> Settings.Primary {
    let from = required("from", "addresses such as [192.0.2.1:53]")
    let addresses = (from?.elements() ?? []).compactMap { $0.serverAddress() }
    if let from, from.elements().isEmpty { from.report("wants at least one address") }
    return Settings.Primary(from: addresses, key: optional("key")?.reference(to: keys))
  }
}

extension Value {
  fileprivate func secret() -> [UInt8]? {
    // RFC 8945 §8 wants as many bytes as the MAC has; fewer than these cannot be meant.
    let least = 16
    return parsed(
      "Base64 of at least \(least) bytes, such as openssl rand -base64 32 gives",
      isSecret: true
    ) { text in
      Data(base64Encoded: text).flatMap { $0.count >= least ? [UInt8]($0) : nil }
    }
  }

  /// Addresses or `key:name`.
  fileprivate func peer(keys: Names) -> Settings.ZoneTransfer.Peer? {
    let wanted = "a prefix such as 192.0.2.0/24, or key: and a key's name"
    guard let text = text(wanted) else { return nil }
    if text.hasPrefix("key:") {
      return keys.index(of: String(text.dropFirst(4)), at: self).map { .key($0) }
    }
    if let prefix = AddressPrefix(text) { return .prefix(prefix) }
    report("wants \(wanted), found \(found)")
    return nil
  }

  /// An address, perhaps with a port, perhaps with `key:name` behind it.
  fileprivate func notifyTarget(keys: Names) -> Settings.ZoneTransfer.Target? {
    let wanted = "an address such as 192.0.2.1:53, or \"192.0.2.1:53 key:name\""
    guard let text = text(wanted) else { return nil }
    let words = text.split(separator: " ")
    guard (1...2).contains(words.count), let address = Self.server(String(words[0])),
      words.count == 1 || words[1].hasPrefix("key:")
    else {
      report("wants \(wanted), found \(found)")
      return nil
    }
    guard words.count == 2 else { return Settings.ZoneTransfer.Target(address: address, key: nil) }
    return keys.index(of: String(words[1].dropFirst(4)), at: self).map {
      Settings.ZoneTransfer.Target(address: address, key: $0)
    }
  }

  fileprivate func serverAddress() -> SocketAddress? {
    parsed("an address such as 192.0.2.1:53 or [2001:db8::1]:53") { Self.server($0) }
  }

  /// Port 53 unless another one is named.
  private static func server(_ text: String) -> SocketAddress? {
    let address =
      SocketAddress(text) ?? IPAddress(text).map { SocketAddress(address: $0, port: 53) }
    return address.flatMap { $0.port == 0 ? nil : $0 }
  }
}
