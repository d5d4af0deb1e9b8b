import Foundation
import Latency

/// Runs the trials and prints their tables.
func run(_ options: Options) throws {
  let people = try options.people.map(peopleByCountry) ?? [:]
  let mesh = try Mesh(
    placesFile: options.places, roundTripsFile: options.roundTrips, people: people)
  print("\(options.places): \(mesh.nodes.count) places")
  printFit(mesh)
  var trials: [Trial] = []
  for names in options.regions {
    let regions = try names.map { name in
      guard let node = mesh.nodes.firstIndex(where: { $0.name == name }) else {
        throw Complaint(text: "there is no place \(name)")
      }
      return node
    }
    trials.append(Trial(mesh: mesh, regions: regions, seed: options.seed, weights: options.weights))
  }
  if trials.isEmpty {
    trials = options.sets.filter { $0 < mesh.nodes.count }.map {
      Trial(
        mesh: mesh, regions: mesh.regions(count: $0), seed: options.seed, weights: options.weights)
    }
  }
  for trial in trials {
    print(
      "\(trial.regions.count) regions, \(trial.clients.count) clients: "
        + trial.regions.map { mesh.nodes[$0].name }.joined(separator: ", "))
  }
  printRouting(trials)
  let curves = printLearning(trials, requests: options.requests)
  printLoss(trials)
  if let file = options.plot {
    let plot = LearningPlot(curves: curves)
    guard (try? plot.svg.write(toFile: file, atomically: true, encoding: .utf8)) != nil else {
      throw Complaint(text: "\(file) cannot be written")
    }
    print("\nPlot: \(file)")
  }
}

private func printFit(_ mesh: Mesh) {
  let pairs = mesh.nodes.indices.flatMap { from in
    mesh.nodes.indices.compactMap { to -> (kilometres: Double, milliseconds: Double)? in
      mesh.roundTrip(from, to).map { (mesh.kilometres(from, to), $0) }
    }
  }
  for (title, pairs) in [
    ("all pairs", pairs), ("pairs within 3,000 km", pairs.filter { $0.kilometres < 3000 }),
  ] where pairs.count > 10 {
    let (base, slope) = fittedLine(pairs)
    print(
      "Fit, \(title): \(fixed(base)) ms + \(fixed(slope)) ms per 1000 km (the prior: "
        + "\(fixed(LatencyPrior.baseMilliseconds)) + \(fixed(LatencyPrior.slopeMilliseconds)))")
  }
}

/// The line of least absolute deviations, by reweighted least squares.
private func fittedLine(
  _ pairs: [(kilometres: Double, milliseconds: Double)]
) -> (base: Double, slope: Double) {
  var (base, slope) = (0.0, 0.0)
  for _ in 0..<100 {
    var (n, sx, sy, sxx, sxy) = (0.0, 0.0, 0.0, 0.0, 0.0)
    for pair in pairs {
      let (x, y) = (pair.kilometres / 1000, pair.milliseconds)
      let weight = 1 / max(0.1, abs(y - base - slope * x))
      n += weight
      sx += weight * x
      sy += weight * y
      sxx += weight * x * x
      sxy += weight * x * y
    }
    slope = (n * sxy - sx * sy) / (n * sxx - sx * sx)
    base = (sy - slope * sx) / n
  }
  return (base, slope)
}

private func printRouting(_ trials: [Trial]) {
  print("\nExcess over the best region, ms: mean weighted by users / p95 / share beyond 25 ms")
  printRow(["regions", "distance alone", "neighbours' only", "own, three candidates"])
  for trial in trials {
    let columns = [trial.distanceAlone(), trial.neighboursOnly(), trial.ownMeasurements()]
    printRow(
      ["\(trial.regions.count)"]
        + columns.map {
          "\(fixed($0.mean)) / \(fixed($0.p95)) / \(percent($0.shareBeyond25))"
        })
  }
  print("Of places, one vote each: mean")
  for trial in trials {
    let columns = [trial.distanceAlone(), trial.neighboursOnly(), trial.ownMeasurements()]
    printRow(["\(trial.regions.count)"] + columns.map { fixed($0.meanOfPlaces) })
  }
}

private func printLearning(
  _ trials: [Trial], requests: Int
) -> [(title: String, distance: Double, curve: [Double])] {
  print("\nLearning: mean excess, ms, weighted by users, over a network's first requests,")
  print("and of the request after them")
  printRow([
    "regions", "first 5", "first 20", "first 100", "6th", "21st", "last", "changes",
    "first 20 places", "first 100 places",
  ])
  return trials.map { trial in
    let learning = trial.learning(requests: requests).learning
    let curve = learning.curve
    printRow(
      ["\(trial.regions.count)"]
        + [5, 20, 100].map { fixed(learning.mean(min($0, curve.count))) }
        + [5, 20, curve.count - 1].map { $0 < curve.count ? fixed(curve[$0]) : "" }
        + [percent(learning.changeRate)]
        + [20, 100].map { fixed(learning.meanOfPlaces(min($0, curve.count))) })
    return ("\(trial.regions.count) regions", trial.distanceAlone().mean, curve)
  }
}

private func printLoss(_ trials: [Trial]) {
  print("\nThe best region of every client is lost: mean excess, ms, weighted by users (of places)")
  printRow([
    "regions", "next nearest", "untrained", "three measured", "first 20 after", "first 100 after",
  ])
  for trial in trials {
    let loss = trial.loss()
    let learning = trial.learning(requests: 100, isLost: true).learning
    printRow(
      ["\(trial.regions.count)"]
        + [loss.nextNearest, loss.untrained, loss.measured].map {
          "\(fixed($0.mean)) (\(fixed($0.meanOfPlaces)))"
        } + [fixed(learning.mean(20)), fixed(learning.mean(100))])
  }
}

func fixed(_ value: Double) -> String { String(format: "%.1f", value) }

func percent(_ share: Double) -> String { String(format: "%.1f %%", share * 100) }

private func printRow(_ columns: [String]) {
  print("| " + columns.joined(separator: " | ") + " |")
}
