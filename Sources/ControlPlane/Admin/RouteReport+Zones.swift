import Editions
import Places
import Routing

/// The endpoints that a decision's addresses belong to; nil if none names its availability zone.
func zonedEndpoints(
  _ explanation: Explanation, question: RouteReport.Question, edition: Edition
) -> [RouteReport.Endpoint]? {
  let model = edition.model
  let found = explanation.outcome.regions.flatMap { region -> [RouteReport.Endpoint] in
    let targets = edition.targets.targets(
      service: explanation.service, region: region, basis: explanation.outcome.basis)
    let total = targets.reduce(0) { $0 + $1.weight }
    return targets.map { target in
      let endpoint = model.endpoints[target.endpoint]
      let share = (Double(target.weight) / Double(total) * 1000).rounded() / 1000
      return RouteReport.Endpoint(
        id: endpoint.id, availabilityZone: endpoint.availabilityZone, share: share)
    }
  }
  guard found.contains(where: { $0.availabilityZone != nil }) else { return nil }
  guard case .name(_, let isIPv6) = question else { return found }
  // In the order of the answer, one for each address.
  let answered = edition.answers.records(
    outcome: explanation.decision.outcome, slot: isIPv6 ? .aaaa : .a
  ).compactMap(\.address)
  let sockets = Dictionary(
    model.endpoints.map { ($0.id, $0.socket.address) }, uniquingKeysWith: { first, _ in first })
  return answered.compactMap { address in
    guard let endpoint = found.first(where: { sockets[$0.id] == address }) else { return nil }
    return RouteReport.Endpoint(
      id: endpoint.id, availabilityZone: endpoint.availabilityZone, share: nil)
  }
}

extension RouteReport.Endpoint {
  enum CodingKeys: String, CodingKey {
    case id, share
    case availabilityZone = "availability_zone"
  }

  /// `tokyo/web/192.0.2.1:80 in zone a, 50 %`.
  var text: String {
    id + (availabilityZone.map { " in availability zone \($0)" } ?? " in no availability zone")
      + (share.map { ", \(($0 * 1000).rounded() / 10) % of the region" } ?? "")
  }
}
