import Testing

extension EndToEnd {
  /// A node of the demo and its OpenAPI document, as programs see them that know nothing else.
  @Suite(.enabled(if: PythonTools.areInstalled)) struct `The API` {
    @Test func `has a document that is OpenAPI`() throws {
      let document = "Sources/ControlPlane/APIDocument/openapi.json"
      let checked = try Program.shell("\(PythonTools.folder)/openapi-spec-validator \(document)")
      #expect(checked.status == 0, "\(checked.all)")
    }

    /// It is asked the same each time.
    @Test func `keeps what its document promises, whatever is asked`() throws {
      let world = try World()
      let asked = try Program.shell(
        """
        \(PythonTools.folder)/schemathesis --config-file Tests/EndToEndTests/Harness/schemathesis.toml run \
          http://127.0.0.1:\(world.ports.admin)/v1/openapi.json
        """, within: .seconds(120))
      #expect(asked.status == 0, "\(asked.all)")
      #expect(world.isReady)
    }
  }
}
