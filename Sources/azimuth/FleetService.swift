import Admin
import Clustering
import Engine
import ServiceLifecycle
import Settings

/// Has the node take what the fleet's store says of its configuration, until the node stops. It
/// ends last of all that have to do with the fleet, and closes the store.
struct FleetService: Service {
  let member: FleetMember
  let reloader: Reloader

  func run() async throws {
    await cancelWhenGracefulShutdown { await offer() }
    await member.close()
  }

  private func offer() async {
    var offered: StoredConfiguration?
    for await picture in member.pictures() {
      let next = StoredConfiguration(picture, of: member.start)
      guard next != offered else { continue }
      offered = next
      _ = await reloader.reload(stored: next)
    }
  }
}

/// Figures of the node's part in its fleet for `/metrics`.
func fleetSamples(_ member: FleetMember, _ reloader: Reloader) async -> [MetricSample] {
  let engine = await member.engine
  let stored = await reloader.storedStanding
  var samples = [
    MetricSample("azimuth_engine_connected", value: engine.isConnected ? 1 : 0),
    MetricSample("azimuth_engine_verified", value: engine.isVerified ? 1 : 0),
    MetricSample("azimuth_config_valid", value: stored.isValid ? 1 : 0),
    MetricSample(
      "azimuth_rollout_in_force", value: stored.inForce?.rolloutRevision == nil ? 0 : 1),
    MetricSample("azimuth_config_revision", value: Double(stored.inForce?.revision ?? 0)),
  ]
  if let lag = engine.lag {
    samples.append(
      MetricSample("azimuth_engine_watch_lag_seconds", value: lag / .seconds(1)))
  }
  return samples
}
