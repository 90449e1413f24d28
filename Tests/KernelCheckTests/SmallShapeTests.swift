import IsometryCore
import IsometryGraph
import IsometryNN
import IsometryReference
import TestSupport
import Testing

/// Every kernel family at sizes small enough for a simulator that checks each access:
/// scripts/check-kernels runs this suite on Oclgrind. On any other OpenCL device it is a quick test of
/// whole training steps.
@Suite struct SmallShapeTests {
  /// The OpenCL devices, with fusion and without.
  static let subjects = BackendUnderTest.all.filter { $0.backend.name.hasPrefix("opencl") }

  struct Step: Sendable, CustomStringConvertible {
    let description: String
    let network: ResidualNetwork
    let optimizer: StandardOptimizer
    let precision: DType
    /// How far losses may differ from the reference's in double precision.
    let tolerance: Double

    static let all = [
      Step(
        description: "normalized, basic blocks, clipped Nesterov",
        network: ResidualNetwork(
          widths: [4, 6], depths: [1, 1], activation: .relu, normalization: .batch,
          imageShape: [3, 5, 7]),
        optimizer: StandardOptimizer(
          .sgd(momentum: 0.9, nesterov: true), weightDecay: 5e-4, maximumGradientNorm: 1),
        precision: .float32, tolerance: 1e-4),
      Step(
        description: "bottlenecks with multipliers and convolutional skips, AdamW",
        network: ResidualNetwork(
          widths: [4, 5], depths: [1, 1], block: .bottleneck(expansion: 2), skip: .convolution,
          activation: .gelu, normalization: .none, traits: .multiplied,
          imageShape: [3, 6, 5]),
        optimizer: StandardOptimizer(
          .adam(beta1: 0.9, beta2: 0.99, epsilon: 1e-8, decoupled: true), weightDecay: 0.1),
        precision: .bfloat16, tolerance: 0.06),
      Step(
        description: "standardized weights, mixed",
        network: ResidualNetwork(
          widths: [4, 6], depths: [1, 1], normalization: .weight, imageShape: [3, 5, 7]),
        optimizer: StandardOptimizer(.sgd(momentum: 0.9, nesterov: true)), precision: .bfloat16,
        tolerance: 0.06),
      Step(
        description: "normalized, loss scaling, RMSProp",
        network: ResidualNetwork(
          widths: [8], depths: [1], activation: .tanh, normalization: .batch,
          imageShape: [3, 4, 4]),
        optimizer: StandardOptimizer(.rmsProp(alpha: 0.9, epsilon: 1e-8, momentum: 0.5)),
        precision: .float16, tolerance: 0.03),
    ]

    func configuration(_ precision: DType) -> TrainingGraph.Configuration {
      TrainingGraph.Configuration(
        batch: 3, precision: precision, optimizer: optimizer, labelSmoothing: 0.1,
        augmentation: .init(cropPadding: 1, flips: .random, cutout: 2, seed: 5),
        mixes: network.normalization == .weight)
    }
  }

  /// Channels in whole chunks of 8, which matrix units take.
  static let matrixUnitStep = Step(
    description: "convolutions on matrix units",
    network: ResidualNetwork(
      widths: [8, 16], depths: [1, 1], skip: .convolution, activation: .tanh, normalization: .none,
      imageShape: [3, 4, 3]),
    optimizer: StandardOptimizer(.sgd(momentum: 0, nesterov: false)), precision: .bfloat16,
    tolerance: 0.06)

  /// Convolutions that normalize what they load.
  static let normalizingMatrixUnitStep = Step(
    description: "normalized, on matrix units",
    network: ResidualNetwork(
      widths: [8, 16], depths: [1, 1], normalization: .batch, imageShape: [3, 4, 3]),
    optimizer: StandardOptimizer(.sgd(momentum: 0, nesterov: false)), precision: .bfloat16,
    tolerance: 0.06)

  @Test(arguments: BackendUnderTest.withMatrixUnits)
  func matrixUnits(subject: BackendUnderTest) throws {
    try trainingSteps(step: Self.matrixUnitStep, subject: subject)
    try trainingSteps(step: Self.normalizingMatrixUnitStep, subject: subject)
  }

  /// Tiles that also sum up for the normalization of what they make: rows that end within one, and
  /// channels that do not fill one.
  @Test(arguments: BackendUnderTest.withMatrixUnits)
  func statisticsOnMatrixUnits(subject: BackendUnderTest) throws {
    var experiment = Experiment(seed: 8, precision: .bfloat16)
    for (name, x, weight, stride) in [
      ("3×3", [3, 8, 5, 7], [24, 8, 3, 3], 1), ("1×1", [5, 16, 3, 5], [40, 16, 1, 1], 2),
    ] as [(String, Shape, Shape, Int)] {
      let inner = weight.elementCount(from: 1)
      let image = experiment.input("x \(name)", x)
      let kernel = experiment.input(
        "weight \(name)", weight, nil, .normal(deviation: 1 / Double(inner).squareRoot()))
      let y = experiment.graph.convolve(
        image, with: kernel, stride: stride, padding: weight[2] / 2)
      let scale = experiment.variable("scale \(name)", [weight[0]])
      let shift = experiment.variable("shift \(name)", [weight[0]])
      let result = experiment.graph.batchNormalization(y, scale: scale, shift: shift)
      for (what, value) in [
        ("mean", result.mean), ("variance", result.variance), ("normalized", result.y),
      ] {
        experiment.compare(
          "\(what) \(name)", value, Tolerance(.bfloat16, reduction: inner, roundings: 4))
      }
    }
    #expect(try experiment.disagreements(on: subject) == [])
  }

  @Test(arguments: Step.all, subjects)
  func trainingSteps(step: Step, subject: BackendUnderTest) throws {
    let found = try losses(step, on: subject, precision: step.precision)
    let expected = try losses(
      step, on: BackendUnderTest(backend: ReferenceBackend<Double>(), isFusing: false),
      precision: .float32)
    for (found, expected) in zip(found, expected) {
      #expect(abs(found - expected) < step.tolerance, "\(subject)")
    }
  }

  /// The losses of two training steps, and of one batch in evaluation mode after them.
  private func losses(
    _ step: Step, on subject: BackendUnderTest, precision: DType
  ) throws -> [Double] {
    let training = TrainingGraph(step.network, step.configuration(precision))
    let session = try subject.makeSession(for: training.graph)
    try training.writeInitialState(
      to: session, initializer: InitializerRegistry.make("he"), seed: 3)

    let shape = step.network.batchShape(3)
    func batch(_ number: Int) -> [String: HostTensor] {
      let bytes = (0..<shape.elementCount).map { UInt8(truncatingIfNeeded: 97 * ($0 + number)) }
      return [
        StepNames.images: HostTensor(TensorType(shape, .uint8), bytes: bytes),
        StepNames.labels: HostTensor([3], [1, Int32(number), 7]),
        StepNames.samples: HostTensor([2], [Int32(3 * number), 0]),
      ]
    }
    var losses: [Double] = []
    for number in 0..<2 {
      var inputs = batch(number)
      if step.configuration(precision).mixes {
        inputs[StepNames.mixing] = HostTensor([1], [0.3])
      }
      inputs[StepNames.schedule] = HostTensor([2], [0.01, Float(number + 1)])
      try session.run(inputs)
      losses.append(try session.read(output: StepNames.loss).scalar)
    }
    let evaluation = EvaluationGraph(step.network, batch: 3, precision: precision)
    let evaluating = try subject.makeSession(for: evaluation.graph, sharing: session)
    try evaluating.run(batch(2))
    return losses + [try evaluating.read(output: StepNames.loss).scalar]
  }

  /// What the networks above have no use for.
  @Test(arguments: subjects)
  func furtherOperations(subject: BackendUnderTest) throws {
    for precision in subject.supported([.float32, .bfloat16]) {
      var experiment = Experiment(seed: 7, precision: precision)
      for kind in [Pooling.Kind.max, .average] {
        let pooling = Pooling(kind, window: .init(3), stride: .init(2), padding: .init(1))
        let x = experiment.input("\(kind) x", [2, 5, 7, 6], nil, .quarters)
        let y = experiment.graph.pool(x, pooling)
        let dy = experiment.input("\(kind) dy", experiment.graph.shape(of: y), nil, .quarters)
        let gradients = experiment.graph.gradients(seeds: [(y, dy)], withRespectTo: [x])
        experiment.compare("\(kind) y", y, reduction: 9, roundings: 2)
        for gradient in gradients.compactMap({ $0 }) {
          experiment.compare("\(kind) dx", gradient, reduction: 9, roundings: 2)
        }
      }
      let a = experiment.input("a", [17, 9])
      let b = experiment.input("b", [9, 5])
      let product = experiment.graph.matrixMultiply(a, b)
      experiment.compare("product", product, reduction: 9)
      experiment.compare("sum", experiment.graph.sum(product), reduction: 17 * 5 * 9)
      experiment.compare("dot", experiment.graph.dot(a, a), reduction: 17 * 9)
      let (many, others) = (
        experiment.input("many", [3, 17, 9]), experiment.input("others", [3, 17, 5])
      )
      experiment.compare(
        "products", experiment.graph.matrixMultiply(many, others, transposeLeft: true),
        reduction: 17)
      for activation in [Activation.relu, .silu, .unitErf, .shiftedReLU, .selu] {
        let y = experiment.graph.activation(a, activation)
        experiment.compare(activation.name, y, roundings: 4)
      }
      #expect(try experiment.disagreements(on: subject) == [])
    }
  }

  @Test(arguments: subjects)
  func orthogonalUpdates(subject: BackendUnderTest) throws {
    var experiment = Experiment(seed: 8)
    let schedule = experiment.input("schedule", [2], .float32, .given([0.05, 3]))
    let update = OrthogonalUpdate(momentum: 0.6)
    // Parts of one group and of several, and an odd place in the directions.
    for shape in [[5, 3, 3, 3], [91, 101]] as [Shape] {
      let operands = (0..<2).map { number in
        (
          experiment.variable("parameter \(shape) \(number)", shape),
          experiment.input("gradient \(shape) \(number)", shape),
          experiment.variable("momentum \(shape) \(number)", shape)
        )
      }
      let directions = experiment.graph.append(
        .momentumDirections(update), operands.flatMap { [$1, $2] })[0]
      experiment.graph.append(
        .orthogonalUpdate(update, count: 2),
        [schedule, directions] + operands.flatMap { [$0, $1, $2] })
      for number in 0..<2 {
        experiment.compareVariable(
          "parameter \(shape) \(number)",
          Tolerance(.float32, reduction: shape.elementCount, roundings: 4))
      }
    }
    #expect(try experiment.disagreements(on: subject) == [])
  }

  @Test(arguments: subjects)
  func adaptiveClipping(subject: BackendUnderTest) throws {
    var experiment = Experiment(seed: 9)
    let shapes = [[17, 3, 3, 3], [3, 300], [5]] as [Shape]
    let operands = shapes.flatMap { shape in
      [
        experiment.variable("parameter \(shape)", shape),
        experiment.input("gradient \(shape)", shape, nil, .normal(deviation: 0.1)),
      ]
    }
    let results = experiment.graph.append(.adaptiveClip(AdaptiveClip(share: 0.1)), operands)
    for (shape, result) in zip(shapes, results) {
      experiment.compare("clipped \(shape)", result, reduction: 300, roundings: 3)
    }
    #expect(try experiment.disagreements(on: subject) == [])
  }
}
