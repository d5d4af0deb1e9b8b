package import Settings

/// What the configuration of another program has become.
package struct Migration: Sendable {
  /// YAML, which the loader takes.
  package var text: String
  /// What could not be carried over, or not quite, each with its place in the source.
  package var findings: [Fault]

  /// What each line of the text was made of.
  private var origins: [Origin?]

  /// - Parameters:
  ///   - what: that was read, for the comment at the top.
  ///   - sections: in the order of the file.
  ///   - origin: what counts where nothing better is known.
  /// - Throws: why the loader refuses it, by the lines of the source.
  init(
    of what: String, _ sections: Mapping, findings: [Fault], folder: String, origin: Origin
  ) throws(Faults) {
    guard sections.entries.contains(where: { !$0.tree.isEmptyMapping }) else {
      throw Faults(findings + [Fault(origin: origin, message: "nothing could be carried over")])
    }
    var writer = YAMLWriter()
    writer.comment("Made by `azimuth migrate \(what)`. Every key is told in docs/configuration.md.")
    if !findings.isEmpty { writer.comment("Not carried over, or not quite:") }
    for finding in findings { writer.comment("  \(finding)") }
    for section in sections.entries where !section.tree.isEmptyMapping {
      writer.blank()
      var mapping = Mapping()
      mapping.add(section.key, section.tree, section.origin)
      writer.write(mapping)
    }
    text = writer.lines.map { "\($0.text)\n" }.joined()
    origins = writer.lines.map(\.origin)
    origins[0] = origin
    self.findings = findings
    do {
      _ = try SettingsReader.read(text: text, name: Self.name, folder: folder)
    } catch {
      throw inTermsOfSource(error)
    }
  }

  /// As the text is called in faults of the loader.
  package static let name = "the configuration made of it"

  /// Faults of the loader or of the compiler with the lines of what was migrated.
  package func inTermsOfSource(_ faults: Faults) -> Faults {
    Faults(
      faults.faults.map { fault in
        guard fault.origin.file == Self.name else { return fault }
        var moved = fault
        let line = min(max(fault.origin.line ?? 1, 1), origins.count)
        moved.origin = origins[..<line].last { $0 != nil }.flatMap(\.self) ?? fault.origin
        if !fault.origin.path.isEmpty { moved.message = "\(fault.origin.path): \(fault.message)" }
        return moved
      })
  }
}

extension Tree {
  fileprivate var isEmptyMapping: Bool {
    if case .mapping(let mapping) = self { mapping.isEmpty } else { false }
  }
}

/// One file of what is migrated.
package struct SourceText: Sendable {
  /// As it is named in findings.
  package var name: String
  package var text: String

  package init(name: String, text: String) {
    self.name = name
    // The mark that some editors begin UTF-8 with is no part of the first word.
    let isMarked = text.unicodeScalars.first == "\u{FEFF}"
    self.text = isMarked ? String(text.unicodeScalars.dropFirst()) : text
  }

  /// - Throws: that it is not UTF-8, and on which line.
  package init(name: String, bytes: [UInt8]) throws(Faults) {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      let good = bytes.indices.first { end in
        bytes[end] >= 0x80 && String(validating: bytes[...end].suffix(4), as: UTF8.self) == nil
      }
      let line = bytes[..<(good ?? 0)].count { $0 == 0x0A } + 1
      throw Faults([Fault(origin: Origin(file: name, line: line), message: "is not UTF-8")])
    }
    self.init(name: name, text: text)
  }

  func origin(_ line: Int) -> Origin { Origin(file: name, line: line) }
}
