import Foundation
import TestSupport
import Testing

extension EndToEnd {
  /// What a package brings beside the program. That it installs is `make deb-test`.
  @Suite struct `Packaging` {
    private static func isInstalled(_ program: String) -> Bool {
      FileManager.default.isExecutableFile(atPath: "/usr/bin/\(program)")
    }

    /// The threshold is in tenths.
    @Test(.enabled(if: isInstalled("systemd-analyze")))
    func `the systemd unit leaves an exposure of 2 at most`() throws {
      let finished = try Program.shell(
        "systemd-analyze security --no-pager --offline=true --threshold=20"
          + " packaging/azimuth.service")
      #expect(finished.status == 0, "\(finished.all)")
      #expect(finished.output.contains("Overall exposure level for azimuth.service"))
    }

    @Test(.enabled(if: isInstalled("systemd-sysusers")))
    func `the user of the unit is the one that sysusers makes`() throws {
      let unit = try Program.shell("sed -n 's/^User=//p' packaging/azimuth.service")
      let root = try temporaryFolder().path
      try FileManager.default.createDirectory(
        atPath: "\(root)/etc", withIntermediateDirectories: false)
      let made = try Program.shell(
        "systemd-sysusers --root=\(root) $PWD/packaging/azimuth.sysusers;"
          + " cut -d: -f1 \(root)/etc/passwd"
      )
      #expect(!unit.output.isEmpty)
      #expect(made.output == unit.output, "\(made.all)")
      try FileManager.default.removeItem(atPath: root)
    }

    @Test func `the configuration of the package is good`() throws {
      let database = "\(Program.root)/geodata/azimuth-city.mmdb"
      let checked = try Program.run([
        "check", "packaging/azimuth.yaml", "--set", "geo: {databases: [\(database)]}",
      ])
      #expect(checked.status == 0, "\(checked.all)")
    }

    @Test(.enabled(if: isInstalled("groff")))
    func `each command has a manual page that groff takes`() throws {
      let folder = try temporaryFolder().path
      let made = try Program.shell(
        "scripts/manual \(Program.path) \(folder); groff -k -ww -man -Tutf8 -z \(folder)/*.1")
      #expect(made.status == 0)
      #expect(made.all == "")
      let pages = try FileManager.default.contentsOfDirectory(atPath: folder)
      for page in ["azimuth", "azimuth-serve", "azimuth-geo-lookup", "azimuth-fleet-status"] {
        #expect(pages.contains("\(page).1"))
      }
      let check = try Program.shell(
        "LC_ALL=C.UTF-8 groff -k -man -Tutf8 -P-cbou \(folder)/azimuth-check.1")
      for word in ["--against", "YAML laid over", "EXIT STATUS"] {
        #expect(check.output.contains(word), "\(check.all)")
      }
      try FileManager.default.removeItem(atPath: folder)
    }

    @Test func `completion offers the commands to bash`() throws {
      let script = """
        source <(azimuth --generate-completion-script bash)
        COMP_WORDS=(azimuth s); COMP_CWORD=1; COMP_LINE='azimuth s'; COMP_POINT=9
        _azimuth azimuth s azimuth
        printf '%s\\n' "${COMPREPLY[@]}"
        """
      let completed = try Program.shell("set +eu\n\(script)")
      #expect(Set(completed.output.split(separator: "\n")) == ["serve", "simulate"])
    }

    @Test(.enabled(if: PythonTools.areInstalled))
    func `what the program is made of is told as CycloneDX, the same each time`() throws {
      let first = try Program.shell("scripts/sbom \(Program.path)")
      let second = try Program.shell("scripts/sbom \(Program.path)")
      #expect(first.status == 0, "\(first.errors)")
      #expect(first.output == second.output)
      for part in [
        "pkg:swift/github.com/apple/swift-nio@", "pkg:swift/github.com/jpsim/Yams@",
        "pkg:deb/debian/libmaxminddb0@", "pkg:deb/debian/libssl3",
        "Apache-2.0 WITH Swift-exception",
      ] {
        #expect(first.output.contains(part), "\(part)")
      }
      let script = """
        import sys
        from cyclonedx.schema import SchemaVersion
        from cyclonedx.validation.json import JsonStrictValidator
        print(JsonStrictValidator(SchemaVersion.V1_6).validate_str(sys.stdin.read()))
        """
      let checked = try Program.shell(
        "scripts/sbom \(Program.path) | \(PythonTools.folder)/python -c '\(script)'")
      #expect(checked.output == "None\n", "\(checked.all)")
    }
  }
}
