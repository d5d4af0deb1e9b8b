import Compiling
import Places
import Routing
import Simulating
import TestSupport
import Testing

@Suite struct `A population` {
  @Test func `of people is where the geodata has them`() throws {
    let table = try RegionSet.continents.compiled().model.places
    let population = Population(peopleOf: table)
    #expect((7.4e9...7.8e9).contains(population.weight + population.unplacedWeight))
    #expect(population.unplacedWeight < 0.01 * population.weight)
    #expect((100_000...600_000).contains(population.clients.count))
    var people: [CountryCode: Double] = [:]
    for client in population.clients {
      let place = table.places[table.place(of: client.address.client).place]
      if let country = place.country { people[country, default: 0] += client.weight }
    }
    for (code, millions) in [("DE", 83.0), ("JP", 126), ("BR", 209), ("US", 327)] {
      let country = try #require(CountryCode(code))
      #expect(abs((people[country] ?? 0) / 1e6 - millions) < millions * 0.03, "\(code)")
    }
  }

  @Test func `of the same table is the same`() throws {
    let table = try SmallWorld.compiled().model.places
    let (one, two) = (Population(peopleOf: table), Population(peopleOf: table))
    #expect(one.clients.map(\.address) == two.clients.map(\.address))
    #expect(one.clients.map(\.weight) == two.clients.map(\.weight))
  }

  @Test func `of a log has its addresses and weights, equal ones added up`() throws {
    let text = """
      address,weight
      # a comment
      192.0.2.1,3

      2001:db8::1
      192.0.2.1, 2.5
      """
    let population = try Population(log: text, name: "queries.csv")
    #expect(population.clients.map(\.address.description) == ["192.0.2.1", "2001:db8::1"])
    #expect(population.clients.map(\.weight) == [5.5, 1])
  }

  @Test(arguments: [
    ("192.0.2.1\nnonsense", 2), ("192.0.2.1,x", 1), ("192.0.2.1,1,2", 1), ("192.0.2.1,-1", 1),
    ("192.0.2.1,nan", 1), ("192.0.2.1,inf", 1),
  ])
  func `of a log that is none names the line`(text: String, line: Int) {
    #expect { try Population(log: text, name: "x") } throws: { error in
      (error as? PopulationFault)?.line == line
    }
  }
}
