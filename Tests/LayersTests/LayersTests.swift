import Layers
import TestSupport
import Testing

/// Trees as they are easily written in a test.
indirect enum Sketch: Sendable, ExpressibleByStringLiteral, ExpressibleByArrayLiteral,
  ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
  case tree(LayerTree)

  init(stringLiteral text: String) { self = .tree(LayerTree(.text(text))) }
  init(nilLiteral: ()) { self = .tree(LayerTree(.nothing)) }
  init(arrayLiteral elements: Sketch...) { self = .tree(LayerTree(.list(elements.map(\.tree)))) }
  init(dictionaryLiteral pairs: (String, Sketch)...) {
    self = .tree(
      LayerTree(.mapping(pairs.map { LayerTree.Entry(name: $0.0, tree: $0.1.tree) })))
  }

  var tree: LayerTree {
    switch self {
    case .tree(let tree): tree
    }
  }
}

/// What it says, whoever has said it, with keys in order.
func shown(_ tree: LayerTree) -> String {
  switch tree.content {
  case .nothing: "null"
  case .text(let text): text
  case .list(let elements): "[" + elements.map(shown).joined(separator: ",") + "]"
  case .mapping(let entries):
    "{"
      + entries.sorted { $0.name < $1.name }.map { "\($0.name):\(shown($0.tree))" }
      .joined(separator: ",") + "}"
  }
}

private func random(_ generator: inout SeededGenerator, depth: Int = 3) -> LayerTree {
  switch Int.random(in: 0..<(depth > 0 ? 6 : 3), using: &generator) {
  case 0: return LayerTree(.nothing)
  case 1:
    return LayerTree(.list([LayerTree(.text("\(UInt8.random(in: 0...9, using: &generator))"))]))
  case 2: return LayerTree(.text("\(UInt8.random(in: 0...9, using: &generator))"))
  default:
    let names = ["a", "b", "c", "d.e", "d"].filter { _ in Bool.random(using: &generator) }
    return LayerTree(
      .mapping(names.map { .init(name: $0, tree: random(&generator, depth: depth - 1)) }))
  }
}

private func randomMapping(_ generator: inout SeededGenerator) -> LayerTree {
  while true {
    let tree = random(&generator)
    if tree.entries != nil { return tree }
  }
}

struct MergePatchTests {
  /// RFC 7396 appendix A.
  @Test(
    arguments: [
      (["a": "b"], ["a": "c"], "{a:c}"), (["a": "b"], ["b": "c"], "{a:b,b:c}"),
      (["a": "b"], ["a": nil], "{}"), (["a": "b", "b": "c"], ["a": nil], "{b:c}"),
      (["a": ["b"]], ["a": "c"], "{a:c}"), (["a": "c"], ["a": ["b"]], "{a:[b]}"),
      (["a": ["b": "c"]], ["a": ["b": "d", "c": nil]], "{a:{b:d}}"),
      (["a": [["b": "c"]]], ["a": ["1"]], "{a:[1]}"), (["a", "b"], ["c", "d"], "[c,d]"),
      (["a": "b"], ["c"], "[c]"), (["a": "foo"], nil, "null"), (["a": "foo"], "bar", "bar"),
      (["e": nil], ["a": "1"], "{a:1,e:null}"), (["1", "2"], ["a": "b", "c": nil], "{a:b}"),
      ([:], ["a": ["bb": ["ccc": nil]]], "{a:{bb:{}}}"),
    ] as [(Sketch, Sketch, String)])
  func `a patch does what RFC 7396 appendix A says`(
    _ target: Sketch, _ patch: Sketch, _ result: String
  ) {
    #expect(shown(target.tree.merged(with: patch.tree)) == result)
  }

  @Test(arguments: 0..<2000 as Range<UInt64>)
  func `an empty patch changes nothing, and one patch twice is the same as once`(_ seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let target = randomMapping(&generator)
    let patch = random(&generator)
    #expect(target.merged(with: LayerTree(.mapping([]))) == target, "seed \(seed)")
    let once = target.merged(with: patch)
    #expect(shown(once.merged(with: patch)) == shown(once), "seed \(seed)")
  }
}

struct LayersTests {
  private func layer(_ kind: LayerKind, _ sketch: Sketch, final: [String] = []) -> Layer {
    Layer(kind, tree: sketch.tree, final: final)
  }

  @Test func `a later kind counts for more, in whatever order layers are given`() {
    let words = LayerKind.allCases.map { layer($0, ["key": .init(stringLiteral: "\($0)")]) }
    for count in 1...words.count {
      let layers = Layers(words.prefix(count).reversed())
      #expect(shown(layers.merged) == "{key:\(LayerKind.allCases[count - 1])}")
    }
  }

  @Test(
    arguments: [
      ("at it", ["dns": ["rate": "2"]], "dns.rate"),
      ("below it", ["dns": ["rate": ["burst": "2"]]], "dns.rate.burst"),
      ("taking it away", ["dns": ["rate": nil]], "dns.rate"),
      ("taking away what it is part of", ["dns": nil], "dns"),
      ("with something else in that place", ["dns": "off"], "dns"),
    ] as [(String, Sketch, String)])
  func `what is final is refused to later layers`(
    _ how: String, _ word: Sketch, _ path: String
  ) throws {
    let layers = Layers([
      layer(.global, ["dns": ["rate": "1", "other": "1"]], final: ["dns.rate"]),
      layer(.region, word),
    ])
    let refusal = try #require(layers.refusals.first)
    #expect(layers.refusals.count == 1)
    #expect(refusal.final == "dns.rate" && refusal.pinnedBy == 0 && refusal.layer == 1)
    #expect(path == refusal.path || path.hasPrefix(refusal.path + "."))
    #expect(shown(layers.merged) == "{dns:{other:1,rate:1}}")
  }

  @Test func `beside what is final all may be said, and the layer itself and earlier ones say it`()
  {
    let layers = Layers([
      layer(.file, ["dns": ["rate": "0"]]),
      layer(.global, ["dns": ["rate": "1"]], final: ["dns.rate"]),
      layer(.region, ["dns": ["rates": "2", "other": "2"]]),
    ])
    #expect(layers.refusals.isEmpty)
    #expect(shown(layers.merged) == "{dns:{other:2,rate:1,rates:2}}")
  }

  @Test func `that there is nothing can be final too`() {
    let layers = Layers([
      layer(.global, [:], final: ["decision_log"]),
      layer(.node, ["decision_log": ["path": "/tmp/log"]]),
    ])
    #expect(layers.refusals.map(\.final) == ["decision_log"])
    #expect(shown(layers.merged) == "{}")
  }

  @Test func `a key without a value stands in a file, and takes away in what is laid over it`() {
    let file = layer(.file, ["regions": ["oslo": nil, "tokyo": nil]])
    #expect(shown(Layers([file]).merged) == "{regions:{oslo:null,tokyo:null}}")
    let node = layer(.node, ["regions": ["oslo": nil]])
    #expect(shown(Layers([file, node]).merged) == "{regions:{tokyo:null}}")
  }

  @Test func `keys with dots are found, and pinned`() {
    let layers = Layers([
      layer(.global, ["zones": ["example.org": ["ttl": "1"]]], final: ["zones.example.org"]),
      layer(.node, ["zones": ["example.org": ["ttl": "2"], "example.com": ["ttl": "3"]]]),
    ])
    #expect(layers.merged.at("zones.example.org.ttl")?.content == .text("1"))
    #expect(layers.merged.at("zones.example.com.ttl")?.content == .text("3"))
    #expect(layers.merged.at("zones.example") == nil)
    #expect(layers.refusals.count == 1)
  }

  @Test func `an explanation says the value, its layer, and what it hides`() throws {
    let layers = Layers([
      layer(.file, ["log": ["level": "info", "format": "text"]]),
      layer(.region, ["log": ["level": "warning"]]),
      layer(.flag, ["log": ["level": "debug"]]),
    ])
    let level = try #require(layers.explain("log.level").first)
    #expect(level.word == .init(layer: 2, line: nil, content: .text("debug")))
    #expect(level.hidden.map(\.layer) == [1, 0])
    #expect(layers.explain("log").map(\.path) == ["log.level", "log.format"])
    #expect(layers.explain("log").map { $0.word?.layer } == [2, 0])
    let absent = try #require(layers.explain("log.colour").first)
    #expect(absent.word == nil && absent.hidden.isEmpty)
  }

  @Test func `an explanation says who has taken a value away, and who has pinned one`() throws {
    let layers = Layers([
      layer(.file, ["a": "1", "b": "1"], final: ["b"]), layer(.node, ["a": nil]),
    ])
    let removed = try #require(layers.explain("a").first)
    #expect(removed.word == nil)
    #expect(removed.hidden.map(\.content) == [.nothing, .text("1")])
    #expect(layers.explain("b").first?.pinnedBy == 0)
  }

  @Test(arguments: 0..<1000 as Range<UInt64>)
  func `whatever later layers say, what is final stands as it stood`(_ seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let first = randomMapping(&generator)
    let paths = first.leaves().map(\.path).filter { !$0.isEmpty }
    guard let pinned = paths.randomElement(using: &generator) else { return }
    let later = (0..<3).map { _ in Layer(.node, tree: randomMapping(&generator)) }
    let layers = Layers([Layer(.global, tree: first, final: [pinned])] + later)
    let before = Layers([Layer(.global, tree: first)]).merged.at(pinned).map(shown)
    #expect(layers.merged.at(pinned).map(shown) == before, "seed \(seed): \(pinned)")
  }
}
