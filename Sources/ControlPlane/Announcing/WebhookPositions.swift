import Foundation
import StateFiles

/// How far each webhook has been told, in a file, so that a restart tells it what it has missed.
package actor WebhookPositions {
  private let file: StateFile?
  private var positions: [String: UInt64]

  /// What was kept, by URL: the position with which each begins.
  package nonisolated let kept: [String: UInt64]

  /// - Parameter folder: nil: nothing is kept.
  package init(folder: String?) {
    file = folder.map { StateFile("webhooks.json", in: $0) }
    let data = file?.contents
    kept = data.flatMap { try? JSONDecoder().decode([String: UInt64].self, from: $0) } ?? [:]
    positions = kept
  }

  /// - Throws: where it cannot be written.
  package func keep(_ position: UInt64, of webhook: Webhook) throws {
    positions[webhook.url] = position
    guard let file else { return }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    try file.replace(with: encoder.encode(positions))
  }
}
