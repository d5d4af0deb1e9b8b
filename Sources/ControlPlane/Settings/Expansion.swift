import StateFiles

extension Value {
  /// `text` with what `${…}` stands for in its place; nil, and a fault, where that is missing.
  ///
  ///     ${NAME}              the environment's; a fault if unset
  ///     ${NAME:-default}     the default if unset or empty, as in a shell
  ///     ${file:path}         the whole file, less line ends at its end
  ///     $${                  stands for ${
  ///
  /// What was put in is not looked at again, and it was no YAML: a secret needs no quoting.
  func expanded(_ text: String) -> String? {
    var rest = text[...]
    var result = ""
    var isComplete = true
    while let dollar = rest.firstIndex(of: "$") {
      result += rest[..<dollar]
      rest = rest[dollar...]
      if rest.hasPrefix("$${") {
        result += "${"
        rest = rest.dropFirst(3)
      } else if rest.hasPrefix("${") {
        guard let end = rest.firstIndex(of: "}") else {
          report("\"${\" has no \"}\"", suggestion: "write $${ for the characters themselves")
          return nil
        }
        let substitute = substitute(for: rest[rest.index(dollar, offsetBy: 2)..<end])
        result += substitute ?? ""
        isComplete = isComplete && substitute != nil
        rest = rest[rest.index(after: end)...]
      } else {
        result += "$"
        rest = rest.dropFirst()
      }
    }
    return isComplete ? result + rest : nil
  }

  private func substitute(for expression: Substring) -> String? {
    if expression.hasPrefix("file:") {
      return fileContents(String(expression.dropFirst("file:".count)))
    }
    let nameEnd = expression.firstIndex(of: ":") ?? expression.endIndex
    let name = String(expression[..<nameEnd])
    let remainder = expression[nameEnd...]
    guard isVariableName(name), remainder.isEmpty || remainder.hasPrefix(":-") else {
      report("wants ${NAME}, ${NAME:-default} or ${file:path}, found \"${\(expression)}\"")
      return nil
    }
    let value = document.environment[name]
    if !remainder.isEmpty {
      return value.flatMap { $0.isEmpty ? nil : $0 } ?? String(remainder.dropFirst(2))
    }
    if value == nil {
      report(
        "the environment variable \(name) is not set",
        suggestion: "set it, or give a default: ${\(name):-…}")
    }
    return value
  }

  private func fileContents(_ path: String) -> String? {
    let path = document.absolutePath(path)
    do throws(PlainFile.Fault) {
      let text = try PlainFile(path).text(atMost: 1 << 20)
      let end = text.lastIndex { !$0.isNewline }.map { text.index(after: $0) } ?? text.startIndex
      return String(text[..<end])
    } catch {
      report("\(path) cannot be read: \(error)")
      return nil
    }
  }

  private func isVariableName(_ name: String) -> Bool {
    guard let first = name.utf8.first, !isDigit(first) else { return false }
    return name.utf8.allSatisfy {
      isDigit($0) || $0 == UInt8(ascii: "_")
        || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0 | 0x20)
    }
  }
}
