/// The stretches of IPv6 that ``CohortRanges`` has no room for, each a list of all ranges that
/// reach into it, by their whole starts.
@usableFromInline
struct DeepRanges: Sendable {
  /// Where each list begins in the arrays below, and where the last ends.
  private var firsts: [UInt32] = [0]
  private var starts: [UInt128] = []
  private var values: [UInt32] = []

  /// Lists.
  var count: Int { firsts.count - 1 }

  /// Bytes of the arrays.
  var byteCount: Int { 4 * (firsts.count + values.count) + 16 * starts.count }

  /// The value and the scope of an address in the stretch of a list.
  ///
  /// - Complexity: binary search.
  @usableFromInline
  func find(list: Int, bits: UInt128) -> CohortMatch {
    var low = Int(firsts[list])
    let end = Int(firsts[list + 1])
    var high = end - 1
    while low < high {
      let middle = (low + high + 1) / 2
      if starts[middle] <= bits { low = middle } else { high = middle - 1 }
    }
    // Behind the last range the space ends, or the border before it is nearer than the one behind:
    // only the former lies inside the stretch.
    let scope = RangeList.scopeBits(
      of: bits, from: starts[low], before: low + 1 < end ? starts[low + 1] : nil)
    return CohortMatch(cohort: values[low], scopeBits: scope)
  }

  mutating func append(start: UInt128, value: UInt32) {
    starts.append(start)
    values.append(value)
  }

  /// Ends a list and gives its number.
  mutating func closeList() -> UInt32 {
    firsts.append(UInt32(starts.count))
    return UInt32(count - 1)
  }
}
