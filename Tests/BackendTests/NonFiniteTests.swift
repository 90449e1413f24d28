import IsometryCore
import IsometryGraph
import TestSupport
import Testing

/// NaN and infinities go where arithmetic sends them, on every backend: a run that diverges must show
/// it, and a logit of −∞ is a class that cannot be.
@Suite struct NonFiniteTests {
  private static let special: [Double] = [.nan, .infinity, -.infinity, 0, 1, -1, 2.5, -2.5]

  @Test(arguments: BackendUnderTest.all)
  func activations(subject: BackendUnderTest) throws {
    for precision in subject.supported([.float32, .bfloat16, .float16]) {
      var experiment = Experiment(seed: 1, precision: precision)
      // Vectors with and without a NaN, and a rest.
      let elements = Self.special + [Double](repeating: 0.5, count: 33) + Self.special
      let x = experiment.input("x", [1, elements.count], nil, .given(elements))
      let dy = experiment.input("dy", [1, elements.count])
      for activation in Activation.allNamed {
        experiment.compare(
          "\(activation)", experiment.graph.appendOne(.activation(activation), x))
        let gradient = ActivationGradient(activation, reference: .input)
        experiment.compare(
          "\(activation) gradient",
          experiment.graph.append(.activationGradient(gradient), [dy, x])[0], reduction: 64)
      }
      try expectAgreement(experiment, on: subject)
    }
  }

  /// In training a NaN takes its channel, at evaluation its pixel, and both leave the others alone.
  @Test(arguments: BackendUnderTest.all, [Double.nan, .infinity])
  func normalization(subject: BackendUnderTest, number: Double) throws {
    for precision in subject.supported([.float32, .bfloat16]) {
      var experiment = Experiment(seed: 2, precision: precision)
      for (shape, place, activation) in [
        ([4, 5, 3, 3], 47, .tanh), ([2, 16, 4, 4], 20, .linear), ([7, 3], 4, .relu),
      ] as [(Shape, Int, Activation)] {
        let name = "\(shape) \(activation)"
        var elements = experiment.draw(.normal(), shape.elementCount)
        elements[place] = number
        let x = experiment.input("x \(name)", shape, nil, .given(elements))
        let scale = experiment.variable("scale \(name)", [shape[1]], nil, .uniform(0.5...1.5))
        let shift = experiment.variable("shift \(name)", [shape[1]])
        let result = experiment.graph.batchNormalization(x, scale: scale, shift: shift)
        let y = experiment.graph.activation(result.y, activation)
        let mean = experiment.variable("mean \(name)", [shape[1]])
        let variance = experiment.variable(
          "variance \(name)", [shape[1]], nil, .uniform(0.25...4))
        let frozen = experiment.graph.activation(
          experiment.graph.frozenNormalization(
            x, scale: scale, shift: shift, mean: mean, variance: variance, epsilon: 1e-3),
          activation)
        let dy = experiment.input("dy \(name)", shape)
        let gradients = experiment.graph.gradients(
          seeds: [(y, dy)], withRespectTo: [x, scale, shift])
        // Of means that are merged from parts, an infinity leaves NaN.
        let means = number.isNaN ? [result.mean] : []
        let results = [y, frozen, result.variance] + means + gradients.map { $0! }
        for (index, value) in results.enumerated() {
          experiment.compare(
            "\(name) \(index)", value, Tolerance(precision, reduction: 64, roundings: 16))
        }
      }
      try expectAgreement(experiment, on: subject)
    }
  }

  @Test(arguments: BackendUnderTest.all, [Double.nan, .infinity])
  func sumsAndAverages(subject: BackendUnderTest, number: Double) throws {
    for precision in subject.supported([.float32, .bfloat16]) {
      var experiment = Experiment(seed: 3, precision: precision)
      for (shape, place) in [([2, 3, 5, 7], 104), ([2, 16, 6, 6], 500)] as [(Shape, Int)] {
        var elements = experiment.draw(.normal(), shape.elementCount)
        elements[place] = number
        let x = experiment.input("x\(shape)", shape, nil, .given(elements))
        let other = experiment.input("other\(shape)", shape)
        for window in [2, 3] {
          let pooling = Pooling(
            .average, window: .init(window), stride: .init(2), padding: .init(1))
          let y = experiment.graph.pool(x, pooling)
          var seeds = experiment.draw(.normal(), experiment.graph.shape(of: y).elementCount)
          seeds[7] = number
          let dy = experiment.input(
            "dy\(shape)\(window)", experiment.graph.shape(of: y), nil, .given(seeds))
          let pooled = experiment.graph.pool(other, pooling)
          let gradients = experiment.graph.gradients(seeds: [(pooled, dy)], withRespectTo: [other])
          experiment.compare("pool \(shape) \(window)", y, reduction: 9)
          experiment.compare("pool gradient \(shape) \(window)", gradients[0]!, reduction: 9)
        }
        experiment.compare("global \(shape)", experiment.graph.globalAveragePool(x), reduction: 36)
        experiment.compare("channels \(shape)", experiment.graph.channelSum(x), reduction: 72)
        experiment.compare("sum \(shape)", experiment.graph.sum(x))
        experiment.compare("dot \(shape)", experiment.graph.appendOne(.dot, x, other))
        let norm = experiment.graph.append(.norm(count: 2), [other, x])[0]
        experiment.compare("norm \(shape)", norm)
      }
      try expectAgreement(experiment, on: subject)
    }
  }

  /// A NaN in an operand reaches the results that it has a part in, and no others.
  @Test(arguments: BackendUnderTest.withEveryProduct)
  func products(subject: BackendUnderTest) throws {
    for precision in subject.supported([.float32, .bfloat16]) {
      var experiment = Experiment(seed: 4, precision: precision)
      func contents(_ count: Int, _ place: Int) -> Experiment.Contents {
        var elements = experiment.draw(.normal(), count)
        elements[place] = .nan
        return .given(elements)
      }
      let a = experiment.input("a", [9, 17], nil, contents(9 * 17, 40))
      let b = experiment.input("b", [17, 16])
      experiment.compare("product", experiment.graph.matrixMultiply(a, b), reduction: 17)
      let x = experiment.input("x", [2, 16, 6, 6], nil, contents(2 * 16 * 36, 700))
      // Not 16 results, for which some use Winograd's algorithm (`tiles` below).
      let weight = experiment.input("weight", [24, 16, 3, 3])
      let y = experiment.graph.convolve(x, with: weight, Convolution(padding: .init(1)))
      // oneDNN's rectifier behind a convolution makes 0 of NaN.
      let result = subject.backend.name == "cpu" ? y : experiment.graph.activation(y, .relu)
      experiment.compare("convolution", result, reduction: 144, roundings: 2)
      try expectAgreement(experiment, on: subject)
    }
  }

  /// Winograd's algorithm may make NaN of the results beside those that a NaN has a part in, up to
  /// a tile of 4×4, and leaves all others alone.
  @Test(arguments: BackendUnderTest.all.filter(\.usesWinograd))
  func tiles(subject: BackendUnderTest) throws {
    let shape: Shape = [3, 32, 12, 12]
    for precision in subject.supported([.float32, .bfloat16]) {
      func results(_ number: Double) throws -> [Double] {
        var experiment = Experiment(seed: 5, precision: precision)
        var elements = experiment.draw(.normal(), shape.elementCount)
        elements[((32 + 3) * 12 + 5) * 12 + 6] = number
        let x = experiment.input("x", shape, nil, .given(elements))
        let weight = experiment.input("weight", [32, 32, 3, 3])
        let y = experiment.graph.convolve(x, with: weight, Convolution(padding: .init(1)))
        // Not ReLU: oneDNN, which convolves on processors without AVX-512, rectifies NaN to 0.
        experiment.compare("y", experiment.graph.activation(y, .leakyReLU(slope: 0.1)))
        let session = try experiment.run(
          on: subject.backend, for: subject.prepared(experiment.graph))
        return try session.read(output: "y").doubles
      }
      let (clean, found) = (try results(1), try results(.nan))
      for index in found.indices {
        let (image, row, column) = (index / (32 * 144), index / 12 % 12, index % 12)
        let rows = image == 1 ? row : -1
        if (4...6).contains(rows), (5...7).contains(column) {
          #expect(found[index].isNaN, "\(precision) \(row) \(column)")
        } else if !(4...7).contains(rows) || !(4...7).contains(column) {
          #expect(found[index] == clean[index], "\(precision) \(index)")
        }
      }
    }
  }

  /// Classes without a part in the target may be impossible; with label smoothing, and at the label, the
  /// loss is infinite; a row of nothing but −∞, or with NaN or +∞, has no loss.
  @Test(arguments: BackendUnderTest.all, [0, 0.1])
  func logits(subject: BackendUnderTest, smoothing: Double) throws {
    let rows: [(name: String, logits: [Double])] = [
      ("elsewhere", [0.5, -.infinity, 1, 0]), ("at the label", [-.infinity, 0.25, 1, 0]),
      ("everywhere", [Double](repeating: -.infinity, count: 4)), ("NaN", [0, .nan, 1, 0]),
      ("NaN first", [.nan, 0, 1, 0]), ("infinity", [0, .infinity, 1, 0]),
    ]
    for precision in subject.supported([.float32, .bfloat16]) {
      var experiment = Experiment(seed: 5, precision: precision)
      for (name, logits) in rows {
        let ordinary = experiment.draw(.normal(), 4)
        let z = experiment.input(name, [2, 4], nil, .given(logits + ordinary))
        let labels = experiment.input("labels \(name)", HostTensor([2], [0, 3]))
        let loss = experiment.graph.softmaxCrossEntropy(
          z, labels: labels, labelSmoothing: smoothing)
        let gradient = experiment.graph.gradients(of: loss.loss, withRespectTo: [z])[0]!
        experiment.compare("loss, \(name)", loss.loss, reduction: 8)
        experiment.compare("correct, \(name)", loss.correct, .exact)
        experiment.compare("gradient, \(name)", gradient, reduction: 8)
      }
      try expectAgreement(experiment, on: subject)
    }
  }
}
