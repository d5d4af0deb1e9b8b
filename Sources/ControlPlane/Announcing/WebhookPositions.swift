import Foundation

/// How far each webhook has been told, in a file, so that a restart tells it what it has missed.
package actor WebhookPositions {
  private let path: String?
  private var positions: [String: UInt64]

  /// What was kept, by URL: the position with which each begins.
  package nonisolated let kept: [String: UInt64]

  /// - Parameter folder: nil: nothing is kept.
  package init(folder: String?) {
    path = folder.map { "\($0)/webhooks.json" }
    let data = path.flatMap { FileManager.default.contents(atPath: $0) }
    kept = data.flatMap { try? JSONDecoder().decode([String: UInt64].self, from: $0) } ?? [:]
    positions = kept
  }

  /// - Throws: where it cannot be written.
  package func keep(_ position: UInt64, of webhook: Webhook) throws {
    positions[webhook.url] = position
    guard let path else { return }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    try FileManager.default.createDirectory(
      atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    try encoder.encode(positions).write(to: URL(fileURLWithPath: path), options: .atomic)
  }
}
