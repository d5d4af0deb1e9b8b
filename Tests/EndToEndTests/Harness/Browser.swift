import Foundation
import TestSupport
import Testing

/// Debian's Chromium without a screen, driven by its chromedriver: WebDriver, which is JSON over
/// HTTP (<https://www.w3.org/TR/webdriver2/>).
///
/// Safe to share: the tests of a suite that share one run one after the other.
final class Browser: @unchecked Sendable {
  static let isInstalled = FileManager.default.isExecutableFile(atPath: "/usr/bin/chromedriver")

  struct Failure: Error, CustomStringConvertible {
    var description: String
  }

  private let driver: RunningProcess
  private let port: Int
  private var session = ""

  /// - Parameter width: of the window, in pixels.
  init(width: Int = 1280, height: Int = 900) throws {
    port = FreePorts.take()
    driver = try RunningProcess("/usr/bin/chromedriver", ["--port=\(port)"])
    eventually("chromedriver listens") { try ask("GET", "/status") != nil }
    // Chromium's sandbox does not go with root, and only our own pages are shown. By its pipe it
    // learns that its driver is gone, however that ended.
    let arguments = [
      "--headless=new", "--no-sandbox", "--remote-debugging-pipe", "--disable-gpu",
      "--disable-dev-shm-usage",
      "--window-size=\(width),\(height)",
    ]
    let answer = try ask(
      "POST", "/session",
      [
        "capabilities": [
          "alwaysMatch": [
            "goog:chromeOptions": ["args": arguments], "goog:loggingPrefs": ["browser": "ALL"],
          ]
        ]
      ])
    guard let identifier = (answer as? [String: Any])?["sessionId"] as? String else {
      throw Failure(description: "no session: \(driver.all)")
    }
    session = "/session/\(identifier)"
  }

  deinit {
    // Chromium takes its folder with it.
    _ = try? ask("DELETE", session)
    driver.end(with: SIGKILL)
  }

  func open(_ address: String) throws { try ask("POST", "\(session)/url", ["url": address]) }

  /// What a script `return`s; its arguments are `arguments[0]`, ….
  func run<Value>(
    _ script: String, _ arguments: Any..., returning: Value.Type = Value.self
  ) throws -> Value {
    let found = try ask(
      "POST", "\(session)/execute/sync", ["script": script, "args": arguments])
    guard let value = found as? Value else {
      throw Failure(description: "\(script) gave \(found.map { "\($0)" } ?? "nothing")")
    }
    return value
  }

  /// The text that a person sees of an element; empty where there is none.
  func text(_ selector: String) throws -> String {
    try run("return document.querySelector(arguments[0])?.innerText ?? ''", selector)
  }

  func texts(_ selector: String) throws -> [String] {
    try run(
      "return [...document.querySelectorAll(arguments[0])].map((one) => one.innerText)", selector)
  }

  func isThere(_ selector: String) throws -> Bool {
    try run("return document.querySelector(arguments[0]) !== null", selector)
  }

  /// Clicks as a mouse does, which is refused where something else lies above.
  func click(_ selector: String) throws {
    try ask("POST", "\(try element(selector))/click", [:])
  }

  /// Types into an element, which has the focus then.
  func type(_ text: String, into selector: String) throws {
    try ask("POST", "\(try element(selector))/value", ["text": text])
  }

  /// Chooses an entry of a list.
  func choose(_ value: String, of selector: String) throws {
    let script = """
      const list = document.querySelector(arguments[0]);
      list.value = arguments[1];
      list.dispatchEvent(new Event("change"));
      return list.value === arguments[1];
      """
    #expect(try run(script, selector, value) as Bool, "\(selector) has no \(value)")
  }

  /// Presses keys one after the other, wherever the focus is; names of keys are code points of
  /// WebDriver §17.4.2, such as U+E007 for Enter.
  func press(_ keys: String) throws {
    let actions = keys.flatMap { key in
      ["keyDown", "keyUp"].map { ["type": $0, "value": String(key)] }
    }
    try ask(
      "POST", "\(session)/actions",
      ["actions": [["type": "key", "id": "keyboard", "actions": actions]]])
  }

  /// Has the browser speak its own protocol (DevTools).
  func command(_ name: String, _ parameters: [String: Any]) throws {
    try ask("POST", "\(session)/goog/cdp/execute", ["cmd": name, "params": parameters])
  }

  /// A picture of the window, PNG in base 64.
  func screenshot() throws -> String {
    try ask("GET", "\(session)/screenshot") as? String ?? ""
  }

  /// What the page has complained of since the last look: errors of scripts, and refusals of its
  /// policy.
  func complaints() throws -> [String] {
    let entries = try ask("POST", "\(session)/se/log", ["type": "browser"]) as? [[String: Any]]
    return (entries ?? []).compactMap { $0["message"] as? String }
  }

  private func element(_ selector: String) throws -> String {
    let found = try ask(
      "POST", "\(session)/element", ["using": "css selector", "value": selector])
    guard let identifier = (found as? [String: String])?.values.first else {
      throw Failure(description: "no \(selector)")
    }
    return "\(session)/element/\(identifier)"
  }

  @discardableResult
  private func ask(_ method: String, _ path: String, _ body: [String: Any]? = nil) throws -> Any? {
    let data = try body.map { try JSONSerialization.data(withJSONObject: $0) } ?? Data()
    let response = try HTTPConnection(port: port, timeoutMilliseconds: 60_000).request(
      method, path, headers: ["Content-Type": "application/json"],
      body: String(decoding: data, as: UTF8.self))
    let answer = try JSONSerialization.jsonObject(with: Data(response.body)) as? [String: Any]
    guard response.status == 200 else {
      let value = answer?["value"] as? [String: Any]
      throw Failure(description: "\(method) \(path): \(value?["message"] ?? response.text)")
    }
    return answer?["value"]
  }
}
