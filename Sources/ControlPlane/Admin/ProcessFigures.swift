import FoundationEssentials
import Glibc

/// What the kernel says of this process (proc(5)); what it does not say is left out.
struct ProcessFigures {
  var residentBytes: Double?
  var virtualBytes: Double?
  var cpuSeconds: Double?
  /// Seconds since 1970.
  var startTime: Double?
  var openDescriptors: Double?
  var maximumDescriptors: Double?

  /// Reads five small files of /proc: some 100 µs.
  static func current() -> ProcessFigures {
    var figures = ProcessFigures()
    figures.readStat()
    let descriptors = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")
    figures.openDescriptors = descriptors.map { Double($0.count) }
    var limit = rlimit()
    if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
      figures.maximumDescriptors = Double(limit.rlim_cur)
    }
    return figures
  }

  /// Fields are counted behind the command's name, which may hold anything but its closing
  /// bracket is the last one.
  private mutating func readStat() {
    guard let stat = contents(of: "/proc/self/stat"), let end = stat.lastIndex(of: ")") else {
      return
    }
    let fields = stat[stat.index(after: end)...].split(separator: " ").map { Double($0) }
    // proc(5) counts from 1 and the two fields before are gone: field n is fields[n - 3].
    guard fields.count > 21 else { return }
    let ticks = Double(sysconf(Int32(_SC_CLK_TCK)))
    if let user = fields[11], let system = fields[12] { cpuSeconds = (user + system) / ticks }
    virtualBytes = fields[20]
    residentBytes = fields[21].map { $0 * Double(sysconf(Int32(_SC_PAGESIZE))) }
    if let started = fields[19], let booted = Self.bootTime() {
      startTime = booted + started / ticks
    }
  }

  private static func bootTime() -> Double? {
    contents(of: "/proc/stat")?.split(separator: "\n").first { $0.hasPrefix("btime ") }
      .flatMap { Double($0.dropFirst("btime ".count)) }
  }

  var samples: [MetricSample] {
    let figures: KeyValuePairs = [
      "process_resident_memory_bytes": residentBytes,
      "process_virtual_memory_bytes": virtualBytes,
      "process_cpu_seconds_total": cpuSeconds,
      "process_start_time_seconds": startTime,
      "process_open_fds": openDescriptors,
      "process_max_fds": maximumDescriptors,
    ]
    return figures.compactMap { name, value in value.map { MetricSample(name, value: $0) } }
  }
}

private func contents(of path: String) -> String? {
  try? String(contentsOfFile: path, encoding: .utf8)
}
