import Places

extension LatencyModel {
  /// The round trips to expect between a client and each region, from the narrowest knowledge to
  /// the widest: its own network, whose expectation is the residual of its ASN, whose expectation
  /// is its country's, all of them over the prior of its distance.
  ///
  /// The prior is optimistic: a region that was found slow loses to an untried one by itself, and
  /// no client is sent anywhere for the sake of measuring.
  ///
  /// - Parameter network: nil for all clients of which no network was measured.
  /// - Returns: by region; nil where neither a distance nor a measurement is known.
  public func estimates(
    from client: LatencyClient, network: LatencyNetwork? = nil
  ) -> [LatencyEstimate?] {
    var estimates = expectations(from: client)
    guard let network, let cells = networks[network] else { return estimates }
    let known = cells.filter { $0.published.weight > 0 }
    for cell in known {
      let own = Double(cell.published.milliseconds)
      let weight = Double(cell.published.weight)
      let region = Int(cell.region)
      let share = weight / (weight + weights.network)
      let expected = estimates[region]?.milliseconds ?? own
      estimates[region] = LatencyEstimate(
        milliseconds: share * own + (1 - share) * expected, basis: .network, confidence: share)
    }
    return estimates
  }

  /// The round trip that distance alone lets expect; nil where it is not known.
  public func prior(from client: LatencyClient, to region: Int) -> Double? {
    guard let point = client.point, let site = sites[region].point else { return nil }
    return LatencyPrior.roundTripMilliseconds(
      distanceKilometres: point.distanceKilometres(to: site),
      accuracyRadiusKilometres: client.accuracyRadiusKilometres)
  }

  /// What is expected of a network that was never measured.
  private func expectations(from client: LatencyClient) -> [LatencyEstimate?] {
    sites.indices.map { region in
      guard let prior = prior(from: client, to: region) else { return nil }
      let country = client.country.flatMap {
        countries[Self.key(UInt32($0.rawValue), region)]?.published
      }
      let system = systems[Self.key(client.asn, region)]?.published
      return estimate(prior: prior, country: country, system: system)
    }
  }

  private func estimate(
    prior: Double, country: PublishedFigure?, system: PublishedFigure?
  ) -> LatencyEstimate {
    var residual = 0.0
    var basis = LatencyBasis.distance
    var confidence = 0.0
    for (figure, against, level) in [
      (country, weights.country, LatencyBasis.country), (system, weights.system, .system),
    ] {
      guard let figure, figure.weight > 0 else { continue }
      let share = Double(figure.weight) / (Double(figure.weight) + against)
      residual = share * Double(figure.milliseconds) + (1 - share) * residual
      confidence = max(confidence, share / 2)
      basis = level
    }
    return LatencyEstimate(
      milliseconds: max(prior + residual, Double(MeasuredCell.bounds.lowerBound)), basis: basis,
      confidence: confidence)
  }
}
