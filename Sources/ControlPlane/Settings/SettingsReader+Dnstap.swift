import Yams

extension SettingsReader {
  /// nil for `off`, and where there are faults.
  static func dnstap(_ value: Value) -> Settings.Dnstap? {
    guard value.isMapping else {
      _ = value.isOff()
      return nil
    }
    return value.section { section in
      let socket = section.required("socket", "the path of the socket that a reader made")
      let answers = section.optional("responses")
      let dnstap = Settings.Dnstap(
        socket: socket?.socketPath() ?? "",
        interval: section.optional("sample")?.sampleInterval() ?? 1,
        tellsQueries: section.optional("queries")?.flag() ?? true,
        tellsAnswers: answers?.flag() ?? true,
        identity: section.optional("identity")?.line("one line of text"),
        version: section.optional("version")?.line("one line of text"))
      if !dnstap.tellsQueries && !dnstap.tellsAnswers {
        (answers ?? section.value).report(
          "tells neither queries nor responses", suggestion: "leave dnstap out, or say off")
      }
      return dnstap
    }
  }
}

extension Value {
  /// The absolute path of a socket, which need not be there yet.
  fileprivate func socketPath() -> String? {
    guard let text = text("the path of a socket") else { return nil }
    let path = document.absolutePath(text)
    // `sun_path` of Linux has 108 bytes, the last of them zero.
    guard path.utf8.count <= 107 else {
      report("wants a path of at most 107 bytes, found \(path.utf8.count): \(path)")
      return nil
    }
    return path
  }

  /// `100`: every hundredth; `1%` and `0.01` say the same.
  func sampleInterval() -> Int? {
    let wanted = "every how manieth is told, such as 100, or a share, such as 1%"
    return parsed(wanted) { text in
      if let interval = Int(text) { return (1...1_000_000_000).contains(interval) ? interval : nil }
      guard let share = parsedShare(text), (1e-9...1).contains(share) else { return nil }
      return Int((1 / share).rounded())
    }
  }
}
