import Foundation
package import Layers

extension SettingsReader {
  static func fleet(_ value: Value?) -> Settings.Fleet? {
    let read = value?.section { section -> Settings.Fleet in
      let name = section.required("name", "the name that its nodes share")?
        .parsed("a name of letters, digits, '-', '_' and '.'") { isName($0) ? $0 : nil }
      let members = section.required("members", "URLs such as https://10.0.0.1:2379")
      let wanted = "a URL of http or https without a path, such as https://10.0.0.1:2379"
      let urls = (members?.elements() ?? []).compactMap { $0.url(wanted, for: .server) }
      if let members, members.elements().isEmpty { members.report("wants at least one") }
      var fleet = Settings.Fleet(name: name ?? "", members: urls, origin: section.value.origin)
      fleet.user = user(section)
      _ = section.optional("tls")?.section { tls in
        fleet.roots = tls.optional("roots")?.rootsFile()
        fleet.certificate = ownCertificate(tls)
      }
      let timeout = section.optional("timeout")
      fleet.timeout =
        timeout?.duration(.milliseconds(100) ... .seconds(30)) ?? fleet.timeout
      fleet.startWait =
        section.optional("start_wait")?.duration(.zero ... .seconds(600)) ?? fleet.startWait
      if let health = section.optional("health") { fleet.health = health.fleetHealth() }
      fleet.sharesLatencies =
        section.optional("latency")?.choice(["on": true, "off": false])
        ?? fleet.sharesLatencies
      fleet.shrinkLimit = section.optional("shrink_limit")?.share(0...1) ?? fleet.shrinkLimit
      return fleet
    }
    return read
  }

  private static func user(_ section: Section) -> Settings.Fleet.User? {
    let user = section.optional("user")
    let password = section.optional("password")
    if let one = user ?? password, user == nil || password == nil {
      one.report("user and password go together")
    }
    guard let name = user?.text("the name of a user of etcd"),
      let word = password?.text("a password, such as ${file:/etc/azimuth/etcd-password}")
    else { return nil }
    return Settings.Fleet.User(name: name, password: word)
  }
}

extension Value {
  /// nil: it is off.
  fileprivate func fleetHealth() -> Settings.Fleet.Health? {
    if !isMapping { return isOff() ? nil : .init() }
    return section { section in
      var health = Settings.Fleet.Health()
      health.observers = section.optional("observers")?.integer(1...1000) ?? health.observers
      health.quorum = section.optional("quorum")?.share(0.5...0.99) ?? health.quorum
      health.minimumObservers =
        section.optional("min_observers")?.integer(1...1000) ?? health.minimumObservers
      health.staleHold =
        section.optional("stale_hold")?.duration(.zero ... .seconds(86_400)) ?? health.staleHold
      return health
    }
  }
}

/// What a node of a fleet must know before it asks the store: from the layers of its own.
package struct FleetStart: Sendable {
  package var fleet: Settings.Fleet
  package var log: Settings.Log
  package var stateFolder: String?
  package var nodeID: String
  /// Where its own file has the admin server listen; nil: nowhere.
  package var adminListen: Settings.Admin.Listening?
  /// The names of where it stands, not yet checked.
  package var region: String?
  package var availabilityZone: String?

  /// nil: the node is in no fleet.
  ///
  /// - Throws: what is wrong in these sections; of the others, only what is no YAML.
  package init?(
    file: String, environment: [String: String], sets: [String] = []
  ) throws(Faults) {
    let texts = try ConfigurationText.all(file: file, environment: environment, sets: sets)
    let document = Document(
      name: file, folder: SettingsReader.folder(of: file), environment: environment)
    let root = document.merged(texts).map { Value(node: $0, path: "", document: document) }
    let sections = Dictionary(
      (root?.entries() ?? []).map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
    let fleet = SettingsReader.fleet(sections["fleet"])
    let node = Dictionary(
      (sections["node"]?.entries() ?? []).map { ($0.name, $0.value) },
      uniquingKeysWith: { first, _ in first })
    nodeID = node["id"]?.text() ?? ProcessInfo.processInfo.hostName
    region = node["region"]?.text()
    availabilityZone = node["zone"]?.text()
    log = SettingsReader.log(sections["log"])
    adminListen = SettingsReader.admin(sections["admin"]).listen
    stateFolder = SettingsReader.stateFolder(sections["state"])
    guard document.faults.isEmpty else {
      throw Faults(SettingsReader.inOrderOfFile(document.faults, names: texts.map(\.name)))
    }
    guard let fleet else { return nil }
    self.fleet = fleet
  }

  /// The key of each layer that the node takes from the store, in the order of the layers.
  package var layerKeys: [(key: String, kind: LayerKind)] {
    reader.names.map { (key(of: $0), $0.kind) }
  }

  package var reader: LayerReader {
    LayerReader(region: region, zone: availabilityZone, node: nodeID)
  }

  /// Where the store has a layer.
  package func key(of layer: SharedLayerName) -> String { "\(configurationPrefix)\(layer)" }
  package var configurationPrefix: String { "\(prefix)config/" }

  /// All that the fleet shares stands below it.
  package var prefix: String { "/azimuth/\(fleet.name)/v1/" }
  /// The node's own key, which goes when the node does.
  package var nodeKey: String { "\(prefix)node/\(nodeID)" }
}

extension LayerKind {
  /// What nodes of a fleet read from the store.
  package var isShared: Bool { (LayerKind.global...LayerKind.node).contains(self) }
}

// MARK: - what may not stand in the store

extension Layer {
  /// What only a node itself can know: how it gets at the store, who it is, where it keeps things.
  private static let ownSections: Set = ["fleet", "node", "state", "log", "handover"]
  /// Keys whose values nobody may read who may read the store.
  private static let secrets: Set = ["secret", "accept", "password", "token", "authorization"]

  /// What is wrong with a layer of the store as such.
  func reportUnfitForStore(in document: Document) {
    for entry in tree.entries ?? [] where Self.ownSections.contains(entry.name) {
      document.report(
        line: entry.line, path: entry.name, "may not stand in the store: it is the node's own",
        suggestion: "say it in the node's file")
    }
    reportSecrets(tree, path: "", in: document)
  }

  private func reportSecrets(_ tree: LayerTree, path: String, in document: Document) {
    switch tree.content {
    case .nothing, .text: break
    case .list(let elements):
      for (index, element) in elements.enumerated() {
        reportSecrets(element, path: "\(path)[\(index)]", in: document)
      }
    case .mapping(let entries):
      for entry in entries {
        let below = path.isEmpty ? entry.name : "\(path).\(entry.name)"
        if Self.secrets.contains(entry.name.lowercased()),
          case .text(let text) = entry.tree.content,
          !Self.isReference(text)
        {
          document.report(
            line: entry.tree.line ?? entry.line, path: below,
            "is a secret, and may not stand in the store",
            suggestion: "write where each node has it: ${file:/etc/azimuth/…} or ${NAME}")
        }
        reportSecrets(entry.tree, path: below, in: document)
      }
    }
  }

  /// `${NAME}` or `${file:path}` and nothing else: a default would be the secret itself.
  private static func isReference(_ text: String) -> Bool {
    text.hasPrefix("${") && text.hasSuffix("}") && !text.contains(":-")
      && text.count { $0 == "}" } == 1
  }
}
