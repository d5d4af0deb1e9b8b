import Foundation
import TestSupport
import Testing

extension EndToEnd {
  /// As an operator's browser shows it. Each test leaves the demo and the page as it found them.
  @Suite(.enabled(if: Browser.isInstalled), .serialized) struct `The dashboard` {
    private static let shared = Result {
      let world = try World(verb: "demo")
      let browser = try Browser()
      try browser.open("http://127.0.0.1:\(world.ports.admin)/")
      eventually("the map") { try browser.isThere(".squares path[data-region=tokyo]") }
      return (world, browser)
    }

    private let world: World
    private let browser: Browser

    init() throws { (world, browser) = try Self.shared.get() }

    private func catchments(_ query: String) throws -> Catchments {
      try world.admin("GET", "/v1/catchments?\(query)").decoded(as: Catchments.self)
    }

    private struct Catchments: Decodable {
      struct Region: Decodable {
        var name: String
        var shareBefore: Double
        var shareAfter: Double
      }
      var movedShare: Double
      var regions: [Region]
    }

    private func percent(_ share: Double) -> String { String(format: "%.1f %%", share * 100) }

    /// How much of the map is of each region's colour, as a person sees it: by name.
    private func coloursOfMap() throws -> [String: Int] {
      _ = try browser.run("window.scrollTo(0, 0); return true") as Bool
      let picture = try browser.screenshot()
      let script = """
        const map = document.querySelector("#map svg").getBoundingClientRect();
        const fills = Object.fromEntries([...document.querySelectorAll(".squares path")].map(
          (path) => [path.dataset.region, getComputedStyle(path).fill]));
        return JSON.stringify({map, fills});
        """
      let found = try browser.run(script) as String
      let other = try Browser(width: 400, height: 300)
      try other.open("about:blank")
      return try other.run(Self.countingScript, picture, found) as [String: Int]
    }

    /// A page of its own, without our policy, takes the picture apart.
    private static let countingScript = """
      const {map, fills} = JSON.parse(arguments[1]);
      const canvas = document.createElement("canvas");
      const context = canvas.getContext("2d", {willReadFrequently: true});
      const colours = Object.fromEntries(Object.entries(fills).map(([name, fill]) => {
        context.fillStyle = fill;
        context.fillRect(0, 0, 1, 1);
        return [name, [...context.getImageData(0, 0, 1, 1).data]];
      }));
      const bytes = Uint8Array.from(atob(arguments[0]), (letter) => letter.charCodeAt(0));
      return createImageBitmap(new Blob([bytes], {type: "image/png"})).then((image) => {
        canvas.width = image.width;
        canvas.height = image.height;
        context.drawImage(image, 0, 0);
        const {data} = context.getImageData(map.x, map.y, map.width, map.height);
        const counts = Object.fromEntries(Object.keys(colours).map((name) => [name, 0]));
        for (let index = 0; index < data.length; index += 4) {
          for (const [name, [red, green, blue]] of Object.entries(colours)) {
            const distance = Math.abs(data[index] - red) + Math.abs(data[index + 1] - green)
              + Math.abs(data[index + 2] - blue);
            if (distance <= 6) counts[name] += 1;
          }
        }
        return counts;
      });
      """

    @Test func `draws the catchments of all regions in their colours`() throws {
      let counts = try coloursOfMap()
      for name in World.names {
        #expect((counts[name] ?? 0) > 100, "\(name) has \(counts[name] ?? 0) points of the picture")
      }
    }

    /// The configuration has them in another order than lists of the API.
    @Test func `gives a region one colour in the map and in the table`() throws {
      for name in World.names {
        #expect(
          try browser.run(
            """
            const row = document.getElementById("what-if-\(name)").closest("tr");
            return row.querySelector(".swatch").style.background
              === document.querySelector(".squares path[data-region=\(name)]").style.fill;
            """) as Bool, "\(name)")
      }
    }

    @Test func `by keyboard shows what becomes of the clients of a region that fails`() throws {
      let report = try catchments("service=web&without=tokyo")
      let tokyo = try #require(report.regions.first { $0.name == "tokyo" })
      _ = try browser.run("document.getElementById('map-tokyo').focus(); return true") as Bool
      try browser.press("\u{E007}")
      eventually("the answer") {
        try browser.text("#map-words").contains(
          "If tokyo failed, \(percent(report.movedShare)) of all people would move")
      }
      #expect(try browser.isThere("#map-tokyo[aria-pressed=true]:focus"))
      #expect(try browser.isThere("path[data-flow='tokyo singapore']"))
      #expect(
        try browser.text("#regions").contains(
          "\(percent(tokyo.shareBefore)) → \(percent(tokyo.shareAfter))"))
      #expect(try !browser.isThere(".squares path[data-region=tokyo]"))
      try browser.press(" ")
      eventually("all as it is") { try browser.isThere(".squares path[data-region=tokyo]") }
    }

    @Test func `shows a failover within two seconds of the transition`() throws {
      let control = try HTTPConnection(port: world.ports.control)
      let admin = try HTTPConnection(port: world.ports.admin)
      #expect(try control.request("POST", "/tokyo/stop").status == 200)
      eventually("Tokyo is unhealthy") {
        try world.route("133.11.0.1", on: admin).outcome.regions != ["tokyo"]
      }
      let clock = ContinuousClock()
      let transition = clock.now
      eventually("the page knows") {
        try browser.isThere("#map-tokyo.unhealthy")
          && browser.isThere("path[data-flow='tokyo singapore']")
      }
      #expect(clock.now - transition < .seconds(2))
      #expect(try browser.text("#events").contains("tokyo/web"))
      #expect(try control.request("POST", "/tokyo/start").status == 200)
      eventually("it returns") { try browser.isThere("#map-tokyo.healthy") }
    }

    @Test func `explains as the command does`() throws {
      let command = try Program.run([
        "explain", "141.2.0.1", "eu.example.org", "--admin",
        "http://127.0.0.1:\(world.ports.admin)",
      ])
      #expect(command.status == 0, "\(command.all)")
      try browser.type("141.2.0.1", into: "#explain-address")
      try browser.type("eu.example.org", into: "#explain-name")
      try browser.click("#explain button")
      eventually("the answer") { try browser.isThere("#explain-answer .headline") }
      let lines = command.output.split(separator: "\n").map(String.init)
      #expect(try browser.text("#explain-answer .headline") == lines.first)
      let steps = lines.drop { $0 != "steps" }.dropFirst()
        .prefix { $0.hasPrefix("  ") }.map { String($0.drop { !$0.isLetter }) }
      #expect(!steps.isEmpty)
      #expect(try browser.texts("#explain-answer .steps li") == steps)
      #expect(try browser.text("#explain-answer").contains("eu-data"))
    }

    @Test func `asks for the token, sets an override that ends, and takes it back`() throws {
      try browser.click("#set-override")
      for (field, text) in [
        ("target", "frankfurt"), ("reason", "night <b>work</b>"), ("author", "ann"),
      ] {
        try browser.type(text, into: "#override-\(field)")
      }
      try browser.click("#override-dialog button[type=submit]")
      eventually("the dialog") { try browser.isThere("#token-dialog") }
      try browser.type("wrong\u{E007}", into: "#token")
      eventually("the complaint") {
        try browser.text("#token-dialog .problem") == "this is not the token"
      }
      try browser.type("\(World.token)\u{E007}", into: "#token")
      eventually("the row") {
        try browser.text("#overrides").contains("night <b>work</b>")
          && browser.isThere("#map-frankfurt.drain")
      }
      let row = try browser.text("#overrides tbody tr")
      #expect(row.contains("drain") && row.contains("ann") && row.contains("in 30 min"), "\(row)")
      let override = try world.admin("GET", "/v1/overrides/frankfurt")
      #expect(override.text.contains("expires_at"))
      let page = "return document.documentElement.outerHTML + JSON.stringify([sessionStorage, "
      let everything = try browser.run("\(page)localStorage, document.cookie])") as String
      #expect(!everything.contains(World.token))
      try browser.click("#take-back-frankfurt")
      eventually("nothing is said any more") {
        try browser.text("#overrides").contains("No operator")
      }
      #expect(try world.admin("GET", "/v1/overrides/frankfurt").status == 404)
      try browser.click("#forget-token")
    }

    @Test func `where looking wants a token, asks for it once, and shows all with it`() throws {
      try world.rewrite(
        world.configuration.replacing("\nadmin:\n", with: "\nadmin:\n  reads: token\n"))
      #expect(try world.reload().status / 100 == 2)
      try browser.open("http://127.0.0.1:\(world.ports.admin)/")
      eventually("the dialog") { try browser.isThere("#token-dialog") }
      try browser.press("\u{E00C}")
      eventually("why there is nothing to see") {
        try browser.text("#connection strong") == "No right to look"
          && browser.text("#connection").contains("The node says: a bearer token is needed.")
          && !browser.isThere("#token-dialog")
      }
      #expect(try !browser.isThere(".squares path"))
      try browser.click("#give-token")
      try browser.type("wrong\u{E007}", into: "#token")
      eventually("the complaint") {
        try browser.text("#token-dialog .problem") == "this is not the token"
      }
      try browser.type("\(World.token)\u{E007}", into: "#token")
      eventually("the map and the events") {
        try browser.text("#connection strong") == "Live"
          && browser.isThere(".squares path[data-region=tokyo]")
          && browser.text("#events").contains("configuration accepted")
      }
      #expect(try browser.isThere("#give-token[hidden]"))
      try browser.click("#forget-token")
      eventually("no right again") {
        try browser.text("#connection strong") == "No right to look"
      }
      #expect(try !browser.isThere("#token-dialog"))
      try world.rewrite(world.configuration)
      #expect(try world.reload().status / 100 == 2)
      eventually("it needs none") { try browser.text("#connection strong") == "Live" }
    }

    @Test func `simulates as the command line does`() throws {
      let reply = try world.admin(
        "POST", "/v1/simulate", body: #"{"down": ["sydney"], "services": ["web"]}"#,
        token: World.token)
      struct Report: Decodable {
        struct Service: Decodable {
          var movedShare: Double
        }
        var services: [Service]
      }
      let moved = try #require(try reply.decoded(as: Report.self).services.first?.movedShare)
      try browser.click("#simulate-down-sydney")
      try browser.click("#simulator button[type=submit]")
      eventually("the dialog") { try browser.isThere("#token-dialog") }
      try browser.type("\(World.token)\u{E007}", into: "#token")
      eventually("the answer") { try browser.isThere("#simulate-answer table") }
      #expect(
        try browser.text("#simulate-answer").contains("web: \(percent(moved)) of the clients move"))
      try browser.click("#simulate-down-sydney")
      try browser.click("#forget-token")
    }

    @Test func `says when it has lost its connection, and mends itself`() throws {
      #expect(try browser.text("#connection strong") == "Live")
      world.process.signal(SIGSTOP)
      eventually("the loss") { try browser.text("#connection strong") == "Connection lost" }
      #expect(try browser.text("#connection").contains("ago. Trying again"))
      world.process.signal(SIGCONT)
      eventually("the mending") { try browser.text("#connection strong") == "Live" }
    }

    /// What a screen reader has to go by.
    @Test func `has a name for all that can be operated, and one for each panel`() throws {
      let script = """
        const named = (one) => one.getAttribute("aria-label") || one.textContent.trim()
          || one.labels?.length > 0;
        const parts = "button, input, select, a, [role=button], [tabindex='0'], dialog";
        return [...document.querySelectorAll(parts)].filter((one) => !named(one))
          .concat([...document.querySelectorAll("section")].filter((one) =>
            !document.getElementById(one.getAttribute("aria-labelledby"))))
          .map((one) => one.outerHTML.slice(0, 80));
        """
      #expect(try browser.run(script) as [String] == [])
      let count: Int = try browser.run("return document.querySelectorAll('#map .mark').length")
      #expect(count == World.names.count)
    }

    @Test func `fits on a phone, is dark where it is wanted, and has nothing to complain of`()
      throws
    {
      let phone = try Browser()
      try phone.command(
        "Emulation.setDeviceMetricsOverride",
        ["width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": false])
      try phone.command(
        "Emulation.setEmulatedMedia",
        ["features": [["name": "prefers-color-scheme", "value": "dark"]]])
      try phone.open("http://127.0.0.1:\(world.ports.admin)/")
      eventually("the map") { try phone.isThere(".squares path[data-region=tokyo]") }
      let width: Int = try phone.run("return document.documentElement.scrollWidth")
      #expect(width <= 360)
      let background: String = try phone.run(
        "return getComputedStyle(document.body).backgroundColor")
      #expect(background == "rgb(15, 21, 27)")
      // That it is in no fleet, the page finds out by asking.
      let complaints = try phone.complaints().filter { !$0.contains("/v1/fleet") }
      #expect(complaints.isEmpty)
    }
  }
}
