/// Ends the process with a sentence, which the fuzzer takes for a find, unless the condition holds.
public func insist(_ condition: Bool, _ sentence: @autoclosure () -> String) {
  guard !condition else { return }
  fatalError(sentence())
}
