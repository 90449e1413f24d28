import Foundation
import IsometryCore
import IsometryGraph
import IsometryNN
import Testing

@Suite struct NetworkTests {
  /// Counts from PyTorch 2.15 for the peer's networks: with Batch Normalization, and without.
  @Test(arguments: [
    ("resnet20", 272_474, 271_690), ("resnet32", 466_906, 465_674), ("resnet44", 661_338, 659_658),
    ("resnet56", 855_770, 853_642), ("resnet110", 1_730_714, 1_726_570),
    ("resnet18", 11_173_962, 11_169_162), ("resnet34", 21_282_122, 21_273_610),
    ("resnet50", 23_520_842, 23_494_282), ("resnet101", 42_512_970, 42_460_298),
  ])
  func parameterCountsArePyTorchs(name: String, normalized: Int, plain: Int) throws {
    let model = try ModelSpecification(name)
    #expect(try model.network(.init(normalization: .batch)).layout.parameterCount == normalized)
    #expect(try model.network(.init(normalization: .none)).layout.parameterCount == plain)
  }

  /// Depths beyond PyTorch's fixtures: every further block of each stage adds as many parameters as from
  /// ResNet-20 to ResNet-32. He et al. (2015) give ResNet-1202 19.4 million.
  @Test(arguments: [
    ("resnet8", 78_042, 77_706), ("resnet326", 5_230_490, 5_218_282),
    ("resnet1202", 19_424_026, 19_379_114),
  ])
  func everyBlockAddsTheSame(name: String, normalized: Int, plain: Int) throws {
    let model = try ModelSpecification(name)
    #expect(try model.network(.init(normalization: .batch)).layout.parameterCount == normalized)
    #expect(try model.network(.init(normalization: .none)).layout.parameterCount == plain)
  }

  @Test func namesAndShapesArePyTorchs() throws {
    let fixtures = try StateDictionaryFixture.all()
    #expect(fixtures.count == 6)
    for fixture in fixtures {
      let options = NetworkOptions(normalization: fixture.normalization)
      let layout = try ModelSpecification(fixture.model).network(options).layout
      let parameters = layout.parameters.map { ($0.name, $0.shape) }
      let statistics = layout.statistics.map { ($0.name, $0.shape) }
      let shapes = Dictionary(uniqueKeysWithValues: parameters + statistics)
      #expect(shapes == Dictionary(uniqueKeysWithValues: fixture.entries), "\(fixture.model)")
      let learned = fixture.entries.map(\.0).filter { !$0.contains("running_") }
      #expect(layout.parameters.map(\.name) == learned, "the order of parameters()")
    }
  }

  @Test func perceptronsHaveTheLayersOfTheirNames() throws {
    let plain = try ModelSpecification("mlp:3x20").network().layout
    #expect(plain.layers.count == 4)
    #expect(plain.parameterCount == 3072 * 20 + 20 + 2 * (20 * 20 + 20) + 20 * 10 + 10)
    #expect(plain.stem?.weight.name == "layers.0.weight")
    #expect(plain.blocks.isEmpty)

    let options = NetworkOptions(normalization: .batch, skipWeight: 0.9)
    let residual = try ModelSpecification("resmlp:5x20").network(options).layout
    #expect(residual.blocks.count == 5)
    #expect(residual.blocks.allSatisfy { $0.skip == .scaled(0.9) && $0.form == .activatedBranch })
    #expect(residual.parameterCount == 3072 * 20 + 5 * 400 + 6 * 40 + 20 * 10 + 10)
    #expect(residual.statistics.count == 12)
  }

  /// The names and the order are those of Benchmarks/peers/pytorch_speedrun.py.
  @Test func theSpeedrunNetworkHasItsLayers() throws {
    let options = NetworkOptions(normalization: .batch, traits: BlockTraits(hasFixedStem: true))
    let layout = try ModelSpecification("speedrun").network(options).layout
    #expect(layout.activation == .gelu)
    #expect(
      layout.parameters.prefix(8).map(\.name) == [
        "stem.weight", "stem.bias", "groups.0.conv1.weight", "groups.0.norm1.weight",
        "groups.0.norm1.bias", "groups.0.conv2.weight", "groups.0.norm2.weight",
        "groups.0.norm2.bias",
      ])
    #expect(layout.parameters.last?.name == "head.weight")
    let fixed = layout.parameters.filter { !$0.trains }
    #expect(fixed.count == 7)
    #expect(fixed.allSatisfy { $0.role == .normalizationScale || $0.name == "stem.weight" })
    let weights =
      9 * (24 * 64 + 64 * 64 + 64 * 256 + 256 * 256 + 256 * 256 + 256 * 256) + 2560
    #expect(layout.parameterCount == weights + 24 + 2 * (64 + 256 + 256))
    #expect(layout.layers.map(\.imageSize) == [31, 31, 15, 15, 7, 7, 3].map { [$0, $0] } + [[]])
    #expect(layout.segments.count == 7)

    let plain = try ModelSpecification("speedrun:4x6x8").network().layout
    #expect(plain.parameters.allSatisfy { $0.trains })
    #expect(plain.parameters.filter { $0.role == .bias }.count == 7)
    #expect(plain.head?.bias == nil && plain.head?.weight.shape == [10, 8])
  }

  @Test func fansCountTheWeightsOfOneElement() throws {
    let layout = ResidualNetwork(widths: [16, 32], depths: [1, 1], normalization: .none).layout
    let convolution = try #require(layout.parameter(named: "body.1.conv1.weight"))
    #expect(convolution.shape == [32, 16, 3, 3])
    #expect(convolution.fanIn == 16 * 9 && convolution.fanOut == 32 * 9)
    #expect(convolution.block == 1)
    let head = try #require(layout.parameter(named: "head.weight"))
    #expect(head.fanIn == 32 && head.fanOut == 10 && head.block == nil)
  }

  @Test func convolutionalSkipsAreInEveryBlock() throws {
    let options = NetworkOptions(normalization: .batch, skip: .convolution)
    let layout = try ModelSpecification("resnet20").network(options).layout
    for block in layout.blocks {
      guard case .projection(let layer) = block.skip else {
        Issue.record("block \(block.index) has no convolutional skip")
        continue
      }
      #expect(layer.weight.name == "body.\(block.index).skip.0.weight")
      #expect(layer.weight.shape.dimensions.suffix(2) == [1, 1])
      #expect(layer.normalization?.scale.name == "body.\(block.index).skip.1.weight")
      #expect(layer.stride == block.branch[0].stride)
    }
  }

  @Test func multipliersBelongToTheirBlocks() throws {
    let network = ResidualNetwork(
      widths: [8], depths: [2], normalization: .none, traits: .multiplied)
    let multipliers = network.layout.blocks.compactMap(\.multiplier)
    #expect(multipliers.map(\.name) == ["body.0.branch_multiplier", "body.1.branch_multiplier"])
    #expect(multipliers.map(\.block) == [0, 1])
    #expect(multipliers.allSatisfy { $0.shape == [1] && $0.role == .branchMultiplier })
  }

  @Test func valuesAreThoseOfTheNetwork() {
    let network = ResidualNetwork(
      widths: [4, 8], depths: [2, 1], imageShape: [3, 9, 7], classes: 5)
    var builder = network.makeBuilder(precision: .bfloat16, mode: .evaluation)
    let x = builder.graph.input("x", network.batchShape(2), .bfloat16)
    let values = network.append(x, to: &builder)
    let graph = builder.graph
    #expect(values.blocks.count == 3)
    #expect(graph.type(of: values.blocks[0]) == TensorType([2, 4, 9, 7], .bfloat16))
    #expect(graph.type(of: values.features) == TensorType([2, 8, 5, 4], .bfloat16))
    #expect(graph.type(of: values.pooled) == TensorType([2, 8], .bfloat16))
    #expect(graph.type(of: values.logits) == TensorType([2, 5], .float32))
  }

  @Test func modelNamesAreReadAndWritten() throws {
    for text in [
      "resnet20", "resnet101", "mlp:20x400", "resmlp:1x1", "speedrun", "speedrun:8x16x16",
    ] {
      #expect(try ModelSpecification(text).description == text)
    }
    #expect(throws: ModelError.unknownModel("resnet21")) { try ModelSpecification("resnet21") }
    #expect(throws: ModelError.unknownModel("")) { try ModelSpecification("") }
    for text in [
      "mlp", "mlp:", "mlp:3", "mlp:0x4", "mlp:3x4x5", "resmlp:3x-4", "mlp:axb", "speedrun:8x8",
    ] {
      #expect(throws: ModelError.malformedSize(text)) { try ModelSpecification(text) }
    }
    #expect(ModelError.unknownModel("vgg").description.contains("resnet20, resnet32"))
  }

  @Test func optionsThatAModelHasNoUseForAreErrors() throws {
    func expectInapplicable(_ model: String, _ options: NetworkOptions) {
      #expect(throws: ModelError.self) { try ModelSpecification(model).network(options) }
    }
    expectInapplicable("mlp:2x8", NetworkOptions(skip: .identity))
    expectInapplicable("mlp:2x8", NetworkOptions(traits: .multiplied))
    expectInapplicable("resmlp:2x8", NetworkOptions(skip: .convolution))
    expectInapplicable("resnet20", NetworkOptions(skipWeight: 0.5))
    expectInapplicable("resnet20", NetworkOptions(traits: BlockTraits(hasFixedStem: true)))
    expectInapplicable("speedrun", NetworkOptions(skip: .identity))
    expectInapplicable("speedrun", NetworkOptions(traits: .multiplied))
  }
}

/// The names and shapes of PyTorch's `state_dict`s, from scripts/reference/network_names.py.
struct StateDictionaryFixture {
  let model: String
  let normalization: NormalizationKind
  var entries: [(String, Shape)] = []

  static func all() throws -> [StateDictionaryFixture] {
    let folder = URL(filePath: #filePath).deletingLastPathComponent()
    let file = folder.appending(path: "Fixtures/state_dicts.txt")
    var fixtures: [StateDictionaryFixture] = []
    for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n") {
      let words = line.split(separator: " ").map(String.init)
      if words[0] == "#" { continue }
      if words[0] == "model" {
        let normalization = try #require(NormalizationKind(rawValue: words[2]))
        fixtures.append(StateDictionaryFixture(model: words[1], normalization: normalization))
      } else {
        let shape = Shape(words[1].split(separator: "x").compactMap { Int($0) })
        fixtures[fixtures.count - 1].entries.append((words[0], shape))
      }
    }
    return fixtures
  }
}
