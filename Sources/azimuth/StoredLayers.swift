import Clustering
import Engine
import Etcd
import Foundation
import Settings

/// The layers of a fleet's store for a verb that is no node: as the store says them now, else as
/// the node has kept them.
struct StoredLayers {
  /// nil: there is no fleet, or nobody knows what its store says.
  private(set) var configuration: StoredConfiguration?
  /// What whoever reads them must know; nil: the store has said them.
  private(set) var caution: String?
  private var prefix = ""

  init(_ source: ConfigurationSource) async throws(Faults) {
    let found: FleetStart?
    do throws(Faults) {
      found = try Self.start(source)
    } catch {
      caution = "the layers of a fleet's store are left out: \(error)"
      return
    }
    guard let start = found else { return }
    prefix = start.configurationPrefix
    let store = try EtcdStore(start.fleet)
    do throws(StoreFault) {
      configuration = StoredConfiguration(try await Self.picture(of: store, start), of: start)
    } catch {
      let age = keep(start.stateFolder.flatMap { FleetSnapshot(folder: $0) })
      caution = "the fleet's store cannot be asked (\(error)): \(age)"
    }
    await store.close()
  }

  /// What flags say against what is final is shown, and no reason not to ask the store.
  private static func start(_ source: ConfigurationSource) throws(Faults) -> FleetStart? {
    do throws(Faults) {
      return try source.fleetStart()
    } catch {
      var environment = ProcessInfo.processInfo.environment
      environment[ConfigurationText.environmentVariable] = nil
      return try FleetStart(file: source.file, environment: environment)
    }
  }

  private static func picture(
    of store: EtcdStore, _ start: FleetStart
  ) async throws(StoreFault) -> StorePicture {
    var picture = try await store.list(prefix: start.configurationPrefix, startingWith: 0)
    let rollouts = try await store.list(
      prefix: "\(start.prefix)\(StoredRollout.path)", startingWith: 0)
    picture.entries.merge(rollouts.entries) { $1 }
    return picture
  }

  private mutating func keep(_ snapshot: FleetSnapshot?) -> String {
    configuration = snapshot?.configuration
    guard let snapshot else { return "its layers are left out" }
    let age = Int(Date.now.timeIntervalSince1970 - snapshot.savedAt)
    return "its layers are those that the node kept \(age) s ago"
  }

  /// Where a text of the store is from, such as `region/tokyo revision 802`; nil: it is none.
  ///
  /// - Parameter name: as faults name it.
  func source(of name: String) -> Source? {
    guard let configuration else { return nil }
    return zip(configuration.texts, configuration.layers).first { $0.0.name == name }
      .map { _, layer in
        Source(
          name: String(layer.key.dropFirst(prefix.count)), revision: layer.revision,
          isRolledOut: layer.key == configuration.rolled?.key)
      }
  }

  struct Source {
    var name: String
    var revision: Int64
    /// It is that of a rollout, which has begun where the node is.
    var isRolledOut: Bool

    var text: String { "\(name) revision \(revision)\(isRolledOut ? " (rollout)" : "")" }
  }
}

extension EtcdStore {
  /// As a node asks it.
  convenience init(_ fleet: Settings.Fleet) throws(Faults) {
    let access = Access(
      members: fleet.members, user: fleet.user.map { User(name: $0.name, password: $0.password) },
      rootsFile: fleet.roots?.path,
      certificate: fleet.certificate.map { Certificate(file: $0.certificate, keyFile: $0.key) },
      timeout: fleet.timeout)
    do {
      try self.init(access)
    } catch {
      throw Faults([Fault(origin: fleet.origin, message: "tls cannot be used: \(error)")])
    }
  }
}
