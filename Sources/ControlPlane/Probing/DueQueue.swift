/// What falls due first: a binary heap of times and what is watched.
///
/// An entry whose time was changed is not removed but left to be found outdated, so whoever pops
/// checks the entry against what is watched.
struct DueQueue: Sendable {
  struct Item: Sendable, Equatable {
    var due: Duration
    var id: String
  }
  private var items: [Item] = []

  var first: Item? { items.first }

  mutating func push(_ item: Item) {
    items.append(item)
    var child = items.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard items[child].due < items[parent].due else { break }
      items.swapAt(child, parent)
      child = parent
    }
  }

  mutating func popFirst() -> Item? {
    guard let first = items.first, let last = items.popLast() else { return nil }
    guard !items.isEmpty else { return first }
    items[0] = last
    var parent = 0
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2]
      where child < items.count && items[child].due < items[least].due {
        least = child
      }
      guard least != parent else { return first }
      items.swapAt(parent, least)
      parent = least
    }
  }
}
