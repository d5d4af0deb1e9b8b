/// A database's search tree: one bit of an address a level, equal subtrees shared, unless so few
/// nodes would lead to so many networks that readers take the database for an attack.
///
/// IPv4 lies in ::/96, and once more wherever IPv6 addresses carry IPv4 ones, so that those who
/// look an address up as it came find the same.
struct SearchTree {
  /// What one half of a node leads to: nothing, a record, or another node.
  enum Branch: Hashable {
    case nothing
    /// From 1.
    case record(UInt32)
    /// Index into ``nodes``.
    case node(UInt32)
  }

  struct Node: Hashable {
    var left: Branch
    var right: Branch
  }

  /// The root is the last.
  private(set) var nodes: [Node] = []
  private var numbers: [Node: UInt32] = [:]
  /// Of each node: itself and all nodes that it leads to, each as often as it does.
  private var reaches: [Int] = []
  private let isShared: Bool
  /// Nodes that one leads to, on an average; we ourselves read twice as many.
  private static let mostReached = 128

  /// Where IPv4 is found: its own place, mapped, NAT64 (RFC 6052 §2.1), Teredo, 6to4.
  private static let ipv4Places: [(first: UInt128, depth: Int)] = [
    (0, 96), (0xFFFF << 32, 96), (0x64_FF9B << 96, 96), (0x2001_0000 << 96, 32),
    (0x2002 << 112, 16),
  ]

  /// - Parameter tellProgress: called now and then with the share that is done.
  init(_ table: NetworkTable, tellProgress: (Double) -> Void) {
    self.init(table, isShared: true, tellProgress: tellProgress)
    guard let reach = reaches.last, reach > Self.mostReached * nodes.count else { return }
    self = Self(table, isShared: false, tellProgress: tellProgress)
  }

  private init(_ table: NetworkTable, isShared: Bool, tellProgress: (Double) -> Void) {
    self.isShared = isShared
    let total = Double(table.ipv4.count + table.ipv6.count)
    let ipv4 = subtree(of: table.ipv4, at: 0, depth: 96, places: [], ipv4: .nothing) {
      tellProgress(Double($0) / total)
    }
    let root = subtree(
      of: table.ipv6, at: 0, depth: 0, places: Self.ipv4Places, ipv4: ipv4
    ) {
      tellProgress(Double(table.ipv4.count + $0) / total)
    }
    // A reader begins at a node.
    guard case .node = root else {
      _ = add(Node(left: root, right: root))
      return
    }
  }

  /// - Parameters:
  ///   - first: of the addresses below; those of IPv4 are numbers below 2³².
  ///   - depth: in a tree of 128 levels.
  ///   - places: of IPv4 at or below this subtree.
  ///   - visit: called for each leaf with the index of its range, in ascending order.
  private mutating func subtree(
    of map: RangeMap, at first: UInt128, depth: Int,
    places: [(first: UInt128, depth: Int)], ipv4: Branch, visit: (Int) -> Void
  ) -> Branch {
    if places.contains(where: { $0.depth == depth }) { return ipv4 }
    let last = depth == 128 ? first : first | (UInt128.max >> UInt128(depth))
    let index = map.index(of: first)
    if places.isEmpty && map.last(at: index) >= last {
      visit(index)
      let value = map.values[index]
      return value == 0 ? .nothing : .record(value)
    }
    let half = UInt128(1) << UInt128(127 - depth)
    let middle = first | half
    let left = subtree(
      of: map, at: first, depth: depth + 1, places: places.filter { $0.first < middle },
      ipv4: ipv4, visit: visit)
    let right = subtree(
      of: map, at: middle, depth: depth + 1, places: places.filter { $0.first >= middle },
      ipv4: ipv4, visit: visit)
    return left == right && !isNode(left) ? left : add(Node(left: left, right: right))
  }

  private func isNode(_ branch: Branch) -> Bool {
    if case .node = branch { true } else { false }
  }

  private mutating func add(_ node: Node) -> Branch {
    if isShared, let known = numbers[node] { return .node(known) }
    let number = UInt32(nodes.count)
    nodes.append(node)
    // No sum overflows: below a node are fewer than 2³² addresses of IPv4, several times, and as
    // many nodes as ranges of IPv6 have ends.
    reaches.append(1 + reach(node.left) + reach(node.right))
    if isShared { numbers[node] = number }
    return .node(number)
  }

  private func reach(_ branch: Branch) -> Int {
    if case .node(let index) = branch { reaches[Int(index)] } else { 0 }
  }
}
