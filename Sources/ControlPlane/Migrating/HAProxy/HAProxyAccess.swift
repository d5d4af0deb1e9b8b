import Places
import Settings

/// Whom `tcp-request` rules let in. What they refuse and nothing here can say leaves everybody out:
/// nothing opens by itself.
struct HAProxyAccess {
  /// nil: everybody.
  private(set) var allowed: [AddressPrefix]?
  private(set) var denied: [AddressPrefix] = []
  /// To everybody, until the operator says more.
  private(set) var isClosed = false
  /// Of what closed it or was left out.
  private(set) var origin: Origin?

  init() {}

  /// - Parameters:
  ///   - levels: of `connection`, `session` and `content`, in the order in which they count.
  ///   - report: takes what cannot be carried over.
  init(
    _ section: HAProxyFile.Section, levels: [String], report: @escaping (Origin, String) -> Void
  ) {
    let lines = Dictionary(grouping: section.rules("tcp-request"), by: { $0[1] })
    let conditions = HAProxyConditions(section, report: report)
    for level in levels { read(lines[level] ?? [], conditions, report) }
  }

  /// The first rule that matches counts; one that accepts ends the level.
  private mutating func read(
    _ lines: [HAProxyFile.Line], _ conditions: HAProxyConditions,
    _ report: (Origin, String) -> Void
  ) {
    var accepted: [AddressPrefix] = []
    var acceptsTLS = false
    for line in lines {
      guard ["accept", "reject", "silent-drop"].contains(line[2]) else {
        report(line.origin, "\(line.text): is left out")
        continue
      }
      origin = line.origin
      let start = line.words.firstIndex { $0 == "if" || $0 == "unless" } ?? line.words.endIndex
      let condition = conditions.condition(line.words[start...], line.origin)
      switch (line[2] == "accept", condition) {
      case (true, .always): return
      case (true, .sources(let prefixes, isNegated: false)): accepted += prefixes
      case (true, .hello(isNegated: false)): acceptsTLS = true
      case (true, _): report(line.origin, "\(line.text): is left out")
      case (false, .always) where acceptsTLS, (false, .hello(isNegated: true)):
        report(line.origin, "who does not speak TLS is not refused here, and goes to service")
        if case .always = condition { return }
      case (false, .always):
        allow(accepted, line, report)
        return
      case (false, .sources(let prefixes, isNegated: true)):
        allow(prefixes + accepted, line, report)
      case (false, .sources(let prefixes, isNegated: false)):
        if !accepted.isEmpty {
          report(line.origin, "what is refused here counts before what is accepted")
        }
        denied += prefixes
      case (false, _): close(line, report)
      }
    }
  }

  private mutating func allow(
    _ prefixes: [AddressPrefix], _ line: HAProxyFile.Line, _ report: (Origin, String) -> Void
  ) {
    if let allowed, allowed != prefixes { return close(line, report) }
    allowed = prefixes
  }

  private mutating func close(_ line: HAProxyFile.Line, _ report: (Origin, String) -> Void) {
    close(line.origin, "\(line.text): has no counterpart", report)
  }

  mutating func close(_ origin: Origin, _ why: String, _ report: (Origin, String) -> Void) {
    isClosed = true
    self.origin = self.origin ?? origin
    report(
      origin,
      "\(why); the listener is closed to everybody until you say in its access or client_limits "
        + "whom it takes")
  }

  /// Both, for listeners that lead to a backend with rules of its own.
  mutating func add(_ other: HAProxyAccess, _ name: String, _ report: (Origin, String) -> Void) {
    guard let origin = other.origin else { return }
    self.origin = self.origin ?? origin
    isClosed = isClosed || other.isClosed
    denied += other.denied
    guard let more = other.allowed else { return }
    if let allowed, allowed != more {
      close(origin, "backend \(name) has another list of whom it takes", report)
    }
    allowed = more
  }

  var isEverybody: Bool { allowed == nil && denied.isEmpty && !isClosed }

  /// nil: everybody.
  var tree: Tree? {
    if isClosed || allowed?.isEmpty == true {
      return .mapping(["deny": .mapping(["prefix": .list(["0.0.0.0/0", "::/0"])])])
    }
    var access = Mapping()
    if let allowed { access.add("allow", .mapping(["prefix": Self.list(allowed)])) }
    if !denied.isEmpty { access.add("deny", .mapping(["prefix": Self.list(denied)])) }
    return access.isEmpty ? nil : .mapping(access)
  }

  static func list(_ prefixes: [AddressPrefix]) -> Tree {
    var seen: Set<AddressPrefix> = []
    return .list(prefixes.filter { seen.insert($0).inserted }.map { .text("\($0)") })
  }
}
