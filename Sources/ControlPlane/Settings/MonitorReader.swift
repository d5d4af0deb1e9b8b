/// Reads `monitors`: each by itself, then the calculated ones with their children.
///
///     all:   {type: calculated, of: [web, agent], need: 2}
///     votes: {type: calculated, of: {web: 2, dns: 1, agent: 1}, need: 3}
struct MonitorReader {
  private let entries: [Entry]
  private let names: Names

  /// Calculated monitors of calculated ones go so deep.
  static let deepestNesting = 8
  /// One endpoint is probed by so many monitors.
  static let mostProbed = 32

  init(_ entries: [Entry]) {
    self.entries = entries
    names = Names(kind: "monitor", entries.map(\.name))
  }

  func read() -> [Settings.Monitor] {
    let read = entries.map { SettingsReader.monitor($0) }
    let own = read.map(\.monitor)
    let references = read.map { $0.children.map { children($0) } ?? [] }
    guard !hasCircles(references) else { return own }
    return own.indices.map { index in
      let monitor = resolved(index, own, references, depth: 0)
      if monitor.probed.count > Self.mostProbed {
        entries[index].key.report(
          "one endpoint would be checked \(monitor.probed.count) times; the most are "
            + "\(Self.mostProbed)")
      }
      return monitor
    }
  }

  private typealias Reference = (monitor: Int, weight: Int)

  private func children(_ of: Value) -> [Reference] {
    var references: [Reference] = []
    for child in of.isMapping ? weighted(of) : alike(of) {
      if references.contains(where: { $0.monitor == child.monitor }) {
        of.report("names \"\(names.all[child.monitor])\" twice")
      } else {
        references.append(child)
      }
    }
    return references
  }

  private func weighted(_ value: Value) -> [Reference] {
    let entries = value.entries() ?? []
    if entries.isEmpty { value.report("wants at least one monitor") }
    return entries.compactMap { entry in
      let index = names.index(of: entry.name, at: entry.key)
      let weight = entry.value.integer(1...1_000)
      return index.flatMap { index in weight.map { (index, $0) } }
    }
  }

  private func alike(_ value: Value) -> [Reference] {
    let elements = value.elements()
    if elements.isEmpty { value.report("wants at least one monitor") }
    return elements.compactMap { element in
      element.reference(to: names).map { ($0, 1) }
    }
  }

  private func resolved(
    _ index: Int, _ own: [Settings.Monitor], _ references: [[Reference]], depth: Int
  ) -> Settings.Monitor {
    var monitor = own[index]
    guard case .calculated(var calculation) = monitor.kind else { return monitor }
    guard depth < Self.deepestNesting else {
      entries[index].key.report("calculated monitors nest deeper than \(Self.deepestNesting)")
      return monitor
    }
    calculation.children = references[index].map { reference in
      Settings.Monitor.Calculation.Child(
        monitor: resolved(reference.monitor, own, references, depth: depth + 1),
        weight: reference.weight)
    }
    let total = calculation.children.reduce(0) { $0 + $1.weight }
    if calculation.need == Settings.Monitor.Calculation.all { calculation.need = total }
    if depth == 0, total > 0, calculation.need > total {
      entries[index].key.report(
        "needs \(calculation.need), and all its children together are \(total)")
    }
    monitor.kind = .calculated(calculation)
    monitor.takeSlowest(of: calculation.children.map(\.monitor))
    return monitor
  }

  /// Reports each circle once, at the first monitor of the file that is on it.
  private func hasCircles(_ references: [[Reference]]) -> Bool {
    var isDone = Array(repeating: false, count: references.count)
    var road: [Int] = []
    var found = false

    func walk(_ monitor: Int) {
      if let start = road.firstIndex(of: monitor) {
        let circle = Array(road[start...])
        let first = circle.min() ?? monitor
        let turn = circle.firstIndex(of: first) ?? 0
        let chain = (circle[turn...] + circle[..<turn] + [first]).map { names.all[$0] }
        entries[first].key.report("monitors in a circle: \(chain.joined(separator: " → "))")
        found = true
        return
      }
      guard !isDone[monitor] else { return }
      road.append(monitor)
      references[monitor].forEach { walk($0.monitor) }
      road.removeLast()
      isDone[monitor] = true
    }
    references.indices.forEach(walk)
    return found
  }
}

extension SettingsReader {
  /// A calculated monitor whose children are still to be given.
  static func calculated(
    _ name: String, _ section: Section
  ) -> (monitor: Settings.Monitor, children: Value?) {
    let of = section.required("of", "the monitors that count, as a list or with their weights")
    var monitor = placeholder(name)
    monitor.kind = .calculated(
      Settings.Monitor.Calculation(
        children: [], need: section.optional("need")?.need() ?? Settings.Monitor.Calculation.all))
    return (monitor, of)
  }
}

extension Settings.Monitor.Calculation {
  /// Stands for the sum of the weights until that is known.
  static let all = 0
}

extension Settings.Monitor {
  /// The times of the slowest child, so that whoever asks how long detection takes gets a bound.
  fileprivate mutating func takeSlowest(of children: [Settings.Monitor]) {
    for child in children {
      interval = max(interval, child.interval)
      fastInterval = max(fastInterval, child.fastInterval)
      timeout = max(timeout, child.timeout)
      rise = max(rise, child.rise)
      fall = max(fall, child.fall)
    }
  }
}

extension Value {
  /// A number, `any` or `all`.
  fileprivate func need() -> Int? {
    parsed("a number from 1 to 32000, any or all") { text in
      switch text {
      case "any": 1
      case "all": Settings.Monitor.Calculation.all
      default: Int(text).flatMap { (1...32_000).contains($0) ? $0 : nil }
      }
    }
  }
}
