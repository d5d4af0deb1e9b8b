package import Places

/// The name servers that `/etc/resolv.conf` names, as resolv.conf(5) reads it: the first three, and
/// the local host if there is none. Link-local ones with an interface (`fe80::1%eth0`) are passed
/// over.
package func systemResolvers(_ text: String) -> [SocketAddress] {
  let named = text.split(whereSeparator: \.isNewline).compactMap { line -> IPAddress? in
    let words = line.split { $0 == " " || $0 == "\t" }
    guard words.count > 1, words[0] == "nameserver" else { return nil }
    return IPAddress(words[1])
  }
  let addresses = named.isEmpty ? [IPAddress.ipv4(0x7F00_0001)] : Array(named.prefix(3))
  return addresses.map { SocketAddress(address: $0, port: 53) }
}
