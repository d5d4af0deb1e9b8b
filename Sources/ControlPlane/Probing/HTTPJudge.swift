import Settings

/// Judges a response by what the monitor expects, as its parts arrive.
///
/// The status comes first: one that means degraded needs no body text, as the page that says so is
/// another one. Response headers must be there in either case: they tell who answers.
struct HTTPJudge {
  /// How much of a body is looked through.
  static let bodyLimitBytes = 65_536

  private let expectation: Settings.Monitor.HTTPExpectation
  private let wantedText: [UInt8]
  private var body: [UInt8] = []
  private var hasHead = false

  init(_ expectation: Settings.Monitor.HTTPExpectation) {
    self.expectation = expectation
    wantedText = Array((expectation.bodyContains ?? "").utf8)
  }

  /// - Parameter values: the values that the response gives for a header.
  /// - Returns: nil if the body decides.
  mutating func head(status: Int, values: (_ name: String) -> [String]) -> ProbeOutcome? {
    hasHead = true
    let isDegraded = expectation.degradedStatuses.contains { $0.contains(status) }
    guard isDegraded || expectation.statuses.contains(where: { $0.contains(status) }) else {
      return .failure("status \(status), wanted \(rendered(expectation.statuses))")
    }
    for header in expectation.responseHeaders {
      let found = values(header.name)
      if found.isEmpty { return .failure("lacks header \"\(header.name)\"") }
      if !found.contains(header.value) {
        return .failure("header \"\(header.name)\" is not \"\(header.value)\"")
      }
    }
    if isDegraded { return .degraded("status \(status)") }
    return wantedText.isEmpty ? .success : nil
  }

  /// - Returns: nil as long as more of the body may decide otherwise.
  mutating func body(_ bytes: some Collection<UInt8>) -> ProbeOutcome? {
    let from = max(0, body.count - wantedText.count + 1)
    body += bytes.prefix(Self.bodyLimitBytes - body.count)
    if hasWantedText(from: from) { return .success }
    guard body.count >= Self.bodyLimitBytes else { return nil }
    return .failure("\(lack) in its first \(Self.bodyLimitBytes) bytes")
  }

  /// The response is complete.
  func end() -> ProbeOutcome { .failure(lack) }

  /// The connection ended before the response was complete.
  func closed() -> ProbeOutcome {
    .failure("connection closed \(hasHead ? "within the body" : "before a response")")
  }

  private var lack: String { "body lacks \"\(expectation.bodyContains ?? "")\"" }

  private func hasWantedText(from: Int) -> Bool {
    var start = from
    while start + wantedText.count <= body.count {
      if body[start...].starts(with: wantedText) { return true }
      start += 1
    }
    return false
  }
}

/// `200-299, 304`.
private func rendered(_ ranges: [ClosedRange<Int>]) -> String {
  ranges.map { range in
    range.count == 1 ? "\(range.lowerBound)" : "\(range.lowerBound)-\(range.upperBound)"
  }.joined(separator: ", ")
}
