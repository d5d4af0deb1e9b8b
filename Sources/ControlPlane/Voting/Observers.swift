import Balancing

/// Which nodes watch which endpoints: every node those of its own region, and of each region a few
/// those of the others, so that the checks an endpoint gets do not grow with the fleet.
package enum Observers {
  /// - Parameters:
  ///   - nodes: the region of each node that lives, by id.
  ///   - endpoints: the region of each endpoint, by id.
  ///   - count: how many nodes of a region watch an endpoint of another.
  /// - Returns: the endpoints that a node watches; all, if it is the only one of its region.
  package static func endpoints(
    watchedBy node: String, in region: String, nodes: [String: String],
    endpoints: [String: String], count: Int
  ) -> Set<String> {
    let others = nodes.filter { $0.value == region && $0.key != node }.keys
      .map { (id: $0, identity: Rendezvous.identity($0)) }
    let own = Rendezvous.identity(node)
    return Set(
      endpoints.filter { endpoint, home in
        guard home != region, others.count >= count else { return true }
        let key = Rendezvous.identity(endpoint)
        let cost = Rendezvous.cost(key: key, identity: own, weight: 1)
        let before = others.count { other in
          let theirs = Rendezvous.cost(key: key, identity: other.identity, weight: 1)
          // Costs that are equal are so on every node: the lower id is first.
          return (theirs, other.id) < (cost, node)
        }
        return before < count
      }.keys)
  }
}
