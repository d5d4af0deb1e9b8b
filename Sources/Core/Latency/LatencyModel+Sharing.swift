import Places

// What nodes of a fleet have from each other. A model learns from its own samples alone; what
// others say is laid over it, anew each time, so that nothing counts twice and nothing is told on.

extension LatencyModel {
  /// What the node tells the others: the cells with most samples, and of as many the first ones.
  ///
  /// - Parameter now: seconds since 1970.
  public func word(now: UInt32) -> LatencyWord {
    let halfLife = limits.halfLifeSeconds
    let known = networks.flatMap { network, cells in
      cells.map { cell in
        (
          weight: cell.decayedWeight(at: now, halfLifeSeconds: halfLife), network: network,
          cell: cell
        )
      }
    }
    // Whatever has faded so far says nothing any more.
    .filter { $0.weight >= Self.leastWeight }
    .sorted {
      ($1.weight, $0.network.rawValue, $0.cell.region)
        < ($0.weight, $1.network.rawValue, $1.cell.region)
    }
    return LatencyWord(
      writtenAt: now,
      cells: known.prefix(LatencyWord.mostCells).map {
        (
          $0.network, sites[Int($0.cell.region)].name, Double($0.cell.estimate),
          Double($0.weight)
        )
      })
  }

  /// Samples: the least that a word can say.
  private static let leastWeight: Float = 0.25

  /// Takes back what this node had told before it was started. What was learned since stands.
  ///
  /// - Parameter client: where a network is; nil: no ASN or country learns from it.
  public mutating func restore(
    _ word: LatencyWord, now: UInt32, client: (LatencyNetwork) -> LatencyClient?
  ) {
    for figure in Self.figures(of: [word], sites: sites, limits: limits, now: now) {
      let isKnown = networks[figure.network]?.contains { $0.region == figure.region } ?? false
      guard !isKnown, networks[figure.network] != nil || networks.count < limits.networks else {
        continue
      }
      lay(figure, client: client(figure.network), now: now)
    }
  }

  /// The same with what others say laid over it: of one network and region, the mean of all who
  /// have measured it, each by its samples as they have faded.
  ///
  /// The result does not depend on who was heard first. It has at most as many networks as this
  /// model may have: those with most samples.
  ///
  /// - Parameters:
  ///   - words: of others than this node.
  ///   - now: seconds since 1970.
  ///   - client: where a network is.
  /// - Complexity: O(n log n) in the cells of all words.
  public func joined(
    with words: LatencyWords, now: UInt32, client: (LatencyNetwork) -> LatencyClient
  ) -> LatencyModel {
    var joined = self
    let inOrder = words.byNode.sorted { $0.key < $1.key }.map(\.value)
    for figure in Self.figures(of: inOrder, sites: sites, limits: limits, now: now) {
      joined.lay(figure, client: client(figure.network), now: now)
    }
    if joined.networks.count > limits.networks { joined.evict(to: limits.networks, now: now) }
    return joined
  }

  /// Ascending by network and region; of the networks with most samples.
  ///
  /// - Parameter words: in an order that is the same for everybody, since sums are rounded.
  private static func figures(
    of words: [LatencyWord], sites: [LatencySite], limits: LatencyLimits, now: UInt32
  ) -> [SharedFigure] {
    let places = Dictionary(
      sites.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
    var parts: [(figure: SharedFigure, word: Int)] = []
    for (index, word) in words.enumerated() {
      let fading = Double(
        decay(from: word.writtenAt, to: now, halfLifeSeconds: limits.halfLifeSeconds))
      let regions = word.regions.map { places[$0] }
      for cell in word.cells {
        guard let region = regions[Int(cell.region)], fading > 0 else { continue }
        let figure = SharedFigure(
          network: cell.network, region: UInt16(region), milliseconds: cell.milliseconds,
          weight: cell.samples * fading)
        parts.append((figure, index))
      }
    }
    parts.sort {
      ($0.figure.network.rawValue, $0.figure.region, $0.word)
        < ($1.figure.network.rawValue, $1.figure.region, $1.word)
    }
    var figures: [SharedFigure] = []
    for (part, _) in parts {
      if let last = figures.indices.last, figures[last].network == part.network,
        figures[last].region == part.region
      {
        figures[last].add(part.milliseconds, weight: part.weight)
      } else {
        figures.append(part)
      }
    }
    return mostCounted(figures, networks: limits.networks)
  }

  private static func mostCounted(_ figures: [SharedFigure], networks limit: Int) -> [SharedFigure]
  {
    var weights: [LatencyNetwork: Double] = [:]
    for figure in figures { weights[figure.network, default: 0] += figure.weight }
    guard weights.count > limit else { return figures }
    let kept = Set(
      weights.sorted { ($1.value, $0.key.rawValue) < ($0.value, $1.key.rawValue) }
        .prefix(limit).map(\.key))
    return figures.filter { kept.contains($0.network) }
  }

  /// Lays a figure over what is known. An ASN and a country learn from it where the network's own
  /// samples have not taught them.
  private mutating func lay(_ figure: SharedFigure, client: LatencyClient?, now: UInt32) {
    var cells = networks.removeValue(forKey: figure.network) ?? []
    var sum = figure
    if let index = cells.firstIndex(where: { $0.region == figure.region }) {
      let own = cells.remove(at: index)
      sum.add(
        Double(own.estimate),
        weight: Double(own.decayedWeight(at: now, halfLifeSeconds: limits.halfLifeSeconds)))
      cells.append(MeasuredCell(sum, at: now))
    } else {
      if cells.count == limits.regionsPerNetwork { removeLightest(of: &cells, now: now) }
      cells.append(MeasuredCell(sum, at: now))
      if let client, let prior = prior(from: client, to: Int(figure.region)) {
        learn(
          residual: Float(figure.milliseconds - prior), share: Float(min(1, figure.weight)),
          from: client, region: Int(figure.region), now: now)
      }
    }
    networks[figure.network] = cells
  }
}

/// What words come to, of one network and one of a model's regions.
private struct SharedFigure {
  var network: LatencyNetwork
  var region: UInt16
  var milliseconds: Double
  /// Samples, faded.
  var weight: Double

  /// The mean of both.
  mutating func add(_ milliseconds: Double, weight more: Double) {
    guard more > 0 else { return }
    self.milliseconds += (milliseconds - self.milliseconds) * more / (weight + more)
    weight += more
  }
}

extension MeasuredCell {
  fileprivate init(_ figure: SharedFigure, at now: UInt32) {
    self.init(
      region: figure.region, milliseconds: figure.milliseconds, count: 1, now: now)
    restore(excess: 0, weight: Float(figure.weight))
  }
}

// MARK: - what decisions see

extension LatencyModel {
  /// Lets estimates follow what is known, from what they were in another model of the same regions:
  /// only where a figure has moved since, or is gone.
  ///
  /// - Returns: whether any of them may have changed.
  public mutating func publish(at now: UInt32, following previous: LatencyModel) -> Bool {
    var kept = 0
    for index in networks.indices {
      let before = previous.networks[networks[index].key] ?? []
      for cell in networks.values[index].indices {
        let region = networks.values[index][cell].region
        let figure = before.first { $0.region == region }?.published ?? PublishedFigure()
        networks.values[index][cell].follow(figure)
        kept += figure.weight > 0 ? 1 : 0
      }
    }
    kept += Self.follow(&systems, previous.systems) + Self.follow(&countries, previous.countries)
    let isAnyGone = kept < previous.publishedCount
    return publish(at: now) || isAnyGone
  }

  private static func follow(
    _ cells: inout [UInt64: ResidualCell], _ previous: [UInt64: ResidualCell]
  ) -> Int {
    var kept = 0
    for index in cells.indices {
      let figure = previous[cells[index].key]?.published ?? PublishedFigure()
      cells.values[index].follow(figure)
      kept += figure.weight > 0 ? 1 : 0
    }
    return kept
  }

  private var publishedCount: Int {
    networks.values.reduce(0) { $0 + $1.count { $0.published.weight > 0 } }
      + systems.values.count { $0.published.weight > 0 }
      + countries.values.count { $0.published.weight > 0 }
  }
}

// MARK: - for people

extension LatencyModel {
  /// What is left of samples after some time.
  public func faded(_ samples: Double, since start: UInt32, now: UInt32) -> Double {
    samples * Double(decay(from: start, to: now, halfLifeSeconds: limits.halfLifeSeconds))
  }

  /// What is known of a network, by region: milliseconds, and samples as they have faded.
  public func cells(
    of network: LatencyNetwork, now: UInt32
  ) -> [(region: Int, milliseconds: Double, samples: Double)] {
    (networks[network] ?? []).map {
      (
        Int($0.region), Double($0.estimate),
        Double($0.decayedWeight(at: now, halfLifeSeconds: limits.halfLifeSeconds))
      )
    }
  }
}
