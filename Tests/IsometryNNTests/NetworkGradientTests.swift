import IsometryCore
import IsometryGraph
import IsometryNN
import IsometryReference
import Testing

/// Gradients of whole small networks in double precision, against central differences of the loss
/// along one random direction in the space of all parameters.
@Suite struct NetworkGradientTests {
  struct Case: Sendable, CustomStringConvertible {
    let description: String
    let network: any Network
    let mode: NetworkBuilder.Mode

    static let all: [Case] = [
      residual("type B, batch statistics", .silu, .batch, .training),
      residual("type B, frozen statistics", .tanh, .batch, .evaluation),
      residual("type B, multipliers", .gelu, .none, .training, multipliers: true),
      residual("type B, standardized weights", .gelu, .weight, .training, multipliers: true),
      residual(
        "type C, standardized weights", .relu, .weight, .evaluation, .bottleneck(expansion: 2)),
      residual("type C, bottleneck", .relu, .batch, .training, .bottleneck(expansion: 2)),
      residual(
        "type C, bottleneck, multipliers", .softplus, .none, .training,
        .bottleneck(expansion: 2), multipliers: true),
      Case(
        description: "scalar biases, scaled sums, windows",
        network: ResidualNetwork(
          widths: [4, 6], depths: [2, 1], activation: .silu, normalization: .none,
          traits: BlockTraits(
            hasMultiplier: true, hasScalarBiases: true, sumFactor: 0.7, stridedSkip: .window),
          imageShape: [3, 6, 4]),
        mode: .training),
      Case(
        description: "speedrun, batch statistics",
        network: SpeedrunNetwork(widths: [4, 5], imageShape: [2, 10, 9]), mode: .training),
      Case(
        description: "speedrun without normalization",
        network: SpeedrunNetwork(widths: [4, 5], normalization: .none, imageShape: [2, 9, 12]),
        mode: .training),
      Case(
        description: "perceptron, batch statistics",
        network: MultilayerPerceptron(
          depth: 3, width: 7, activation: .unitErf, normalization: .batch, imageShape: [3, 2, 3]),
        mode: .training),
      Case(
        description: "residual perceptron",
        network: UniformResidualNetwork(
          .dense, depth: 4, width: 7, skipWeight: 0.8, activation: .selu, traits: .multiplied,
          imageShape: [3, 2, 3]),
        mode: .training),
    ]

    private static func residual(
      _ description: String, _ activation: Activation, _ normalization: NormalizationKind,
      _ mode: NetworkBuilder.Mode, _ block: BlockKind = .basic, multipliers: Bool = false
    ) -> Case {
      let network = ResidualNetwork(
        widths: [4, 6], depths: [1, 1], block: block,
        skip: description.hasPrefix("type C") ? .convolution : .identity, activation: activation,
        normalization: normalization, traits: BlockTraits(hasMultiplier: multipliers),
        imageShape: [3, 5, 6])
      return Case(description: description, network: network, mode: mode)
    }
  }

  @Test(arguments: Case.all)
  func gradientsAreThoseOfTheLoss(subject: Case) throws {
    let network = subject.network
    let batch = 3
    var builder = network.makeBuilder(precision: .float64, mode: subject.mode)
    let x = builder.graph.input("x", network.batchShape(batch), .float64)
    let labels = builder.graph.input("labels", [batch], .int32)
    let values = network.append(x, to: &builder)
    let loss = builder.graph.softmaxCrossEntropy(
      values.logits, labels: labels, labelSmoothing: 0.1
    ).loss
    let parameters = builder.layout.parameters
    let variables = parameters.compactMap { builder.graph.source(named: $0.name) }
    let gradients = builder.graph.gradients(of: loss, withRespectTo: variables)
    builder.graph.output("loss", loss)
    for (parameter, gradient) in zip(parameters, gradients) {
      builder.graph.output("gradient of " + parameter.name, try #require(gradient))
    }
    let session = try ReferenceBackend<Double>().makeSession(for: builder.graph)

    var random = RandomStream(seed: 21)
    var point = try InitializerRegistry.make("he").values(for: builder.layout, seed: 9)
    var direction: [String: [Double]] = [:]
    for parameter in parameters {
      let count = parameter.shape.elementCount
      // Off the neutral values, so that no term vanishes.
      point[parameter.name] = zip(try #require(point[parameter.name]), random.normals(count)).map {
        $0 + 0.1 * $1
      }
      direction[parameter.name] = random.normals(count)
    }
    // Batch statistics make the running ones dead, and simplification drops them.
    for statistic in builder.layout.statistics where subject.mode == .evaluation {
      let elements = (0..<statistic.shape.elementCount).map { _ in 0.5 + random.uniform() }
      try session.write(
        HostTensor(statistic.shape, elements, as: .float64), toVariable: statistic.name)
    }
    let inputs = [
      "x": HostTensor(
        network.batchShape(batch), random.normals(network.batchShape(batch).elementCount),
        as: .float64),
      "labels": HostTensor([batch], [3, 0, 7] as [Int32]),
    ]
    func step(_ offset: Double) throws -> Double {
      for parameter in parameters {
        let elements = zip(point[parameter.name]!, direction[parameter.name]!).map {
          $0 + offset * $1
        }
        try session.write(
          HostTensor(parameter.shape, elements, as: .float64), toVariable: parameter.name)
      }
      try session.run(inputs)
      return try session.read(output: "loss").scalar
    }

    _ = try step(0)
    var slope = 0.0
    for parameter in parameters {
      let gradient = try session.read(output: "gradient of " + parameter.name).doubles
      #expect(gradient.contains { $0 != 0 }, "\(parameter.name)")
      slope += zip(gradient, direction[parameter.name]!).map { $0 * $1 }.reduce(0, +)
    }
    let offset = 1e-5
    let difference = (try step(offset) - step(-offset)) / (2 * offset)
    #expect(abs(difference - slope) < 1e-6 * max(1, abs(slope)), "\(difference) and \(slope)")
  }
}
