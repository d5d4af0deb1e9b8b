package import Compiling
import Foundation
import Latency
import Routing
import Settings

extension CompiledSettings {
  /// The same with the latencies that a node of this configuration has kept in its state folder:
  /// what it would decide after a restart. As it is where none were kept.
  ///
  /// - Parameter now: seconds since 1970.
  package func withKeptLatencies(now: UInt32) -> CompiledSettings {
    guard let view = model.latency, let folder = settings.stateFolder,
      let text = try? String(contentsOfFile: "\(folder)/\(LatencyKeeper.fileName)", encoding: .utf8)
    else { return self }
    let maximumAge = UInt32(clamping: settings.latency.maximumAge.components.seconds)
    var kept = view.model
    for line in text.split(separator: "\n") {
      guard let record = LatencyRecord(line: line) else { continue }
      kept.restore(record, now: now, maximumAge: maximumAge)
    }
    guard kept.publish(at: now) else { return self }
    return learning(LatencyView(kept, generation: view.generation + 1))
  }
}
