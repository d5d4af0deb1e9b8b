// Numbers as the reports show them.

/// `1,234,567`; rounded to a whole number.
func grouped(_ value: Double) -> String {
  guard value.isFinite, abs(value) < 9e15 else { return "\(value)" }
  let digits = String(Int(abs(value).rounded()))
  var result = ""
  for (index, digit) in digits.enumerated() {
    if index > 0 && (digits.count - index) % 3 == 0 { result.append(",") }
    result.append(digit)
  }
  return value <= -0.5 ? "-\(result)" : result
}

/// `12.3 %` of a share of 1.
func percent(_ share: Double) -> String { "\(tenths(share * 100)) %" }

/// With one digit behind the point.
func tenths(_ value: Double) -> String {
  guard value.isFinite, abs(value) < 1e15 else { return "\(value)" }
  let whole = Int((abs(value) * 10).rounded())
  return "\(value < 0 && whole > 0 ? "-" : "")\(whole / 10).\(whole % 10)"
}

extension String {
  func paddedRight(to width: Int) -> String {
    self + String(repeating: " ", count: max(1, width + 1 - count))
  }

  func paddedLeft(to width: Int) -> String {
    String(repeating: " ", count: max(1, width - count)) + self
  }
}
