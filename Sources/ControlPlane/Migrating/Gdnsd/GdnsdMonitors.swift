import Settings

/// Makes monitors of gdnsd's service types.
struct GdnsdMonitors {
  /// By name.
  private(set) var written = Mapping()
  private let types: VSCFHash
  private let report: (Origin, String) -> Void
  private var names = NameBook()
  /// nil: nothing is checked.
  private var known: [String: (name: String, port: Int)?] = [:]

  init(_ types: VSCFHash, report: @escaping (Origin, String) -> Void) {
    self.types = types
    self.report = report
  }

  /// The monitor of what is checked by all of these types, and the port that it connects to; nil
  /// where nothing is.
  mutating func monitor(
    _ types: [String], at origin: Origin
  ) -> (name: String, port: Int)? {
    var monitors: [(name: String, port: Int)] = []
    for type in types {
      if let one = one(type, at: origin) { monitors.append(one) }
    }
    guard monitors.count > 1 else { return monitors.first }
    let all = monitors.map(\.name)
    let key = all.joined(separator: " and ")
    if let known = known[key] { return known }
    let name = names.name(key, wanted: all.joined(separator: "-and-"))
    written.add(
      name, .mapping(["type": "calculated", "of": .list(all.map { .text($0) }), "need": "all"]),
      origin)
    let monitor = (name, monitors[0].port)
    known[key] = monitor
    return monitor
  }

  private mutating func one(_ type: String, at origin: Origin) -> (name: String, port: Int)? {
    if type == "up" || type == "default" && types[type] == nil { return nil }
    if let known = known["type \(type)"] { return known }
    guard let hash = types[type]?.hash else {
      report(origin, "service type \(type): nothing is checked; an override can take it out")
      known["type \(type)"] = .some(nil)
      return nil
    }
    let read = read(type, hash, types[type]?.origin ?? origin)
    known["type \(type)"] = .some(read)
    return read
  }

  private mutating func read(
    _ type: String, _ hash: VSCFHash, _ origin: Origin
  ) -> (name: String, port: Int)? {
    func number(_ key: String, _ otherwise: Int, _ range: ClosedRange<Int>) -> Int {
      let given = hash[key]?.text.flatMap { Int($0) } ?? otherwise
      let fitted = min(max(given, range.lowerBound), range.upperBound)
      if fitted != given { report(origin, "\(key) \(given) becomes \(fitted)") }
      return fitted
    }
    let port = number("port", 80, 1...65_535)
    var monitor: Mapping
    let plugin = hash["plugin"]?.text ?? ""
    switch plugin {
    case "tcp_connect": monitor = ["type": "tcp", "port": "\(port)"]
    case "http_status": monitor = http(hash, port: port)
    case "extmon":
      guard let command = command(hash) else {
        report(origin, "service type \(type): wants cmd with an absolute path; nothing is checked")
        return nil
      }
      monitor = command
      report(origin, "service type \(type) runs a program: start serve with --allow-commands")
    default:
      report(
        origin, "service type \(type): plugin \(plugin) has no counterpart; nothing is checked")
      return nil
    }
    let interval = number("interval", 10, 1...255)
    monitor.add("interval", "\(interval)s")
    let timeout = hash["timeout"]?.text.flatMap { Int($0) }
    if let timeout, (1...60).contains(timeout), timeout <= interval {
      monitor.add("timeout", "\(timeout)s")
    } else {
      monitor.add("timeout", "\(min(interval * 500, 60_000))ms")
    }
    monitor.add("rise", "\(number("up_thresh", 20, 1...100))")
    monitor.add("fall", "\(number("down_thresh", 10, 1...100))")
    let name = names.name("type \(type)", wanted: type)
    written.add(name, .mapping(monitor), origin)
    return (name, port)
  }

  private func http(_ hash: VSCFHash, port: Int) -> Mapping {
    var monitor: Mapping = ["type": "http", "port": "\(port)"]
    if let path = hash["url_path"] { monitor.add("path", .text(path.text ?? ""), path.origin) }
    if let host = hash["vhost"] { monitor.add("host", .text(host.text ?? ""), host.origin) }
    if let method = hash["method"] {
      monitor.add("method", .text(method.text ?? ""), method.origin)
    }
    let codes = hash["ok_codes"]?.texts ?? ["200"]
    monitor.add(
      "expect", .mapping(["status": .list(codes.map { .text($0) })]), hash["ok_codes"]?.origin)
    return monitor
  }

  /// `%%IPADDR%%` and `%%ITEM%%` stand for what is checked.
  private func command(_ hash: VSCFHash) -> Mapping? {
    guard let words = hash["cmd"]?.texts, words.first?.hasPrefix("/") == true else { return nil }
    let arguments = words.map { word in
      Tree.text(
        word.replacing("%%IPADDR%%", with: "{address}").replacing("%%ITEM%%", with: "{address}"))
    }
    return ["type": "command", "command": .list(arguments)]
  }
}
