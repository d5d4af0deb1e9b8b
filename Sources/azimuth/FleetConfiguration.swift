import Admin
import Clustering
import Engine
import Foundation
import Layers
import Settings

/// The layers of the fleet's store for the admin API, and what changes of them would come to: as
/// this node reads them with its own file, in its own place and in every other one of which the
/// store has a layer or where a node lives.
struct FleetConfiguration: SharedConfiguration {
  let member: FleetMember
  let source: ConfigurationSource

  private var start: FleetStart { member.start }

  func layers() async throws(SharedConfigurationFault) -> [SharedLayer] {
    do throws(StoreFault) {
      let prefix = start.configurationPrefix
      let picture = try await member.list(prefix)
      return picture.entries.compactMap { key, entry in
        SharedLayerName(path: key.dropFirst(prefix.count)).map { name in
          SharedLayer(
            name: name, text: String(decoding: entry.value, as: UTF8.self),
            version: LayerVersion(clusterID: picture.clusterID, revision: entry.revision))
        }
      }.sorted { ($0.name.kind, "\($0.name)") < ($1.name.kind, "\($1.name)") }
    } catch {
      throw SharedConfigurationFault(error)
    }
  }

  func write(
    _ name: SharedLayerName, _ text: String?, expected: SharedLayer?
  ) async throws(SharedConfigurationFault) -> LayerVersion? {
    let rollouts = try await rollouts()
    if let stored = StoredRollout(rollouts, prefix: start.prefix),
      stored.rollout.plan.layer == name
    {
      throw .rollingOut
    }
    let key = start.key(of: name)
    let state = "\(start.prefix)\(StoredRollout.statePath)"
    let write: StoreTransaction.Write =
      text.map { .put(key, Array($0.utf8), lease: 0) } ?? .delete(key)
    do throws(StoreFault) {
      let outcome = try await member.commit(
        StoreTransaction(
          expected: [
            key: expected?.version.revision ?? 0, state: rollouts.entries[state]?.revision ?? 0,
          ], writes: [write]))
      guard case .committed(let revision) = outcome else { return nil }
      // A write tells the revision alone.
      return LayerVersion(clusterID: rollouts.clusterID, revision: revision)
    } catch {
      throw SharedConfigurationFault(error)
    }
  }

  /// What stands in the store of rollouts, in a picture of the cluster.
  func rollouts() async throws(SharedConfigurationFault) -> StorePicture {
    do throws(StoreFault) {
      return try await member.list("\(start.prefix)\(StoredRollout.path)")
    } catch {
      throw SharedConfigurationFault(error)
    }
  }

  /// What the nodes that live say of themselves.
  func nodeWords() async throws(SharedConfigurationFault) -> [String: NodeWord] {
    let prefix = "\(start.prefix)node/"
    do throws(StoreFault) {
      var section = FleetSection(prefix: prefix) { NodeWord(json: $0) }
      _ = section.take(try await member.list(prefix))
      return section.values.mapValues(\.value)
    } catch {
      throw SharedConfigurationFault(error)
    }
  }

  func proposal(
    _ name: SharedLayerName, _ text: String?, over layers: [SharedLayer]
  ) async -> LayerProposal {
    let before = Dictionary(
      layers.map { ($0.name, $0.text) }, uniquingKeysWith: { first, _ in first })
    var after = before
    after[name] = text
    let places = await places
    let target =
      name.node.flatMap { places[$0] }
      ?? LayerReader(region: name.region, zone: name.zone, node: name.node)
    let reader = target.names.allSatisfy(start.reader.names.contains) ? start.reader : target
    let changes = changes(of: reader, from: before, to: after)
    if let text, let faults = unfitness(name, text) {
      return LayerProposal(changes: changes, faults: faults, isUnfit: true)
    }
    // Where a rollout of another layer has begun, nodes read its text.
    let rolled = (try? await rollouts()).flatMap { StoredRollout($0, prefix: start.prefix) }
    let texts = [nil, rolled.map { ($0.rollout.plan.layer, $0.text) }]
    var faults: [Fault] = []
    for reader in readers(of: name, among: layers, places) {
      for (index, text) in texts.enumerated() where index == 0 || text != nil {
        let known = self.faults(of: reader, before, with: text)
        for fault in self.faults(of: reader, after, with: text)
        where !(known + faults).contains(fault) {
          faults.append(fault)
        }
      }
    }
    if let loss = loss(from: before, to: after) { faults.append(loss) }
    return LayerProposal(changes: changes, faults: faults, isUnfit: false)
  }

  /// What is wrong with a layer wherever it is read.
  private func unfitness(_ name: SharedLayerName, _ text: String) -> [Fault]? {
    do throws(Faults) {
      _ = try ConfigurationLayers([ConfigurationText(name.kind, name: "\(name)", text: text)])
      return nil
    } catch {
      return error.faults
    }
  }

  /// Where the nodes that live stand, by their ids.
  private var places: [String: LayerReader] {
    get async {
      let nodes = await member.report.nodes
      return Dictionary(
        nodes.map { ($0.id, LayerReader(region: $0.region, zone: $0.zone, node: $0.id)) },
        uniquingKeysWith: { first, _ in first })
    }
  }

  /// Those of whom the store knows, and this node, if they read the layer.
  private func readers(
    of name: SharedLayerName, among layers: [SharedLayer], _ places: [String: LayerReader]
  ) -> [LayerReader] {
    let named = (layers.map(\.name) + [name]).map { name in
      name.node.flatMap { places[$0] }
        ?? LayerReader(region: name.region, zone: name.zone, node: name.node)
    }
    var seen: Set<LayerReader> = []
    return ([start.reader] + named + places.values).filter { reader in
      // What this node says of its place stands in its own file.
      reader.names.contains(name) && (reader == start.reader || reader.node != start.nodeID)
        && seen.insert(reader).inserted
    }
  }

  private func texts(
    of reader: LayerReader, _ layers: [SharedLayerName: String]
  ) -> [ConfigurationText] {
    reader.names.compactMap { name in
      layers[name].map { ConfigurationText(name.kind, name: start.key(of: name), text: $0) }
    }
  }

  /// The sets that have this node's file read as by another.
  private func sets(of reader: LayerReader) -> [String] {
    guard reader != start.reader else { return source.sets }
    let place =
      "node: {id: \"\(reader.node ?? start.nodeID)\", region: \(reader.region ?? ""), "
      + "zone: \(reader.zone ?? "")}"
    return source.sets + [place]
  }

  /// - Parameter rolled: takes the place of a layer; nil: none does.
  private func faults(
    of reader: LayerReader, _ layers: [SharedLayerName: String],
    with rolled: (name: SharedLayerName, text: String)?
  ) -> [Fault] {
    var layers = layers
    if let rolled { layers[rolled.name] = rolled.text }
    do throws(Faults) {
      _ = try settings(of: reader, layers)
      return []
    } catch {
      return error.faults
    }
  }

  private func settings(
    of reader: LayerReader, _ layers: [SharedLayerName: String]
  ) throws(Faults) -> Settings {
    try SettingsReader.read(
      file: source.file, environment: ProcessInfo.processInfo.environment,
      sets: sets(of: reader), shared: texts(of: reader, layers))
  }

  /// This node would hold it back.
  private func loss(
    from before: [SharedLayerName: String], to after: [SharedLayerName: String]
  ) -> Fault? {
    guard let old = try? settings(of: start.reader, before),
      let new = try? settings(of: start.reader, after),
      let loss = old.shrinkage(to: new, limit: start.fleet.shrinkLimit)
    else { return nil }
    return shrinkFault(loss, origin: start.fleet.origin)
  }

  /// Every value that is another for a reader.
  private func changes(
    of reader: LayerReader, from before: [SharedLayerName: String],
    to after: [SharedLayerName: String]
  ) -> [LayerProposal.Change] {
    func values(_ layers: [SharedLayerName: String]) -> [String: String] {
      let merged = try? ConfigurationLayers(
        file: source.file, environment: ProcessInfo.processInfo.environment,
        sets: sets(of: reader), shared: texts(of: reader, layers)
      ).layers.merged
      return Dictionary(
        (merged?.leaves() ?? []).map { path, tree in
          (path, ExplainedKey.value(tree.content, of: path) ?? "null")
        }, uniquingKeysWith: { first, _ in first })
    }
    let (old, new) = (values(before), values(after))
    return Set(old.keys).union(new.keys).sorted().compactMap { key in
      old[key] == new[key] ? nil : .init(key: key, from: old[key], to: new[key])
    }
  }
}

extension SharedConfigurationFault {
  init(_ fault: StoreFault) {
    switch fault {
    case .forbidden(let reason): self = .forbidden(reason)
    default: self = .unavailable("\(fault)")
    }
  }
}
