import IsometryCore
import IsometryGraph
import TestSupport
import Testing

@Suite struct PointwiseTests {
  static let sizes: [Shape] = [
    [1], [3, 5], [2, 17], [1, 1, 1, 1], [2, 3, 5, 7], [5, 33, 9, 9],
  ]

  @Test(arguments: BackendUnderTest.withEveryLayout)
  func arithmetic(subject: BackendUnderTest) throws {
    for precision in subject.supported([.float32, .bfloat16, .float16]) {
      var experiment = Experiment(seed: 1, precision: precision)
      let scalar = experiment.variable("scalar", [1])
      for shape in Self.sizes {
        let x = experiment.input("x\(shape)", shape)
        let y = experiment.input("y\(shape)", shape)
        experiment.compare("add\(shape)", experiment.graph.add(x, y))
        experiment.compare("subtract\(shape)", experiment.graph.subtract(x, y))
        experiment.compare("multiply\(shape)", experiment.graph.multiply(x, y))
        experiment.compare("square\(shape)", experiment.graph.multiply(x, x))
        experiment.compare("scale\(shape)", experiment.graph.scale(x, by: -1.75))
        experiment.compare("scalarMultiply\(shape)", experiment.graph.scalarMultiply(x, by: scalar))
        experiment.compare("scalarAdd\(shape)", experiment.graph.scalarAdd(x, scalar))
        let flat = experiment.graph.reshape(x, to: [shape.elementCount])
        experiment.compare("reshape\(shape)", experiment.graph.scale(flat, by: 2), .exact)
        if shape.rank > 1 {
          let bias = experiment.variable("bias\(shape)", [shape[1]])
          experiment.compare("biasAdd\(shape)", experiment.graph.biasAdd(x, bias))
        }
      }
      try expectAgreement(experiment, on: subject)
    }
  }

  @Test(arguments: BackendUnderTest.withEveryLayout)
  func activations(subject: BackendUnderTest) throws {
    let activations = Activation.allNamed + [.leakyReLU(slope: 0.3), .elu(alpha: 0.5)]
    for precision in subject.supported([.float32, .bfloat16, .float16]) {
      var experiment = Experiment(seed: 2, precision: precision)
      let points = stride(from: -12.0, through: 12, by: 0.375).map { $0 }
      let shape: Shape = [1, points.count]
      let x = experiment.input("x", shape, nil, .given(points))
      let dy = experiment.input("dy", shape)
      let other = experiment.input("dy2", shape)
      for activation in activations {
        let name = "\(activation)"
        let y = experiment.graph.appendOne(.activation(activation), x)
        // Near saturation derivatives are differences of numbers near 1, and φ′ from a rounded φ(x) is
        // off by a rounding of 1: hence more than a pointwise operation's tolerance.
        experiment.compare(name, y)
        experiment.compare(
          "\(name) gradient",
          experiment.graph.append(
            .activationGradient(ActivationGradient(activation, reference: .input)), [dy, x])[0],
          reduction: 64)
        guard activation.hasDerivativeFromOutput else { continue }
        let sum = ActivationGradient(activation, reference: .output, addends: 2)
        experiment.compare(
          "\(name) gradient of a sum",
          experiment.graph.append(.activationGradient(sum), [dy, other, y])[0], reduction: 64,
          roundings: 4)
      }
      try expectAgreement(experiment, on: subject)
    }
  }

  @Test(arguments: BackendUnderTest.withEveryLayout)
  func casts(subject: BackendUnderTest) throws {
    let precisions = subject.supported([.bfloat16, .float16])
    var experiment = Experiment(seed: 3)
    for shape in Self.sizes {
      let x = experiment.input("x\(shape)", shape)
      for precision in precisions {
        let rounded = experiment.graph.cast(x, to: precision)
        experiment.compare("\(precision)\(shape)", rounded, .exact)
        experiment.compare(
          "back from \(precision)\(shape)", experiment.graph.cast(rounded, to: .float32), .exact)
      }
    }
    try expectAgreement(experiment, on: subject)
  }
}
