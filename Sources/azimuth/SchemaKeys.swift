import ConfigurationSchema
import Foundation
import Settings

/// The keys that the schema of the configuration has.
struct SchemaKeys {
  private typealias Schema = [String: Any]

  /// Where a path leaves what there is.
  struct Miss {
    /// The mapping in which it does; empty: the whole configuration.
    var path: String
    var key: String
    /// What that mapping may have.
    var known: [String]

    /// `log.level` for `log.levle`; nil: there is none that is near.
    var nearest: String? {
      nearSpelling(of: key, among: known).map { path.isEmpty ? $0 : "\(path).\($0)" }
    }

    /// What there is in its place.
    var hint: String {
      if let nearest { return "did you mean \"\(nearest)\"?" }
      if known.isEmpty { return "nothing stands below \"\(path)\"" }
      return "\(path.isEmpty ? "a configuration" : path) has \(known.joined(separator: ", "))"
    }
  }

  private let root: Schema

  init() throws {
    let bytes = UnsafeBufferPointer(start: azimuth_schema, count: Int(azimuth_schema_size))
    root = try JSONSerialization.jsonObject(with: Data(buffer: bytes)) as? Schema ?? [:]
  }

  /// nil: there may be a value at the path. Names that people choose may be any, with dots in them.
  func miss(of path: String) -> Miss? {
    guard !path.isEmpty else { return nil }
    let keys = path.split(separator: ".", omittingEmptySubsequences: false).map { String($0) }
    return miss(of: keys[...], in: [root], below: "")
  }

  private func miss(of keys: ArraySlice<String>, in schemas: [Schema], below path: String) -> Miss?
  {
    guard let key = keys.first else { return nil }
    let schemas = schemas.flatMap(alternatives)
    let properties = schemas.map { $0["properties"] as? Schema ?? [:] }
    let known = properties.compactMap { $0[key] as? Schema }
    if !known.isEmpty { return miss(of: keys.dropFirst(), in: known, below: joined(path, key)) }
    let names = schemas.compactMap { $0["additionalProperties"] as? Schema }
    guard !names.isEmpty else {
      return Miss(path: path, key: key, known: Set(properties.flatMap(\.keys)).sorted())
    }
    let misses = (1..<max(2, keys.count)).map { count in
      let name = keys.prefix(count).joined(separator: ".")
      return miss(of: keys.dropFirst(count), in: names, below: joined(path, name))
    }
    // All of it may be a name with dots; where a part is nearly a key, it is not meant so.
    return misses.contains { $0 == nil }
      ? nil : misses.compactMap(\.self).first { $0.nearest != nil }
  }

  private func joined(_ path: String, _ key: String) -> String {
    path.isEmpty ? key : "\(path).\(key)"
  }

  /// What a value may be, references followed.
  private func alternatives(_ schema: Schema) -> [Schema] {
    var schema = schema
    if let name = (schema["$ref"] as? String)?.split(separator: "/").last,
      let target = (root["$defs"] as? Schema)?[String(name)] as? Schema
    {
      schema = target
    }
    let choices = ["anyOf", "oneOf"].flatMap { schema[$0] as? [Schema] ?? [] }
    return choices.isEmpty ? [schema] : [schema] + choices.flatMap(alternatives)
  }
}
