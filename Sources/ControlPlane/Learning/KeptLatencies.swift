package import Compiling
import Foundation
import Latency
import Routing
import Settings
import StateFiles

extension CompiledSettings {
  /// The same with the latencies that a node of this configuration has kept in its state folder:
  /// what it would decide after a restart. As it is where none were kept.
  ///
  /// - Parameter now: seconds since 1970.
  package func withKeptLatencies(now: UInt32) -> CompiledSettings {
    guard let view = model.latency, let folder = settings.stateFolder else { return self }
    let text = StateFile(LatencyKeeper.fileName, in: folder).contents
      .flatMap { String(data: $0, encoding: .utf8) }
    let maximumAge = UInt32(clamping: settings.latency.maximumAge.components.seconds)
    var kept = view.model
    for line in (text ?? "").split(separator: "\n") {
      guard let record = LatencyRecord(line: line) else { continue }
      kept.restore(record, now: now, maximumAge: maximumAge)
    }
    var words = LatencyWords(keptIn: folder)
    // What it has told itself is in the other file.
    words.forget(settings.node.id)
    words.forgetOld(now: now, maximumAge: maximumAge)
    if settings.fleet?.sharesLatencies == true {
      kept = kept.joined(with: words, now: now) { LatencyClient(of: $0, in: places) }
    }
    guard kept.publish(at: now) else { return self }
    return learning(LatencyView(kept, generation: view.generation + 1))
  }
}
