import IsometryCore
import IsometryGraph
import TestSupport
import Testing

@Suite struct WeightStandardizationTests {
  /// Units of two weights are left out: of their gradient, only rounding errors remain.
  static let shapes: [Shape] = [
    [1, 1, 1, 1], [16, 3, 3, 3], [17, 5, 3, 3], [32, 16, 1, 1], [7, 9], [64, 257], [9, 33, 2, 2],
  ]

  /// Weights far from mean 0 and from one size, all in one launch, and their gradients.
  @Test(arguments: BackendUnderTest.all)
  func weightsAndGradients(subject: BackendUnderTest) throws {
    for precision in subject.supported([.float32, .bfloat16, .float16]) {
      var experiment = Experiment(seed: 1, precision: precision)
      for (index, shape) in Self.shapes.enumerated() {
        let wide = precision.accumulator
        let weight = experiment.variable(
          "weight\(shape)", shape, nil, .normal(deviation: 0.1 * Double(index + 1), mean: 0.3))
        let gain = experiment.variable("gain\(shape)", [shape[0]], nil, .uniform(-2...2))
        let y = experiment.graph.standardized(
          weight, gain: gain, factor: 0.5 + Double(index), epsilon: 1e-4, as: precision)
        let dy = experiment.input("dy\(shape)", shape, wide)
        let gradients = experiment.graph.gradients(
          seeds: [(y, dy)], withRespectTo: [weight, gain])
        let length = shape.elementCount(from: 1)
        experiment.compare("y\(shape)", y, reduction: length, roundings: 4)
        experiment.compare("dw\(shape)", gradients[0]!, reduction: length, roundings: 8)
        experiment.compare("dgain\(shape)", gradients[1]!, reduction: length, roundings: 8)
      }
      try expectAgreement(experiment, on: subject)
    }
  }

  /// Convolutions and products read standardized weights in the layouts that they want, in both
  /// directions, and updates write the weights. Channels are those of packed and of plain layouts.
  @Test(arguments: BackendUnderTest.all + BackendUnderTest.withMatrixUnits)
  func layersWithUpdates(subject: BackendUnderTest) throws {
    for precision in subject.supported([.float32, .bfloat16]) {
      var experiment = Experiment(seed: 2, precision: precision)
      let schedule = experiment.input("schedule", [2], .float32, .given([0.05, 3]))
      for (name, x, shape) in [
        ("packed", [2, 16, 6, 6], [32, 16, 3, 3]), ("plain", [2, 3, 5, 7], [5, 3, 3, 3]),
        ("dense", [4, 24], [16, 24]),
      ] as [(String, Shape, Shape)] {
        let weight = experiment.variable("weight \(name)", shape, nil, .normal(mean: 0.2))
        let gain = experiment.variable("gain \(name)", [shape[0]], nil, .uniform(0.5...2))
        let momentum = experiment.variable("momentum \(name)", shape)
        let standardized = experiment.graph.standardized(
          weight, gain: gain, factor: 1.7, epsilon: 1e-4, as: precision)
        let image = experiment.input("x \(name)", x)
        let y =
          shape.rank == 2
          ? experiment.graph.dense(image, weight: standardized)
          : experiment.graph.convolve(image, with: standardized, padding: 1)
        let dy = experiment.input("dy \(name)", experiment.graph.shape(of: y), nil)
        let gradients = experiment.graph.gradients(
          seeds: [(y, dy)], withRespectTo: [weight, gain, image])
        experiment.graph.append(
          .update(
            Update(
              .sgd(momentum: 0.9, nesterov: true), parameters: [.init()], hasGradientScale: false)),
          [schedule, weight, gradients[0]!, momentum])
        let length = shape.elementCount(from: 1)
        // The rounding of the standardized weights carries through the product.
        experiment.compare("y \(name)", y, Tolerance(precision, reduction: length, roundings: 8))
        experiment.compare(
          "dx \(name)", gradients[2]!,
          Tolerance(precision, reduction: shape.elementCount / shape[1], roundings: 8))
        experiment.compare(
          "dgain \(name)", gradients[1]!,
          Tolerance(precision, reduction: 4 * length, roundings: 8))
        experiment.compareVariable(
          "weight \(name)", Tolerance(precision, reduction: 4 * length, roundings: 8))
      }
      try expectAgreement(experiment, on: subject)
    }
  }
}
