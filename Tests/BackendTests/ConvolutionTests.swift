import IsometryCore
import IsometryGraph
import TestSupport
import Testing

@Suite struct ConvolutionTests {
  struct Geometry: CustomStringConvertible {
    let x: Shape
    let weight: Shape
    let convolution: Convolution

    init?(_ x: Shape, _ weight: Shape, _ stride: (Int, Int), _ padding: (Int, Int)) {
      self.x = x
      self.weight = weight
      convolution = Convolution(
        stride: .init(stride.0, stride.1), padding: .init(padding.0, padding.1))
      if convolution.resultShape(input: x, weight: weight) == nil { return nil }
    }

    var result: Shape { convolution.resultShape(input: x, weight: weight)! }

    /// Whether the backend uses Winograd's algorithm.
    func suitsWinograd(on subject: BackendUnderTest) -> Bool {
      subject.usesWinograd && convolution.suitsWinograd(images: x, weights: weight)
    }

    var description: String {
      "\(x) ∗ \(weight) stride \(convolution.stride) padding \(convolution.padding)"
    }
  }

  /// Every kernel size with every stride, image and padding; channels and batches take turns.
  static func geometries(kernel: Int) -> [Geometry] {
    let channels = [1, 3, 5, 16, 17, 33]
    let batches = [1, 2, 5]
    var found: [Geometry] = []
    var turn = kernel
    for stride in [1, 2, 3] {
      for (height, width) in [(1, 1), (5, 7), (8, 8), (9, 9)] {
        for padding in Set([0, 1, kernel / 2, kernel - 1]).sorted() {
          turn += 1
          let geometry = Geometry(
            [batches[turn % 3], channels[turn % 6], height, width],
            [channels[(turn / 2 + 3) % 6], channels[turn % 6], kernel, kernel],
            (stride, stride), (padding, padding))
          if let geometry { found.append(geometry) }
        }
      }
    }
    return found
  }

  /// Geometries that differ between rows and columns, and those of the networks.
  static let special: [Geometry] = [
    Geometry([2, 3, 7, 9], [4, 3, 3, 1], (1, 2), (1, 0))!,
    Geometry([1, 5, 9, 6], [17, 5, 1, 3], (2, 1), (0, 1))!,
    Geometry([2, 4, 6, 11], [3, 4, 2, 5], (1, 3), (1, 4))!,
    Geometry([2, 3, 32, 32], [16, 3, 3, 3], (1, 1), (1, 1))!,
    Geometry([2, 16, 32, 32], [16, 16, 3, 3], (1, 1), (1, 1))!,
    Geometry([2, 16, 32, 32], [32, 16, 3, 3], (2, 2), (1, 1))!,
    Geometry([2, 16, 32, 32], [32, 16, 1, 1], (2, 2), (0, 0))!,
    Geometry([2, 64, 8, 8], [64, 64, 3, 3], (1, 1), (1, 1))!,
    Geometry([3, 32, 7, 5], [48, 32, 3, 3], (1, 1), (1, 1))!,
    Geometry([2, 32, 3, 17], [32, 32, 3, 3], (1, 1), (1, 1))!,
    Geometry([1, 64, 8, 8], [128, 64, 1, 1], (1, 1), (0, 0))!,
    // Padding as wide as the window and wider: results at the rim see nothing of the image.
    Geometry([2, 3, 5, 6], [4, 3, 1, 1], (1, 1), (1, 2))!,
    Geometry([1, 5, 4, 7], [16, 5, 3, 3], (2, 2), (3, 4))!,
    Geometry([2, 16, 5, 5], [17, 16, 2, 2], (1, 1), (5, 3))!,
    Geometry([1, 33, 3, 2], [8, 33, 2, 3], (3, 2), (7, 4))!,
    // A stride that leaves the last columns unread.
    Geometry([1, 3, 8, 10], [4, 3, 3, 3], (3, 3), (0, 0))!,
  ]

  /// For what takes 16 or 32 of Winograd's tiles of 4×4 at a time: parts of tiles, many of
  /// them, odd numbers of blocks of channels, and more of them than form a unit; groups of images, equal
  /// and not, with one unit and with several.
  static let winogradTiles: [Geometry] = [
    Geometry([2, 16, 3, 40], [16, 16, 3, 3], (1, 1), (1, 1))!,
    Geometry([3, 32, 7, 41], [32, 32, 3, 3], (1, 1), (1, 1))!,
    Geometry([1, 16, 3, 83], [32, 16, 3, 3], (1, 1), (1, 1))!,
    Geometry([37, 16, 4, 7], [16, 16, 3, 3], (1, 1), (1, 1))!,
    Geometry([5, 64, 3, 4], [64, 64, 3, 3], (1, 1), (1, 1))!,
    Geometry([19, 48, 4, 8], [80, 48, 3, 3], (1, 1), (1, 1))!,
    Geometry([9, 128, 7, 7], [96, 128, 3, 3], (1, 1), (1, 1))!,
    Geometry([193, 80, 3, 4], [80, 80, 3, 3], (1, 1), (1, 1))!,
    Geometry([320, 16, 4, 3], [32, 16, 3, 3], (1, 1), (1, 1))!,
    Geometry([70, 16, 3, 4], [16, 16, 3, 3], (1, 1), (1, 1))!,
  ]

  @Test(arguments: BackendUnderTest.withEveryLayout.filter(\.usesWinograd))
  func winogradTiles(subject: BackendUnderTest) throws {
    for precision in subject.supported([.float32, .bfloat16, .float16]) {
      try check(Self.winogradTiles, precision, subject)
    }
  }

  /// Geometry is the same in every type, and each epilogue is another program: one of both is enough.
  @Test(arguments: BackendUnderTest.all, [1, 2, 3, 5, 7])
  func kernelSizes(subject: BackendUnderTest, kernel: Int) throws {
    try check(Self.geometries(kernel: kernel), .float32, subject) { _ in .full }
  }

  /// The layouts of images in bf16 on a CPU have implementations of their own for many geometries.
  @Test(
    arguments: BackendUnderTest.withEveryLayout.filter { $0.backend.name == "cpu" && $0.isFusing },
    [1, 2, 3, 5, 7])
  func kernelSizesInBothLayouts(subject: BackendUnderTest, kernel: Int) throws {
    for precision in subject.supported([.bfloat16]) {
      try check(Self.geometries(kernel: kernel), precision, subject)
    }
  }

  @Test(arguments: BackendUnderTest.withEveryLayout)
  func specialGeometries(subject: BackendUnderTest) throws {
    for precision in subject.supported([.float32, .bfloat16, .float16]) {
      try check(Self.special, precision, subject)
    }
  }

  /// Programs in double are others, which nothing else in this suite asks an OpenCL device for.
  @Test(arguments: BackendUnderTest.all)
  func doublePrecision(subject: BackendUnderTest) throws {
    for precision in subject.supported([.float64]) {
      try check(Array(Self.special.prefix(4)), precision, subject)
    }
  }

  /// The same weights in two convolutions are transformed once, forward and for images.
  @Test(arguments: BackendUnderTest.withEveryLayout)
  func sharedWeights(subject: BackendUnderTest) throws {
    for precision in subject.supported([.float32, .bfloat16]) {
      var experiment = Experiment(seed: 6, precision: precision)
      let x = experiment.input("x", [3, 32, 8, 8])
      let weight = experiment.variable(
        "weight", [32, 32, 3, 3], nil, .normal(deviation: 1.0 / 17))
      let kernel = experiment.graph.cast(weight, to: precision)
      let convolution = Convolution(padding: .init(1))
      let once = experiment.graph.activation(
        experiment.graph.convolve(x, with: kernel, convolution), .tanh)
      let twice = experiment.graph.convolve(once, with: kernel, convolution)
      let dy = experiment.input("dy", [3, 32, 8, 8])
      let gradients = experiment.graph.gradients(
        seeds: [(twice, dy)], withRespectTo: [x, weight])
      experiment.compare(
        "y", twice, Tolerance(precision, reduction: 8 * 288, roundings: 8))
      for (name, gradient) in zip(["dx", "dweight"], gradients) {
        experiment.compare(
          name, gradient!, Tolerance(precision, reduction: 8 * 480, roundings: 12))
      }
      try expectAgreement(experiment, on: subject)
    }
  }

  /// Slopes behind an input gradient, and the channel sums of what they store, which are the gradient of
  /// that layer's bias.
  @Test(arguments: BackendUnderTest.withEveryLayout)
  func slopesBehindInputGradients(subject: BackendUnderTest) throws {
    let slopes: [ActivationGradient] = [
      ActivationGradient(.relu, reference: .output, addends: 1),
      ActivationGradient(.relu, reference: .output, addends: 2),
      ActivationGradient(.tanh, reference: .output, addends: 2),
      ActivationGradient(.leakyReLU(slope: 0.1), reference: .output, addends: 1),
      ActivationGradient(.gelu, reference: .input, addends: 1),
      ActivationGradient(.softplus, reference: .input, addends: 2),
    ]
    let geometries = [
      Geometry([3, 16, 5, 7], [16, 16, 3, 3], (1, 1), (1, 1))!,
      Geometry([2, 16, 32, 32], [16, 16, 3, 3], (1, 1), (1, 1))!,
      Geometry([2, 32, 8, 8], [32, 32, 3, 3], (1, 1), (1, 1))!,
      Geometry([2, 5, 9, 6], [7, 5, 3, 3], (1, 1), (1, 1))!,
      Geometry([2, 16, 8, 8], [32, 16, 3, 3], (2, 2), (1, 1))!,
    ]
    for precision in subject.supported([.float32, .bfloat16, .float16]) {
      var experiment = Experiment(seed: 5, precision: precision)
      for (index, geometry) in geometries.enumerated() {
        // Every slope behind one tile in fp32, and one slope behind every tile in every type.
        for slope in precision == .float32 && index == 1 ? slopes : [slopes[1]] {
          let name = "\(geometry) \(slope) of \(slope.addends)"
          // Winograd's algorithm passes by numbers that are larger than the sums.
          let share = geometry.suitsWinograd(on: subject) ? 4 : 1
          let inner = geometry.weight.elementCount / geometry.weight[1]
          let weight = experiment.variable(
            "weight \(name)", geometry.weight, nil,
            .normal(deviation: 1 / Double(inner).squareRoot()))
          let inputGradient = experiment.graph.appendOne(
            .convolutionInputGradient(geometry.convolution, inputShape: geometry.x),
            experiment.input("dy \(name)", geometry.result),
            experiment.graph.cast(weight, to: precision))
          var operands = [inputGradient]
          if slope.addends == 2 { operands.append(experiment.input("other \(name)", geometry.x)) }
          // A result of tanh is below 1.
          operands.append(
            experiment.input("reference \(name)", geometry.x, nil, .normal(deviation: 0.2)))
          let gradient = experiment.graph.append(.activationGradient(slope), operands)[0]
          experiment.compare(
            "dx \(name)", gradient,
            Tolerance(precision, reduction: share * inner, roundings: 6))
          let pixels = geometry.x.elementCount / geometry.x[1]
          experiment.compare(
            "dbias \(name)", experiment.graph.channelSum(gradient),
            Tolerance(precision, reduction: pixels + share * inner, roundings: 6))
        }
      }
      try expectAgreement(experiment, on: subject)
    }
  }

  /// What follows a convolution.
  private enum Tail: CaseIterable {
    /// A bias, a residual and ReLU.
    case full
    /// A bias and tanh.
    case activated
    case plain
  }

  /// A layer with what can be fused behind it, forward and backward.
  private func check(
    _ geometries: [Geometry], _ precision: DType, _ subject: BackendUnderTest,
    _ tail: (Int) -> Tail = { Tail.allCases[$0 % 3] }
  ) throws {
    var experiment = Experiment(seed: 1, precision: precision)
    for (index, geometry) in geometries.enumerated() {
      // Sums of products of quarters are exact, so that no rounding moves an element across the
      // kink of ReLU; tanh has none, and is kept out of saturation.
      let tail = tail(index)
      let isExact = tail != .activated
      let contents: Experiment.Contents = isExact ? .quarters : .normal(deviation: 0.5)
      let isWinograd = geometry.suitsWinograd(on: subject)
      let inner = geometry.weight.elementCount(from: 1)
      let sites = geometry.result.elementCount / geometry.result[1]
      let name = "\(index): \(geometry)"
      let x = experiment.input("x \(name)", geometry.x, nil, contents)
      let deviation = 1 / Double(inner).squareRoot()
      let weight = experiment.variable(
        "weight \(name)", geometry.weight, nil,
        isExact ? .quarters : .normal(deviation: deviation))
      let dy = experiment.input("dy \(name)", geometry.result, nil, contents)
      let kernel = experiment.graph.cast(weight, to: precision)
      var y = experiment.graph.convolve(x, with: kernel, geometry.convolution)
      var targets = [(x, "dx", geometry.weight[0] * inner), (weight, "dweight", sites)]
      if tail != .plain {
        let bias = experiment.variable("bias \(name)", [geometry.weight[0]], nil, contents)
        y = experiment.graph.biasAdd(y, bias)
        targets.append((bias, "dbias", sites))
      }
      if tail == .full {
        // Winograd's sums are not exact; off the multiples of 1/16, none of them is at the kink.
        let shift = isExact && isWinograd ? 1.0 / 32 : 0
        let elements = experiment.draw(contents, geometry.result.elementCount).map { $0 + shift }
        let residual = experiment.input(
          "residual \(name)", geometry.result, nil, .given(elements))
        y = experiment.graph.add(y, residual)
      }
      if tail != .plain { y = experiment.graph.activation(y, isExact ? .relu : .tanh) }
      let gradients = experiment.graph.gradients(
        seeds: [(y, dy)], withRespectTo: targets.map { $0.0 })
      // Winograd's algorithm passes by numbers that are larger than the sums.
      let share = isWinograd ? 4 : 1
      experiment.compare(
        "y \(name)", y, Tolerance(precision, reduction: share * inner, roundings: 4))
      for (gradient, target) in zip(gradients, targets) {
        let terms = (target.1 == "dbias" ? 1 : share) * (target.2 + inner)
        experiment.compare(
          "\(target.1) \(name)", gradient!,
          Tolerance(precision, reduction: terms, roundings: 6))
      }
    }
    try expectAgreement(experiment, on: subject)
  }
}
