package import Compiling
package import Editions

extension EditionPublisher {
  /// What is in force, both of one moment.
  package var current: (compiled: CompiledSettings, edition: Edition) { (compiled, edition) }
}
