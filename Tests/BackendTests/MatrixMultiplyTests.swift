import IsometryCore
import IsometryGraph
import TestSupport
import Testing

@Suite struct MatrixMultiplyTests {
  /// Rows, columns, inner extent: around the edges of tiles of 8, 16, 32 and 64, primes, and ones.
  static let extents: [(Int, Int, Int)] = [
    (1, 1, 1), (1, 10, 64), (2, 3, 5), (5, 1, 17), (7, 9, 8), (8, 8, 8), (15, 17, 16), (16, 16, 15),
    (17, 33, 31), (31, 5, 33), (32, 32, 32), (33, 64, 1), (63, 65, 64), (64, 10, 65), (65, 63, 7),
    (128, 130, 129), (3, 257, 40),
  ]

  @Test(arguments: BackendUnderTest.all)
  func products(subject: BackendUnderTest) throws {
    for precision in subject.supported([.float32, .bfloat16, .float16]) {
      var experiment = Experiment(seed: 1, precision: precision)
      for (rows, columns, inner) in Self.extents {
        for (left, right) in [(false, false), (false, true), (true, false), (true, true)] {
          let name = "\(rows)×\(columns)×\(inner) \(left ? "ᵀ" : "") \(right ? "ᵀ" : "")"
          let a = experiment.input("a \(name)", left ? [inner, rows] : [rows, inner])
          let b = experiment.input("b \(name)", right ? [columns, inner] : [inner, columns])
          let product = MatrixMultiply(transposeLeft: left, transposeRight: right)
          experiment.compare(
            name, experiment.graph.appendOne(.matrixMultiply(product), a, b), reduction: inner)
          guard precision != .float32 else { continue }
          let wide = MatrixMultiply(
            transposeLeft: left, transposeRight: right, resultType: .float32)
          experiment.compare(
            "\(name) wide", experiment.graph.appendOne(.matrixMultiply(wide), a, b),
            reduction: inner)
        }
      }
      try expectAgreement(experiment, on: subject)
    }
  }

  /// A dense layer with everything that can be fused behind it, and all its gradients.
  @Test(arguments: BackendUnderTest.all)
  func denseLayers(subject: BackendUnderTest) throws {
    for precision in subject.supported([.float32, .bfloat16, .float16]) {
      var experiment = Experiment(seed: 2, precision: precision)
      for (index, (rows, columns, inner)) in Self.extents.enumerated() {
        let name = "\(rows)×\(columns)×\(inner)"
        // Sums of products of quarters are exact, so that no rounding moves an element across the
        // kink of ReLU; tanh has none, and is kept out of saturation.
        let isExact = index % 2 == 0
        let contents: Experiment.Contents = isExact ? .quarters : .normal(deviation: 0.5)
        let x = experiment.input("x \(name)", [rows, inner], nil, contents)
        let deviation = 1 / Double(inner).squareRoot()
        let weight = experiment.variable(
          "weight \(name)", [columns, inner], nil,
          isExact ? .quarters : .normal(deviation: deviation))
        let bias = experiment.variable("bias \(name)", [columns], nil, contents)
        let residual = experiment.input("residual \(name)", [rows, columns], nil, contents)
        let dy = experiment.input("dy \(name)", [rows, columns], nil, contents)
        let kernel = experiment.graph.cast(weight, to: precision)
        var y = experiment.graph.biasAdd(experiment.graph.dense(x, weight: kernel), bias)
        if index % 3 != 0 { y = experiment.graph.add(y, residual) }
        y = experiment.graph.activation(y, isExact ? .relu : .tanh)
        let gradients = experiment.graph.gradients(
          seeds: [(y, dy)], withRespectTo: [x, weight, bias])
        experiment.compare(
          name, y, Tolerance(precision, reduction: inner, roundings: 4))
        for (gradient, (what, count)) in zip(
          gradients, [("dx", columns), ("dweight", rows), ("dbias", rows)])
        {
          experiment.compare(
            "\(what) \(name)", gradient!,
            Tolerance(precision, reduction: count + inner, roundings: 6))
        }
      }
      try expectAgreement(experiment, on: subject)
    }
  }
}
