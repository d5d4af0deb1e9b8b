import FoundationEssentials

/// What a client would rather get (RFC 9110 §12.5.1).
struct AcceptHeader {
  private struct Range {
    var type: Substring
    /// nil: any.
    var version: Substring?
    var quality: Double
  }

  private let ranges: [Range]

  /// - Parameter field: nil: whatever there is.
  init(_ field: String?) {
    ranges = (field ?? "*/*").lowercased().split(separator: ",").map { element in
      let parts = element.split(separator: ";").map { $0.trimmed }
      var range = Range(type: parts.first ?? "", quality: 1)
      for parameter in parts.dropFirst() {
        let pair = parameter.split(separator: "=", maxSplits: 1).map { $0.trimmed }
        guard pair.count == 2 else { continue }
        switch pair[0] {
        case "version": range.version = pair[1]
        case "q": range.quality = Double(pair[1]) ?? 0
        default: break
        }
      }
      return range
    }
  }

  /// How much it is wanted, 0...1, by the range that says most of it; 0: not at all.
  ///
  /// - Parameter version: of the format; a range without one takes any.
  func quality(of type: String, version: String) -> Double {
    let group = type.prefix { $0 != "/" }
    let matching = ranges.compactMap { range -> (precision: Int, quality: Double)? in
      switch range.type {
      case _ where range.type == type:
        guard let wanted = range.version else { return (2, range.quality) }
        return wanted == version ? (3, range.quality) : nil
      case _ where range.type == "\(group)/*": return (1, range.quality)
      case "*/*": return (0, range.quality)
      default: return nil
      }
    }
    return matching.max { $0 < $1 }?.quality ?? 0
  }
}

extension Substring {
  fileprivate var trimmed: Substring {
    let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" || $0 == "\"" }
    var rest = drop(while: isSpace)
    while let last = rest.last, isSpace(last) { rest.removeLast() }
    return rest
  }
}
