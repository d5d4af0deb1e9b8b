/// The one of `candidates` that `word` was most likely meant to be; nil if none is near.
///
/// Near means: at most one edit (a letter added, lost, changed, or two neighbours swapped) for each
/// three letters, case aside.
package func nearSpelling(of word: String, among candidates: some Sequence<String>) -> String? {
  let letters = Array(word.lowercased().utf8)
  guard letters.count <= longestComparedWord else { return nil }
  var best: (candidate: String, distance: Int)?
  for candidate in candidates where candidate.utf8.count <= longestComparedWord {
    let distance = editDistance(letters, Array(candidate.lowercased().utf8))
    let limit = max(1, max(letters.count, candidate.utf8.count) / 3)
    if distance <= limit && distance < best?.distance ?? .max { best = (candidate, distance) }
  }
  return best?.candidate
}

/// Bounds the work on hostile names; a domain name in presentation form is longer only if escaped.
private let longestComparedWord = 255

/// Optimal string alignment: insertions, deletions, substitutions, swaps of neighbours.
private func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
  var beforePrevious: [Int] = []
  var previous = Array(0...right.count)
  for row in left.indices {
    var current = [row + 1]
    for column in right.indices {
      let isSame = left[row] == right[column]
      var distance = min(
        previous[column + 1] + 1, current[column] + 1, previous[column] + (isSame ? 0 : 1))
      if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
        distance = min(distance, beforePrevious[column - 1] + 1)
      }
      current.append(distance)
    }
    beforePrevious = previous
    previous = current
  }
  return previous[right.count]
}
