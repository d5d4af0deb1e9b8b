import Admin
import Counters
import DNSWire
import Editions
import Publishing
import Replicating
import Transferring
import Zones

extension TransferAssembly {
  /// All zones that are served or should be, by name.
  func zoneReports() async -> [ZoneReport] {
    let zones = publisher.desk.take().zones
    let reports = Dictionary(
      await secondaries.reports.map { ($0.zone, $0) }, uniquingKeysWith: { $1 })
    return (0..<zones.zoneCount).map { index in
      let block = zones.block(ofZone: index)
      let secondary = reports[block.name]
      return ZoneReport(
        name: "\(block.name)", kind: secondary == nil ? .primary : .secondary,
        state: secondary?.state.rawValue ?? "current",
        serial: block.isAvailable ? block.serial : nil, nameCount: block.nameCount,
        refresh: secondary.map(ZoneReport.Refresh.init))
    }.sorted { $0.name < $1.name }
  }
}

extension ZoneReport.Refresh {
  fileprivate init(_ report: SecondaryReport) {
    self.init(
      transferredAt: report.lastTransfer?.at,
      transferredFrom: report.lastTransfer.map { "\($0.primary)" },
      transferKind: report.lastTransfer.map { $0.isWhole ? "AXFR" : "IXFR" },
      nextCheckAt: report.nextCheck, expiresAt: report.expiresAt, faults: report.faults)
  }
}

func transferSamples(_ counts: TransferCounts) -> [MetricSample] {
  let samples: [(name: String, result: String, count: Int)] = [
    ("azimuth_transfers_out_total", "whole", counts.sentWhole),
    ("azimuth_transfers_out_total", "differences", counts.sentDifferences),
    ("azimuth_transfers_out_total", "current", counts.sentCurrent),
    ("azimuth_transfers_out_total", "refused", counts.refused),
    ("azimuth_transfers_in_total", "whole", counts.receivedWhole),
    ("azimuth_transfers_in_total", "differences", counts.receivedDifferences),
    ("azimuth_transfers_in_total", "current", counts.confirmed),
    ("azimuth_transfers_in_total", "failed", counts.failed),
    ("azimuth_notifies_in_total", "heeded", counts.notifiesHeeded),
    ("azimuth_notifies_in_total", "refused", counts.notifiesRefused),
    ("azimuth_notifies_out_total", "answered", counts.notifiesAcknowledged),
    ("azimuth_notifies_out_total", "unanswered", counts.notifiesUnanswered),
  ]
  return samples.map {
    MetricSample($0.name, labels: [.init("result", $0.result)], value: Double($0.count))
  } + [MetricSample("azimuth_bad_signatures_total", value: Double(counts.badSignatures))]
}

func zoneSamples(_ zones: [ZoneReport]) -> [MetricSample] {
  zones.flatMap { zone in
    let serial = zone.serial.map {
      MetricSample(
        "azimuth_zone_serial", labels: [.init("zone", zone.name)], value: Double($0))
    }
    let expiry = zone.refresh?.expiresAt.map {
      MetricSample(
        "azimuth_zone_expiry_timestamp_seconds", labels: [.init("zone", zone.name)], value: $0)
    }
    return [serial, expiry].compactMap(\.self)
  }
}
