package import Compiling
package import Editions
import Routing

extension EditionPublisher {
  /// What is in force, both of one moment.
  package var current: (compiled: CompiledSettings, edition: Edition) { (compiled, edition) }

  /// The same with the new connections a second that are reckoned with by service and cohort; nil:
  /// none are, or of other cohorts.
  package var currentWithDemands: (CompiledSettings, Edition, demands: [[Double]]?) {
    let demands = keeper.demands
    let isFit = demands.map(\.count) == edition.verdicts.map(\.verdicts.count)
    return (compiled, edition, isFit && !demands.isEmpty ? demands : nil)
  }
}
