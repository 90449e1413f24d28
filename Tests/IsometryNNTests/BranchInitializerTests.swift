import IsometryCore
import IsometryGraph
import IsometryNN
import IsometryReference
import Testing

/// Initializers that change what is around the weights: where branches start, and what scales them.
@Suite struct BranchInitializerTests {
  private func network(
    _ text: String, skip: SkipKind = .identity, widths: [Int] = [8], depths: [Int] = [3],
    block: BlockKind = .basic, normalization: NormalizationKind = .none
  ) throws -> ResidualNetwork {
    ResidualNetwork(
      widths: widths, depths: depths, block: block, skip: skip, normalization: normalization,
      traits: try InitializerRegistry.make(text).blockTraits, imageShape: [3, 6, 6])
  }

  /// What each block gives for four random images.
  private func blocks(of network: some Network, _ text: String) throws -> [[Double]] {
    var builder = network.makeBuilder(precision: .float64, mode: .evaluation)
    let x = builder.graph.input("x", network.batchShape(4), .float64)
    for (index, value) in network.append(x, to: &builder).blocks.enumerated() {
      builder.graph.output("block \(index)", value)
    }
    let session = try ReferenceBackend<Double>().makeSession(for: builder.graph)
    let initializer = try InitializerRegistry.make(text)
    try builder.layout.writeInitialState(to: session, initializer: initializer, seed: 6)
    let shape = network.batchShape(4)
    try session.run([
      "x": HostTensor(shape, RandomStream.image(shape.elementCount, seed: 3), as: .float64)
    ])
    return try builder.layout.blocks.map {
      try session.read(output: "block \($0.index)").doubles
    }
  }

  @Test(arguments: [
    ("fixup", NormalizationKind.none), ("skipinit", .none), ("rezero", .none), ("rezero", .batch),
    ("zero-gamma", .batch),
  ])
  func identitySkipsPassAllOn(text: String, normalization: NormalizationKind) throws {
    let blocks = try blocks(of: network(text, normalization: normalization), text)
    #expect(blocks[0].contains { $0 > 0.1 })
    #expect(blocks[1] == blocks[0] && blocks[2] == blocks[0])
  }

  /// A scale of 0 has a gradient where nothing is activated behind it, and with the scale the branch has.
  @Test func theBranchesOfZeroGammaLearn() throws {
    let network = try network("zero-gamma", normalization: .batch)
    let training = TrainingGraph(
      network,
      .init(
        batch: 4, precision: .float64,
        optimizer: StandardOptimizer(.sgd(momentum: 0, nesterov: false))))
    let session = try ReferenceBackend<Double>().makeSession(for: training.graph)
    try training.writeInitialState(
      to: session, initializer: InitializerRegistry.make("zero-gamma"), seed: 6)
    let shape = network.batchShape(4)
    let pixels = (0..<shape.elementCount).map {
      UInt8(truncatingIfNeeded: 97 * $0 + 31 * ($0 >> 3))
    }
    func step() throws {
      try session.run([
        StepNames.images: HostTensor(TensorType(shape, .uint8), bytes: pixels),
        StepNames.labels: HostTensor([4], [0, 3, 6, 9] as [Int32]),
        StepNames.samples: HostTensor([2], [0, 0] as [Int32]),
        StepNames.schedule: HostTensor([2], [0.1, 1] as [Float]),
      ])
    }
    func elements(_ name: String) throws -> [Double] { try session.read(variable: name).doubles }
    let weight = try elements("body.1.conv1.weight")
    for index in 0..<3 { #expect(try elements("body.\(index).bn2.weight").allSatisfy { $0 == 0 }) }
    try step()
    for index in 0..<3 { #expect(try elements("body.\(index).bn2.weight").contains { $0 != 0 }) }
    try step()
    #expect(try elements("body.1.conv1.weight") != weight)
  }

  /// The branches of resmlp and resconv end with their activation: ReLU would stop them for ever.
  @Test func zeroGammaIsForSumsThatAreActivated() throws {
    for model in ["resmlp:2x8", "resconv:2x8", "mlp:2x8"] {
      let layout = try ModelSpecification(model).network(NetworkOptions(normalization: .batch))
        .layout
      let error = #expect(throws: InitializationError.self) {
        try InitializerRegistry.make("zero-gamma").check(layout)
      }
      guard case .condition(_, _, let remedy) = error else { continue }
      #expect(remedy.description.contains("resnet") && !remedy.description.contains("resmlp"))
    }
  }

  @Test func skipInitTakesOtherMultipliers() throws {
    let layout = try network("skipinit").layout
    func multiplier(_ text: String) throws -> [Double]? {
      try InitializerRegistry.make(text).values(for: layout, seed: 1)["body.1.branch_multiplier"]
    }
    #expect(try multiplier("skipinit") == [0])
    #expect(try multiplier("skipinit:alpha=0.25") == [0.25])
    #expect(try multiplier("skipinit:alpha=depth") == [1 / 3.0.squareRoot()])
  }

  @Test(arguments: [BlockKind.basic, .bottleneck(expansion: 4)])
  func fixupScalesByDepthAndLayersOfABranch(block: BlockKind) throws {
    let network = try network("fixup", widths: [32], depths: [5], block: block)
    let values = try InitializerRegistry.make("fixup").values(for: network.layout, seed: 3)
    func meanSquare(_ parameter: Parameter) -> Double {
      values[parameter.name]!.map { $0 * $0 }.reduce(0, +) / Double(parameter.shape.elementCount)
    }
    // B^(−1/2) for two layers, B^(−1/4) for three; variances are their squares.
    let factor = block == .basic ? 1 / 5.0 : 1 / 5.0.squareRoot()
    for block in network.layout.blocks {
      for layer in block.branch.dropLast() {
        let expected = factor * 2 / Double(layer.weight.fanOut)
        let error = (2 / Double(layer.weight.shape.elementCount)).squareRoot()
        #expect(abs(meanSquare(layer.weight) / expected - 1) < 5 * error)
      }
      #expect(meanSquare(block.branch[block.branch.count - 1].weight) == 0)
    }
    #expect(values["head.weight"]!.allSatisfy { $0 == 0 })
  }

  /// 2/fan_out, within five standard errors.
  @Test func fixupLeavesStemAndLearnedSkipsAsHes() throws {
    let layout = try network("fixup", skip: .convolution, widths: [32, 48], depths: [2, 1]).layout
    let values = try InitializerRegistry.make("fixup").values(for: layout, seed: 3)
    let skips = layout.blocks.compactMap { block -> Parameter? in
      if case .projection(let layer) = block.skip { layer.weight } else { nil }
    }
    #expect(skips.count == 3)
    for weight in try [#require(layout.stem).weight] + skips {
      let elements = try #require(values[weight.name])
      let count = Double(elements.count)
      let square = elements.reduce(0) { $0 + $1 * $1 } / count
      let error = 5 * (2 / count).squareRoot()
      #expect(abs(square * Double(weight.fanOut) / 2 - 1) < error, "\(weight.name)")
    }
  }

  /// Learned scalars: before and behind every weight of a branch but its last, whose offset is behind
  /// the multiplier; behind the stem; before the head; and no bias but the head's.
  @Test func fixupHasScalarsInPlaceOfBiases() throws {
    let layout = try network("fixup", depths: [1]).layout
    #expect(
      layout.parameters.map(\.name) == [
        "stem.weight", "stem_bias", "body.0.conv1_bias_before", "body.0.conv1.weight",
        "body.0.conv1_bias_behind", "body.0.conv2_bias_before", "body.0.conv2.weight",
        "body.0.branch_multiplier", "body.0.branch_bias", "head_bias", "head.weight", "head.bias",
      ])
    #expect(layout.parameters.filter(\.role.isScalar).allSatisfy { $0.shape == [1] })
  }

  @Test func fixupScalarsLearnAtATenthOfTheRate() throws {
    let initializer = try InitializerRegistry.make("fixup")
    var optimizer = StandardOptimizer.default
    optimizer.scalarLearningRate = initializer.scalarLearningRate
    let training = TrainingGraph(
      try network("fixup"), TrainingGraph.Configuration(batch: 2, optimizer: optimizer))
    let updates = training.graph.nodes.compactMap { node -> Update? in
      if case .update(let update) = node.operation { update } else { nil }
    }
    let scales = updates.flatMap { $0.parameters.map(\.learningRateScale) }
    let scalars = training.layout.parameters.filter(\.role.isScalar).count
    #expect(scalars > 0 && scales.count == training.layout.parameters.count)
    #expect(scales.filter { $0 == 0.1 }.count == scalars)
    #expect(scales.filter { $0 == 1 }.count == scales.count - scalars)
  }

  /// The weights are He's, so that one block gives √½ of what it gives with them alone.
  @Test func normPreservingSumsAreTimesTheRootOfAHalf() throws {
    let plain = try blocks(of: network("he", depths: [1]), "he")[0]
    let scaled = try blocks(of: network("norm-preserving", depths: [1]), "norm-preserving")[0]
    #expect(plain.contains { $0 > 0.1 })
    for (x, y) in zip(plain, scaled) { #expect(abs(y - 0.5.squareRoot() * x) < 1e-12) }
  }

  /// The mean square behind every block stays where it is, within what 64 channels allow; without the
  /// factor it would double each time.
  @Test(arguments: SkipKind.allCases)
  func normPreservingSumsKeepTheMeanSquare(skip: SkipKind) throws {
    let network = try network("norm-preserving", skip: skip, widths: [64], depths: [5])
    let squares = try blocks(of: network, "norm-preserving").map { block in
      block.map { $0 * $0 }.reduce(0, +) / Double(block.count)
    }
    for (before, after) in zip(squares, squares.dropFirst()) {
      #expect((0.6...1.6).contains(after / before))
    }
  }

  @Test func conditionsAreExplained() throws {
    func reason(_ text: String, _ network: some Network) -> String? {
      do {
        try InitializerRegistry.make(text).check(network.layout)
        return nil
      } catch {
        return "\(error)"
      }
    }
    let perceptron = MultilayerPerceptron(depth: 2, width: 8)
    for text in ["fixup", "skipinit", "norm-preserving"] {
      let normalized = try network(text, normalization: .batch)
      #expect(reason(text, normalized)?.contains("normalization none") == true)
      #expect(reason(text, perceptron)?.contains("resnet") == true)
    }
    for text in ["norm-preserving", "zero-gamma"] {
      let activated = UniformResidualNetwork(
        .dense, depth: 2, width: 8, normalization: text == "zero-gamma" ? .batch : .none)
      #expect(reason(text, activated)?.contains("choose a resnet model") == true)
    }
    #expect(reason("rezero", perceptron)?.contains("resnet") == true)
    #expect(reason("zero-gamma", try network("he"))?.contains("normalization batch") == true)
  }

  /// The forms of blocks that a model cannot have are refused by name.
  @Test func traitsThatAModelCannotHaveAreErrors() throws {
    for (model, text) in [("mlp:2x8", "rezero"), ("resmlp:2x8", "fixup")] {
      let options = NetworkOptions(traits: try InitializerRegistry.make(text).blockTraits)
      #expect(throws: ModelError.self) { try ModelSpecification(model).network(options) }
    }
  }
}
