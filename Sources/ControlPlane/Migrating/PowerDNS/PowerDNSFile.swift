import Settings
import Yams

/// The YAML of PowerDNS's geoip backend, with the lines of its parts.
struct PowerDNSNode {
  private let node: Node
  let source: SourceText
  /// Of the whole file, counted down: aliases let a short text stand for very many values.
  private let budget: Budget

  private final class Budget {
    var left = 1_000_000
  }

  /// Something was not read any more.
  var isExhausted: Bool { budget.left <= 0 }

  /// - Throws: that it is no YAML, and on which line.
  init(_ source: SourceText) throws(Faults) {
    func fault(_ line: Int, _ message: String) -> Faults {
      Faults([Fault(origin: source.origin(line), message: message)])
    }
    do {
      guard let node = try Yams.compose(yaml: source.text, Resolver.basic) else {
        throw fault(1, "is empty; wants domains")
      }
      self.init(node, source, Budget())
    } catch let error as Faults {
      throw error
    } catch let error as YamlError {
      switch error {
      case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
        .composer(_, let problem, let mark, _):
        throw fault(max(mark.line, 1), "is no YAML: \(problem)")
      case .duplicatedKeysInMapping(_, let context):
        throw fault(max(context.mark.line, 1), "a key stands here twice")
      default: throw fault(1, "is no YAML")
      }
    } catch {
      throw fault(1, "is no YAML")
    }
  }

  private init(_ node: Node, _ source: SourceText, _ budget: Budget) {
    self.node = node
    self.source = source
    self.budget = budget
  }

  var origin: Origin { source.origin(max(node.mark?.line ?? 1, 1)) }

  var text: String? { node.scalar?.string }

  /// Of a list; what is none stands for a list of one.
  var elements: [PowerDNSNode] {
    guard case .sequence(let sequence) = node else { return [self] }
    guard admits(sequence.count) else { return [] }
    return sequence.map { PowerDNSNode($0, source, budget) }
  }

  /// An empty list, or nothing at all.
  var isNothing: Bool {
    switch node {
    case .sequence(let sequence): sequence.isEmpty
    case .mapping(let mapping): mapping.isEmpty
    default: text?.isEmpty ?? true
    }
  }

  var isList: Bool { if case .sequence = node { true } else { false } }

  /// Of a mapping, in the order of the file.
  var entries: [(key: String, value: PowerDNSNode)] {
    guard case .mapping(let mapping) = node, admits(mapping.count) else { return [] }
    return mapping.compactMap { key, value in
      key.scalar.map { ($0.string, PowerDNSNode(value, source, budget)) }
    }
  }

  var isMapping: Bool { if case .mapping = node { true } else { false } }

  subscript(key: String) -> PowerDNSNode? {
    guard case .mapping(let mapping) = node else { return nil }
    return mapping.first { $0.key.scalar?.string == key }.map {
      PowerDNSNode($0.value, source, budget)
    }
  }

  private func admits(_ count: Int) -> Bool {
    budget.left -= count + 1
    return budget.left > 0
  }
}
