import Places
import Testing

@Suite struct IPAddressTests {
  @Test(arguments: [
    ("192.0.2.1", "192.0.2.1"), ("0.0.0.0", "0.0.0.0"), ("255.255.255.255", "255.255.255.255"),
    ("::", "::"), ("::1", "::1"), ("1::", "1::"), ("2001:DB8::A", "2001:db8::a"),
    ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"), ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"),
    ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"), ("::ffff:1.2.3.4", "::ffff:1.2.3.4"),
    ("1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"), ("64:ff9b::1.2.3.4", "64:ff9b::102:304"),
    ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"), ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
  ])
  func goodTextIsReadAndWrittenByRFC5952(text: String, canonical: String) throws {
    let address = try #require(IPAddress(text))
    #expect(address.description == canonical)
    #expect(IPAddress(address.description) == address)
  }

  @Test(arguments: [
    "", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.+4", "1.2.3.4 ", "1..2.3", ":",
    ":::", "1:2", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "1:", ":1", "::1:", "12345::",
    "g::", "1:2:3:4:5:6:7:1.2.3.4", "::1.2.3", "1.2.3.4::", "::1.2.3.4:5", "1:2:3:4:5:6:7:8::",
    "::1:2:3:4:5:6:7:8", "fe80::1%eth0",
  ])
  func badTextIsRefused(text: String) {
    #expect(IPAddress(text) == nil)
  }

  @Test(arguments: [
    ("10.0.0.0/8", "10.0.0.0/8"), ("0.0.0.0/0", "0.0.0.0/0"), ("1.2.3.4", "1.2.3.4/32"),
    ("::/0", "::/0"), ("2001:db8::/32", "2001:db8::/32"), ("::1", "::1/128"),
  ])
  func goodPrefixesAreRead(text: String, canonical: String) {
    #expect(AddressPrefix(text)?.description == canonical)
  }

  @Test(arguments: [
    "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/+8", "10.0.0.0/08", "10.0.0.0/8/8", "10.0.0.1/8",
    "::/129", "::1/64", "/8", "", "10.0.0.0/-1", "10.0.0.0/99999999999999999999",
  ])
  func badPrefixesAreRefused(text: String) {
    #expect(AddressPrefix(text) == nil)
  }

  @Test func socketAddressesNeedBracketsForIPv6Only() {
    #expect(SocketAddress("192.0.2.1:53")?.description == "192.0.2.1:53")
    #expect(SocketAddress("[2001:db8::1]:53")?.description == "[2001:db8::1]:53")
    for text in ["2001:db8::1:53", "[192.0.2.1]:53", "192.0.2.1", "192.0.2.1:+53", "1.2.3.4:65536"]
    {
      #expect(SocketAddress(text) == nil, "\(text)")
    }
  }

  @Test(arguments: [
    ("::ffff:1.2.3.4", "1.2.3.4", 96), ("64:ff9b::1.2.3.4", "1.2.3.4", 96),
    ("2002:102:304:5:6:7:8:9", "1.2.3.4", 16), ("2001:0:1:2:3:4:fefd:fcfb", "1.2.3.4", 96),
  ])
  func carriedIPv4AddressesAreFolded(text: String, inside: String, offset: Int) throws {
    let client = try #require(IPAddress(text)).client
    #expect(client.family == .ipv4)
    #expect(IPAddress.ipv4(UInt32(client.bits)).description == inside)
    #expect(Int(client.scopeOffsetBits) == offset)
  }

  @Test func exactlyTheFoldedPrefixesAreFolded() {
    for prefix in ClientAddress.foldedPrefixes {
      guard case .ipv6(let first) = prefix.address else { continue }
      let last = first | (UInt128.max >> UInt128(prefix.length))
      #expect(ClientAddress(ipv6: first).family == .ipv4)
      #expect(ClientAddress(ipv6: last).family == .ipv4)
      #expect(ClientAddress(ipv6: first - 1).family == .ipv6)
      #expect(ClientAddress(ipv6: last + 1).family == .ipv6)
      #expect(prefix.isFolded)
    }
    #expect(AddressPrefix("2002:102::/32")?.isFolded == true)
    #expect(AddressPrefix("2000::/3")?.isFolded == false)
    #expect(AddressPrefix("10.0.0.0/8")?.isFolded == false)
  }
}
