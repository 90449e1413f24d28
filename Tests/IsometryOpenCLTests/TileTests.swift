import Foundation
import IsometryCore
import IsometryGraph
import IsometryReference
import OpenCLRuntime
import TestSupport
import Testing

@testable import IsometryLowering
@testable import IsometryOpenCL

private let device = (try? Device.all())?.first

/// Tiles that launches can have, and tables that choose among them.
@Suite(.serialized) struct TileTests {
  /// Every kind of site with a tile: odd extents, strides, rims, biases and a transposed operand.
  /// Channels and filters are whole chunks, as matrix units need them.
  private static func graph(_ dtype: DType) -> Graph {
    var graph = Graph()
    let x = graph.input("x", [3, 24, 9, 7], dtype)
    let dy = graph.input("dy", [3, 40, 5, 4], dtype)
    let (a, b) = (graph.input("a", [56, 40], dtype), graph.input("b", [40, 72], dtype))
    let (weight, bias) = (graph.variable("weight", [40, 24, 3, 3]), graph.variable("bias", [40]))
    let y = graph.activation(
      graph.biasAdd(
        graph.convolve(x, with: graph.cast(weight, to: dtype), stride: 2, padding: 1), bias),
      .tanh)
    graph.output("y", y)
    for (name, gradient) in zip(
      ["dx", "dw", "db"], graph.gradients(seeds: [(y, dy)], withRespectTo: [x, weight, bias]))
    {
      graph.output(name, gradient!)
    }
    let normalized = graph.activation(
      graph.batchNormalization(
        x, scale: graph.variable("scale", [24]), shift: graph.variable("shift", [24])
      ).y, .relu)
    let z = graph.convolve(
      normalized, with: graph.cast(weight, to: dtype), stride: 2, padding: 1)
    graph.output("z", z)
    graph.output(
      "dw of z", graph.gradients(seeds: [(z, dy)], withRespectTo: [weight])[0]!)
    let product = graph.matrixMultiply(a, b)
    graph.output("ab", product)
    graph.output("transposed", graph.matrixMultiply(product, a, transposeLeft: true))
    return graph
  }

  private static func results(_ session: any Session) throws -> [String: [Double]] {
    var random = RandomStream(seed: 3)
    for (name, value) in session.graph.variables {
      let shape = session.graph.shape(of: value)
      try session.write(
        HostTensor(shape, random.normals(shape.elementCount).map { 0.1 * $0 }, as: .float32),
        toVariable: name)
    }
    var inputs: [String: HostTensor] = [:]
    for (name, value) in session.graph.inputs {
      let type = session.graph.type(of: value)
      inputs[name] = HostTensor(
        type.shape, random.normals(type.shape.elementCount), as: type.dtype)
    }
    try session.run(inputs)
    var results: [String: [Double]] = [:]
    for output in session.graph.outputs {
      results[output.name] = try session.read(output: output.name).doubles
    }
    return results
  }

  struct Kind: Sendable, CustomTestStringConvertible {
    let dtype: DType
    let units: MatrixUnitUse
    var testDescription: String { "\(dtype) \(units)" }
  }

  /// All that can be chosen is right, and only the parts of weight gradients change a bit.
  @Test(
    .enabled(if: device != nil, "no OpenCL device on this machine"),
    arguments: [
      Kind(dtype: .float32, units: .off),
      Kind(dtype: .bfloat16, units: .emulated),
    ])
  func everyCandidateIsRight(kind: Kind) throws {
    let backend = try OpenCLBackend(
      #require(device), number: 0, options: OpenCLOptions.forTests(matrixUnits: kind.units))
    var traits = backend.traits(for: Self.graph(kind.dtype))
    traits.prologueLeastChannels = 1
    let graph = Self.graph(kind.dtype).optimized(for: traits)
    let takesPrologues = !traits.prologueTypes.isEmpty
    let expected = try Self.results(ReferenceBackend<Double>().bind(graph, sharing: nil))
    let untuned = try backend.bind(graph, sharing: nil)
    let plain = try Self.results(untuned)
    let places = try backend.tileCandidates(of: graph)
    // With prologues a convolution of the same sizes is another site.
    #expect(places.count == (takesPrologues ? 7 : 5))
    #expect(places.allSatisfy { $0.tiles.count >= 10 && Set($0.tiles).count == $0.tiles.count })
    let parts = Dictionary(
      places.compactMap { place in place.tiles[0].sizes["parts"].map { (place.site, $0) } },
      uniquingKeysWith: { first, _ in first })
    // Compiling takes most of the time.
    let isThorough = ProcessInfo.processInfo.environment["ISOMETRY_SLOW_TESTS"] != nil
    for number in stride(
      from: 1, to: places.map(\.tiles.count).max()!, by: isThorough ? 1 : 6)
    {
      // Each place has its number-th tile, as long as it has so many.
      let tiles = Dictionary(
        uniqueKeysWithValues: places.map { ($0.site, $0.tiles[number % $0.tiles.count]) })
      let session = try backend.bind(graph, sharing: nil, tiles: tiles)
      let use = try #require(session.report.tiles)
      #expect(use.sites == places.count && use.tuned == places.count)
      let found = try Self.results(session)
      for (name, numbers) in found {
        let wrong = Tolerance(kind.dtype, reduction: 400, roundings: 4).deviation(
          of: numbers, from: expected[name]!)
        #expect(wrong == nil, "\(name) \(tiles)")
        if !["dw", "db", "dw of z"].contains(name) {
          #expect(numbers == plain[name], "\(name) has other bits with \(tiles)")
        }
      }
      let isSplitAlike = parts.allSatisfy { tiles[$0.key]?.sizes["parts"] == $0.value }
      if isSplitAlike { #expect(found["dw"] == plain["dw"]) }
      if use.sums == untuned.report.tiles?.sums { #expect(found == plain, "\(tiles)") }
    }
  }

  @Test func tablesChooseAmongWhatAPlaceCanHave() throws {
    let graph = SmallStep.graph()
    func plan(_ tiles: TileTable) -> Lowering {
      var lowering = Lowering(
        graph, LoweringOptions(tiles: tiles), layouts: LayoutAssignment(graph, variables: [:]))
      _ = lowering.plan()
      return lowering
    }
    let plain = plan([:])
    #expect(plain.tiles.use.tuned == 0)
    let place = try #require(
      plain.tiles.choices.first { $0.site.kernel == "convolutionWeightGradient" })
    let tiles = place.candidates()
    let split = try #require(
      tiles.first { $0.sizes["parts"] != tiles[0].sizes["parts"] })
    let use = plan([place.site: split]).tiles.use
    #expect(
      use.tuned == 1 && use.sums != plain.tiles.use.sums && use.sites == plain.tiles.choices.count)
    // Chosen, but as without a table.
    let same = plan([place.site: tiles[0]]).tiles.use
    #expect(same.tuned == 1 && same.sums == plain.tiles.use.sums)
    // What a damaged or foreign table may say.
    let foreign = Tile(tiles[0].sizes.merging(["rows": 13]) { $1 })
    #expect(plan([place.site: foreign]).tiles.use.tuned == 0)
  }

  @Test(.enabled(if: device != nil, "no OpenCL device on this machine"))
  func aDeviceAsksForItsTilesOnce() throws {
    var options = OpenCLOptions()
    let asked = Asked()
    options.tiles = { key in
      asked.add(key)
      return [:]
    }
    let backend = try OpenCLBackend(#require(device), number: 0, options: options)
    for _ in 0..<2 { _ = try backend.makeSession(for: SmallStep.built()) }
    #expect(asked.keys == [backend.tileKey])
    #expect(backend.tileKey.device == device?.name)
  }

  private final class Asked: @unchecked Sendable {
    private(set) var keys: [TileKey] = []
    func add(_ key: TileKey) { keys.append(key) }
  }
}
