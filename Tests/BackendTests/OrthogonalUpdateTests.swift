import IsometryCore
import IsometryGraph
import IsometryNN
import TestSupport
import Testing

@Suite struct OrthogonalUpdateTests {
  /// Matrices of one part and of several, on the CPU too; wide and tall, at odd places in the directions.
  static let shapes: [Shape] = [
    [8, 3, 3, 3], [32, 33, 3, 3], [3, 5], [129, 131], [16, 16, 1, 1],
  ]

  @Test(arguments: BackendUnderTest.withEveryProduct)
  func productsOfManyMatrices(subject: BackendUnderTest) throws {
    for precision in subject.supported([.float32, .bfloat16, .float16]) {
      var experiment = Experiment(seed: 1, precision: precision)
      for (rows, columns, inner) in [(1, 1, 1), (7, 9, 5), (17, 33, 31), (64, 72, 40)] {
        for (left, right) in [(false, false), (false, true), (true, false), (true, true)] {
          let name = "\(rows)×\(columns)×\(inner) \(left ? "ᵀ" : "") \(right ? "ᵀ" : "")"
          let a = experiment.input("a \(name)", left ? [3, inner, rows] : [3, rows, inner])
          let b = experiment.input("b \(name)", right ? [3, columns, inner] : [3, inner, columns])
          let residual = experiment.input("residual \(name)", [3, rows, columns])
          let product = experiment.graph.matrixMultiply(
            a, b, transposeLeft: left, transposeRight: right)
          experiment.compare(
            name, experiment.graph.add(product, residual),
            Tolerance(precision, reduction: inner, roundings: 2))
        }
      }
      try expectAgreement(experiment, on: subject)
    }
  }

  @Test(arguments: BackendUnderTest.all, [false, true])
  func directionsAndSteps(subject: BackendUnderTest, hasGradientScale: Bool) throws {
    var experiment = Experiment(seed: 2)
    let schedule = experiment.input("schedule", [2], .float32, .given([0.05, 3]))
    let scale = experiment.input("gradient scale", [1], .float32, .given([0.125]))
    let header = hasGradientScale ? [scale] : []
    for (position, shape) in Self.shapes.enumerated() {
      let update = OrthogonalUpdate(
        momentum: 0.6, nesterov: position % 2 == 0, keepsNorm: position % 3 != 1,
        weightDecay: position % 2 == 0 ? 0 : 0.1, learningRateScale: 0.5,
        hasGradientScale: hasGradientScale)
      var operands: [(parameter: Value, gradient: Value, momentum: Value)] = []
      for number in 0..<3 {
        let name = "\(shape) \(number)"
        operands.append(
          (
            experiment.variable("parameter \(name)", shape),
            experiment.input("gradient \(name)", shape),
            experiment.variable("momentum \(name)", shape)
          ))
      }
      let directions = experiment.graph.append(
        .momentumDirections(update), header + operands.flatMap { [$0.gradient, $0.momentum] })[0]
      let (rows, columns) =
        shape.rank == 4 ? (shape.elementCount(from: 1), shape[0]) : (shape[0], shape[1])
      #expect(experiment.graph.shape(of: directions) == [3, rows, columns])
      let tolerance = Tolerance(.float32, reduction: shape.elementCount, roundings: 4)
      experiment.compare("directions \(shape)", directions, tolerance)
      experiment.graph.append(
        .orthogonalUpdate(update, count: 3),
        [schedule] + header + [directions]
          + operands.flatMap { [$0.parameter, $0.gradient, $0.momentum] })
      for number in 0..<3 {
        experiment.compareVariable("parameter \(shape) \(number)", tolerance)
        experiment.compareVariable("momentum \(shape) \(number)", tolerance)
      }
    }
    try expectAgreement(experiment, on: subject, steps: 3)
  }

  @Test(arguments: BackendUnderTest.all)
  func aScaleOfZeroSkipsTheStep(subject: BackendUnderTest) throws {
    var experiment = Experiment(seed: 3)
    let schedule = experiment.input("schedule", [2], .float32, .given([0.05, 3]))
    let scale = experiment.input("gradient scale", [1], .float32, .given([0]))
    let parameter = experiment.variable("parameter", [2, 3])
    let momentum = experiment.variable("momentum", [2, 3])
    let gradient = experiment.input(
      "gradient", [2, 3], nil, .given([1, .nan, .infinity, -.infinity, 0, 2]))
    let update = OrthogonalUpdate(momentum: 0.6, weightDecay: 0.1, hasGradientScale: true)
    let directions = experiment.graph.append(
      .momentumDirections(update), [scale, gradient, momentum])[0]
    experiment.graph.append(
      .orthogonalUpdate(update, count: 1),
      [schedule, scale, directions, parameter, gradient, momentum])
    experiment.compareVariable("parameter", .exact)
    experiment.compareVariable("momentum", .exact)
    try expectAgreement(experiment, on: subject)
  }

  private static let network = ResidualNetwork(
    widths: [16, 32], depths: [1, 1], normalization: .none, imageShape: [3, 8, 8])
  private static let muon = Muon(
    others: StandardOptimizer(.sgd(momentum: 0.9, nesterov: true)))

  /// A session that comes first decides how weights and momenta lie in memory.
  @Test(arguments: BackendUnderTest.all)
  func weightsMayLieAsAnotherSessionWantsThem(subject: BackendUnderTest) throws {
    let training = TrainingGraph(
      Self.network,
      .init(
        batch: 8, optimizer: Self.muon, groups: [ParameterGroup(.others, learningRateScale: 0.1)]))
    let sgd = TrainingGraph(Self.network, .init(batch: 8))
    func variables(afterSGD: Bool) throws -> [[Double]] {
      let first = afterSGD ? try subject.makeSession(for: sgd.graph) : nil
      let session = try subject.makeSession(for: training.graph, sharing: first)
      try training.writeInitialState(
        to: session, initializer: try InitializerRegistry.make("he"), seed: 1)
      for step in 1...2 { try session.run(Self.inputs(step: step)) }
      return try training.graph.variables.map { try session.read(variable: $0.name).doubles }
    }
    for (one, other) in zip(
      try variables(afterSGD: false), try variables(afterSGD: true))
    {
      #expect(Tolerance(.float32, reduction: 1000, roundings: 10).disagreement(other, one) == nil)
    }
  }

  private static func inputs(step: Int) -> [String: HostTensor] {
    var random = RandomStream(seed: 5)
    return [
      "images": HostTensor(
        TensorType([8, 3, 8, 8], .uint8),
        bytes: (0..<8 * 3 * 64).map { _ in UInt8(random.integer(below: 256)) }),
      "labels": HostTensor([8], (0..<8).map { Int32($0) }),
      "samples": HostTensor([2], [Int32(8 * (step - 1)), 0]),
      "schedule": HostTensor([2], [0.5, Double(step)]),
    ]
  }

  /// On diagonal matrices the iteration is the polynomial of each entry.
  @Test(arguments: BackendUnderTest.withEveryProduct)
  func theIterationIsAPolynomialOfSingularValues(subject: BackendUnderTest) throws {
    let values = [1e-3, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 1]
    for (precision, tolerance) in [(DType.float32, 1e-4), (.bfloat16, 0.08)]
    where !subject.supported([precision]).isEmpty {
      for shape in [[2, 8, 8], [2, 24, 8], [2, 8, 24]] as [Shape] {
        var graph = Graph()
        let x = graph.input("x", shape)
        graph.output("y", graph.orthogonalized(x, in: precision))
        let session = try subject.backend.makeSession(for: graph)
        var diagonal = [Double](repeating: 0, count: shape.elementCount)
        var expected = diagonal
        for (index, value) in values.enumerated() {
          diagonal[(shape[2] + 1) * index] = value
          var result = value
          for _ in 0..<3 {
            let square = result * result
            result *= 3.4445 - 4.7750 * square + 2.0315 * square * square
          }
          expected[(shape[2] + 1) * index] = result
        }
        try session.run(["x": HostTensor(shape, diagonal)])
        for (found, wanted) in zip(try session.read(output: "y").doubles, expected) {
          #expect(abs(found - wanted) <= tolerance * max(1, wanted), "\(subject) \(shape)")
        }
      }
    }
  }

  /// A first step with Muon changes each weight by η times a matrix whose singular values are near 1.
  @Test(arguments: BackendUnderTest.all)
  func changesAreNearlyOrthogonal(subject: BackendUnderTest) throws {
    let training = TrainingGraph(
      Self.network,
      .init(
        batch: 8, optimizer: Self.muon, groups: [ParameterGroup(.others, learningRateScale: 0.1)]))
    let session = try subject.backend.makeSession(for: training.graph)
    let initializer = try InitializerRegistry.make("he")
    try training.writeInitialState(to: session, initializer: initializer, seed: 1)
    let weights = training.layout.parameters.filter { $0.role == .convolutionWeight }
    let before = try weights.map { try session.read(variable: $0.name).doubles }
    try session.run(Self.inputs(step: 1))
    for (weight, old) in zip(weights, before) {
      let rows = weight.shape[0]
      let norm = old.map { $0 * $0 }.reduce(0, +).squareRoot()
      let factor = Double(rows).squareRoot() / norm
      let change = zip(try session.read(variable: weight.name).doubles, old)
        .map { ($1 * factor - $0) / 0.5 }
      // Σσ² and Σσ⁴ of at most min(rows, columns) singular values near 1.
      let columns = change.count / rows
      var (squares, fourths) = (0.0, 0.0)
      for i in 0..<rows {
        for j in 0..<rows {
          var product = 0.0
          for k in 0..<columns { product += change[i * columns + k] * change[j * columns + k] }
          if i == j { squares += product }
          fourths += product * product
        }
      }
      let rank = Double(min(rows, columns))
      #expect(squares > 0.3 * rank && squares < 1.5 * rank, "\(subject) \(weight.name) \(squares)")
      #expect(fourths < 2 * rank, "\(subject) \(weight.name) \(fourths)")
    }
  }
}
