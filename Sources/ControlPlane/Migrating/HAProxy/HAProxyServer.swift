import Places
import Settings

/// A line `server` of HAProxy.
struct HAProxyServer {
  var name: String
  var address: SocketAddress
  var weight = 1
  var isBackup = false
  var isDisabled = false
  var isChecked = false
  /// Of keys with a value: `inter`, `rise`, `port` and so on.
  var values: [String: String] = [:]
  /// Keys without one.
  var flags: Set<String> = []
  var origin: Origin

  /// Keys that a value stands behind.
  private static let valued: Set = [
    "inter", "fastinter", "downinter", "rise", "fall", "weight", "port", "addr", "maxconn",
    "minconn", "maxqueue", "slowstart", "verify", "ca-file", "crt", "sni", "alpn", "check-sni",
    "check-alpn", "agent-port", "agent-inter", "agent-addr", "agent-send", "on-marked-down",
    "on-marked-up", "on-error", "error-limit", "observe", "id", "cookie", "init-addr", "resolvers",
    "track", "source", "namespace", "redir", "proto", "check-proto", "pool-max-conn", "ssl-min-ver",
    "ssl-max-ver", "verifyhost", "ciphers", "ciphersuites", "crl-file", "resolve-prefer",
    "resolve-net", "resolve-opts", "tcp-ut", "max-reuse", "pool-purge-delay", "pool-low-conn",
    "usesrc",
    "interface", "set-proxy-v2-tlv-fmt", "socks4", "hash-key", "guid", "log-proto", "shard", "ws",
  ]
  /// What is here without a key, or has no meaning for a proxy of bytes.
  private static let passedOver: Set = [
    "inter", "fastinter", "downinter", "rise", "fall", "weight", "port", "addr", "maxconn",
    "slowstart", "verify", "ca-file", "sni", "alpn", "id", "cookie", "init-addr", "check",
    "no-check", "backup", "disabled", "enabled", "ssl", "send-proxy", "send-proxy-v2",
    "check-send-proxy", "on-marked-down", "agent-check", "agent-port", "agent-inter", "agent-send",
    "check-ssl", "no-ssl", "pool-max-conn", "non-stick", "guid", "stick",
  ]

  /// nil, and a finding, of an address that nothing here connects to.
  ///
  /// - Parameter defaults: words of `default-server`.
  init?(
    _ line: HAProxyFile.Line, defaults: [String], report: (Origin, String) -> Void
  ) {
    name = line[1]
    origin = line.origin
    guard let address = Self.address(line[2]) else {
      report(
        line.origin,
        "server \(name): \"\(line[2])\" is no address with a port; names are not looked up here")
      return nil
    }
    self.address = address
    for words in [defaults, Array(line.words.dropFirst(3))] { take(words) }
    isChecked = flags.contains("check") && !flags.contains("no-check")
    isBackup = flags.contains("backup")
    isDisabled = flags.contains("disabled")
    weight = values["weight"].flatMap { Int($0) } ?? 1
    for key in (Set(values.keys).union(flags)).subtracting(Self.passedOver).sorted() {
      report(line.origin, "server \(name): \(key) has no counterpart")
    }
  }

  private mutating func take(_ words: [String]) {
    var rest = words[...]
    while let word = rest.popFirst() {
      if Self.valued.contains(word) {
        values[word] = rest.popFirst() ?? ""
      } else {
        flags.insert(word)
      }
    }
  }

  /// `192.0.2.1:80`, `[2001:db8::1]:80`, `2001:db8::1:80` (the last part is the port), with
  /// `ipv4@` or `ipv6@` in front.
  static func address(_ text: String) -> SocketAddress? {
    let bare = text.hasPrefix("ipv4@") || text.hasPrefix("ipv6@") ? String(text.dropFirst(5)) : text
    if let address = SocketAddress(bare) { return address.port == 0 ? nil : address }
    guard let colon = bare.lastIndex(of: ":"), let address = IPAddress(bare[..<colon]),
      let port = UInt16(bare[bare.index(after: colon)...]), port > 0
    else { return nil }
    return SocketAddress(address: address, port: port)
  }
}
