/// The keys that come most often, counted in bounded memory: Space-Saving (Metwally, Agrawal and
/// El Abbadi 2005). A key that finds no room takes the place of the one that came least, and its
/// count as its error.
///
///     entries    a heap by count, the least in front; at most `capacity`
///     count      at least how often the key came, at most `error` more than that
///     the least  at most total / capacity: whatever came more often than that is an entry
public struct HeavyHitters<Key: Hashable & Sendable>: Sendable {
  /// What is known of one key.
  public struct Entry: Sendable, Equatable {
    public var key: Key
    /// How often the key came: never less, and at most ``error`` more.
    public var count: UInt64
    /// What the key was given when it took another's place.
    public var error: UInt64
    /// How often it came marked since it has a place: at most `count - error`.
    public var markedCount: UInt64

    public init(key: Key, count: UInt64, error: UInt64, markedCount: UInt64) {
      self.key = key
      self.count = count
      self.error = error
      self.markedCount = markedCount
    }

    /// How often it came without a mark since it has a place.
    public var unmarkedCount: UInt64 { count - error - markedCount }
  }

  /// Keys at most; at least 1.
  public let capacity: Int
  /// How often any key came: the sum of all counts.
  public private(set) var total: UInt64 = 0
  /// How often any key came marked.
  public private(set) var markedTotal: UInt64 = 0
  private var heap: [Entry] = []
  private var places: [Key: Int] = [:]

  public init(capacity: Int) { self.capacity = max(1, capacity) }

  /// Counts a key.
  ///
  /// - Complexity: logarithmic in ``capacity``.
  public mutating func add(_ key: Key, isMarked: Bool) {
    total += 1
    if isMarked { markedTotal += 1 }
    if let place = places[key] {
      heap[place].count += 1
      if isMarked { heap[place].markedCount += 1 }
      return sink(from: place)
    }
    let marked: UInt64 = isMarked ? 1 : 0
    if heap.count < capacity {
      heap.append(Entry(key: key, count: 1, error: 0, markedCount: marked))
      places[key] = heap.count - 1
      return rise(from: heap.count - 1)
    }
    let least = heap[0]
    places[least.key] = nil
    heap[0] = Entry(key: key, count: least.count + 1, error: least.count, markedCount: marked)
    places[key] = 0
    sink(from: 0)
  }

  /// The most frequent, most often first.
  public func top(_ count: Int) -> [Entry] {
    Array(heap.sorted { $0.count > $1.count }.prefix(count))
  }

  private mutating func rise(from start: Int) {
    var place = start
    while place > 0, heap[place].count < heap[(place - 1) / 2].count {
      exchange(place, (place - 1) / 2)
      place = (place - 1) / 2
    }
  }

  private mutating func sink(from start: Int) {
    var place = start
    while true {
      let children = (2 * place + 1)..<min(2 * place + 3, max(heap.count, 2 * place + 1))
      guard let least = children.min(by: { heap[$0].count < heap[$1].count }),
        heap[least].count < heap[place].count
      else { return }
      exchange(place, least)
      place = least
    }
  }

  private mutating func exchange(_ first: Int, _ second: Int) {
    heap.swapAt(first, second)
    places[heap[first].key] = first
    places[heap[second].key] = second
  }
}
