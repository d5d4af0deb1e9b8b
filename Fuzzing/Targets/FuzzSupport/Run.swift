import CFuzzing

/// Gives one input after the other to a function, as libFuzzer and the arguments of this process
/// say.
///
/// - Parameter test: false: the input is of no use and is not kept.
/// - Returns: the process's exit code.
public func fuzz(_ test: @escaping ([UInt8]) -> Bool) -> CInt {
  theTest = test
  var count = CommandLine.argc
  var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
  return LLVMFuzzerRunDriver(&count, &arguments) { start, count in
    theTest(Array(UnsafeBufferPointer(start: start, count: count))) ? 0 : -1
  }
}

/// libFuzzer has one thread, and takes a C function that can hold nothing.
nonisolated(unsafe) private var theTest: ([UInt8]) -> Bool = { _ in false }
