import Settings
import Testing

/// What is said of secrets goes to logs, and to whoever may ask for a reload.
@Suite struct `A secret that is wrong` {
  private static let secret = "hunter2 hunter2"
  private static let places = [
    "admin: {token: \"\(secret)\"}",
    "admin: {tokens: [{name: a, scope: read, token: \"\(secret)\"}]}",
    "admin: {tokens: [{name: a, scope: read, sha256: \"\(secret)\"}]}",
    "dns: {cookies: {secret: \"\(secret)\"}}",
    "dns: {cookies: {secret: 00112233445566778899aabbccddeeff, accept: \"\(secret)\"}}",
    "events: {webhooks: [{url: \"http://a/\", secret: \"\(secret)\"}]}",
    "keys: {transfer: {algorithm: hmac-sha256, secret: \"\(secret)\"}}",
  ]

  @Test(arguments: places) func `is not shown by its fault`(text: String) {
    let faults = #expect(throws: Faults.self) {
      try SettingsReader.read(text: text + "\n", name: "a.yaml", folder: "/etc/azimuth")
    }
    let said = faults?.description ?? ""
    #expect(said.contains("which is not shown") && !said.contains("hunter2"), "\(said)")
  }
}
