/// Services whose policy is of type `home`.
extension ServiceReader {
  /// Data that is at home where nothing serves could not be reached.
  func checkHomes(_ service: inout Service, at value: Value) {
    guard case .home(let homes) = policies[service.policy].kind else { return }
    service.isKeyed = true
    let wanted = Set(homes.homes.flatMap { [$0.region] + ($0.former.map { [$0] } ?? []) })
    for (lack, served) in servedRegions(service) {
      let missing = wanted.subtracting(served).sorted().map { regions.all[$0] }
      guard !missing.isEmpty, !wanted.isDisjoint(with: served) else { continue }
      value.report(
        "\(lack) \(missing.joined(separator: ", ")), where policy "
          + "\"\(policies[service.policy].name)\" has keys at home")
    }
  }
}
