import Glibc

/// The terminal of standard input and output, taken over until ``restore()``: another screen, no
/// cursor, and keys one by one.
package final class Screen: Sendable {
  private let before: termios

  /// nil: standard input or output is none.
  package init?() {
    var settings = termios()
    guard isatty(STDIN_FILENO) == 1, isatty(STDOUT_FILENO) == 1,
      tcgetattr(STDIN_FILENO, &settings) == 0
    else { return nil }
    before = settings
    // Ctrl-C comes as a key, so that the screen is put back first.
    settings.c_lflag &= ~tcflag_t(ICANON | ECHO | ISIG)
    tcsetattr(STDIN_FILENO, TCSANOW, &settings)
    // Lines that are too long are cut, not continued.
    Self.write("\u{1B}[?1049h\u{1B}[?25l\u{1B}[?7l")
  }

  package func restore() {
    var settings = before
    Self.write("\u{1B}[?7h\u{1B}[?25h\u{1B}[?1049l")
    tcsetattr(STDIN_FILENO, TCSANOW, &settings)
  }

  /// Columns and rows.
  package var size: (columns: Int, rows: Int) {
    var size = winsize()
    guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0
    else { return (80, 24) }
    return (Int(size.ws_col), Int(size.ws_row))
  }

  /// Keys since the last call, without waiting; nil: there will be none any more.
  package func keys() -> [UInt8]? {
    var input = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
    guard poll(&input, 1, 0) > 0 else { return [] }
    var bytes = [UInt8](repeating: 0, count: 64)
    let count = read(STDIN_FILENO, &bytes, bytes.count)
    return count > 0 ? Array(bytes[..<count]) : nil
  }

  package func show(_ frame: TopFrame, hasColours: Bool) {
    let lines = frame.lines.map { line in
      let (begin, end) = Self.codes(line.style, hasColours: hasColours)
      return "\(begin)\(line.text)\(end)\u{1B}[K"
    }
    Self.write("\u{1B}[H\(lines.joined(separator: "\r\n"))\u{1B}[J")
  }

  private static func codes(
    _ style: TopFrame.Style, hasColours: Bool
  ) -> (begin: String, end: String) {
    switch style {
    case .plain: ("", "")
    case .title: ("\u{1B}[1m", "\u{1B}[0m")
    case .warning: (hasColours ? "\u{1B}[1;31m" : "\u{1B}[1m", "\u{1B}[0m")
    case .faint: ("\u{1B}[2m", "\u{1B}[0m")
    }
  }

  private static func write(_ text: String) {
    writeAll(text, to: STDOUT_FILENO)
  }
}
