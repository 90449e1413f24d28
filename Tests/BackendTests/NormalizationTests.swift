import IsometryCore
import IsometryGraph
import TestSupport
import Testing

@Suite struct NormalizationTests {
  static let sizes: [Shape] = [
    [5, 1], [7, 3], [16, 33], [128, 10], [5, 1, 1, 1], [2, 3, 5, 7], [1, 17, 8, 8], [5, 5, 9, 9],
    [2, 33, 3, 3], [4, 16, 32, 32], [3, 64, 8, 8], [4, 64, 32, 32],
  ]

  /// ReLU only in fp32: a rounding to 16 bits moves elements across its kink.
  static func activations(for precision: DType) -> [Activation] {
    precision == .float32 ? [.relu, .tanh] : [.tanh]
  }

  /// Types differ in how elements are read and written; sizes matter in one of them.
  static func sizes(of precision: DType) -> [Shape] {
    precision == .float32 ? sizes : [[7, 3], [2, 3, 5, 7], [2, 33, 3, 3], [4, 16, 32, 32]]
  }

  @Test(arguments: BackendUnderTest.withEveryLayout)
  func trainingLayers(subject: BackendUnderTest) throws {
    for precision in subject.supported([.float32, .bfloat16, .float16]) {
      let activations = Self.activations(for: precision)
      var experiment = Experiment(seed: 1, precision: precision)
      for (index, shape) in Self.sizes(of: precision).enumerated() {
        for residual in [false, true] {
          let name = "\(shape)\(residual ? " residual" : "")"
          let activation = activations[(index + (residual ? 1 : 0)) % activations.count]
          let layer = Layer(name, shape, &experiment)
          let result = experiment.graph.batchNormalization(
            layer.x, scale: layer.scale, shift: layer.shift, epsilon: 1e-5)
          layer.finish(result.y, activation, residual: residual, &experiment)
          let count = shape.elementCount / shape[1]
          experiment.compare("mean \(name)", result.mean, reduction: count)
          experiment.compare("variance \(name)", result.variance, reduction: count)
        }
      }
      try expectAgreement(experiment, on: subject)
    }
  }

  @Test(arguments: BackendUnderTest.withEveryLayout)
  func frozenLayers(subject: BackendUnderTest) throws {
    for precision in subject.supported([.float32, .bfloat16, .float16]) {
      let activations = Self.activations(for: precision)
      var experiment = Experiment(seed: 2, precision: precision)
      for (index, shape) in Self.sizes(of: precision).enumerated() {
        for residual in [false, true] {
          let name = "\(shape)\(residual ? " residual" : "")"
          let activation = activations[(index + (residual ? 1 : 0)) % activations.count]
          let layer = Layer(name, shape, &experiment)
          let mean = experiment.variable("mean \(name)", [shape[1]])
          let variance = experiment.variable(
            "variance \(name)", [shape[1]], nil, .uniform(0.25...4))
          let y = experiment.graph.frozenNormalization(
            layer.x, scale: layer.scale, shift: layer.shift, mean: mean, variance: variance,
            epsilon: 1e-3)
          layer.finish(y, activation, residual: residual, &experiment)
        }
      }
      try expectAgreement(experiment, on: subject)
    }
  }

  /// With a mean of 30 deviations, E[x²] − mean² in single precision would lose what counts.
  @Test(arguments: BackendUnderTest.withEveryLayout)
  func aLargeMeanDoesNotDrownTheVariance(subject: BackendUnderTest) throws {
    var experiment = Experiment(seed: 3)
    for shape in [[64, 5], [4, 16, 16, 16]] as [Shape] {
      let x = experiment.input("x\(shape)", shape, nil, .normal(mean: 30))
      let scale = experiment.variable("scale\(shape)", [shape[1]])
      let shift = experiment.variable("shift\(shape)", [shape[1]])
      let result = experiment.graph.batchNormalization(x, scale: scale, shift: shift)
      experiment.compare("y\(shape)", result.y, Tolerance(bound: 2e-4))
      experiment.compare("variance\(shape)", result.variance, Tolerance(bound: 2e-4))
    }
    try expectAgreement(experiment, on: subject)
  }

  /// What training and evaluation have in common: the layer's operands, what follows it, and the
  /// comparison of results and gradients.
  struct Layer {
    let name: String
    let shape: Shape
    let x: Value
    let scale: Value
    let shift: Value

    init(_ name: String, _ shape: Shape, _ experiment: inout Experiment) {
      self.name = name
      self.shape = shape
      x = experiment.input("x \(name)", shape, nil, .normal(deviation: 1.5, mean: 0.7))
      scale = experiment.variable("scale \(name)", [shape[1]], nil, .uniform(0.5...1.5))
      shift = experiment.variable("shift \(name)", [shape[1]])
    }

    func finish(
      _ normalized: Value, _ activation: Activation, residual: Bool,
      _ experiment: inout Experiment
    ) {
      var y = normalized
      var targets = [(x, "dx"), (scale, "dscale"), (shift, "dshift")]
      if residual {
        let other = experiment.input("residual \(name)", shape)
        y = experiment.graph.add(y, other)
        targets.append((other, "dresidual"))
      }
      y = experiment.graph.activation(y, activation)
      let dy = experiment.input("dy \(name)", shape)
      let gradients = experiment.graph.gradients(
        seeds: [(y, dy)], withRespectTo: targets.map { $0.0 })
      // The derivative from a rounded, nearly saturated result can be off by several roundings of
      // the typical gradient.
      let tolerance = Tolerance(
        experiment.precision, reduction: 64 + shape.elementCount / shape[1], roundings: 16)
      experiment.compare("y \(name)", y, tolerance)
      for (gradient, target) in zip(gradients, targets) {
        experiment.compare("\(target.1) \(name)", gradient!, tolerance)
      }
    }
  }
}
