import IsometryCore
import IsometryGraph
import TestSupport
import Testing

@Suite struct PoolingTests {
  static func poolings(_ kind: Pooling.Kind) -> [(Shape, Pooling)] {
    let images: [Shape] = [
      [1, 1, 1, 1], [2, 3, 5, 7], [1, 17, 8, 8], [5, 5, 9, 9], [2, 16, 9, 4],
    ]
    let windows: [(Int, Int, Int)] = [
      (1, 1, 0), (1, 2, 0), (2, 2, 0), (2, 1, 1), (3, 2, 1), (3, 1, 1), (3, 3, 2), (5, 2, 2),
    ]
    var found = [
      (
        [2, 3, 7, 9] as Shape,
        Pooling(kind, window: .init(2, 3), stride: .init(1, 2), padding: .init(0, 1))
      )
    ]
    for image in images {
      for (window, stride, padding) in windows {
        guard min(image[2], image[3]) + 2 * padding >= window else { continue }
        let pooling = Pooling(
          kind, window: .init(window), stride: .init(stride), padding: .init(padding))
        found.append((image, pooling))
      }
    }
    return found
  }

  /// Quarters hold many equal elements: the gradient of a maximum goes to the first of them.
  @Test(arguments: BackendUnderTest.withEveryLayout)
  func maxima(subject: BackendUnderTest) throws {
    for precision in subject.supported([.float32, .bfloat16, .float16]) {
      var experiment = Experiment(seed: 1, precision: precision)
      for (index, (shape, pooling)) in Self.poolings(.max).enumerated() {
        let name = "\(index): \(shape) \(pooling)"
        let x = experiment.input("x \(name)", shape, nil, .quarters)
        let y = experiment.graph.pool(x, pooling)
        let dy = experiment.input("dy \(name)", experiment.graph.shape(of: y), nil, .quarters)
        let gradients = experiment.graph.gradients(seeds: [(y, dy)], withRespectTo: [x])
        experiment.compare(name, y, .exact)
        experiment.compare(
          "dx \(name)", gradients[0]!, Tolerance(precision, reduction: 25, roundings: 2))
        let tangent = experiment.input("tangent \(name)", shape)
        experiment.compare(
          "tangent of \(name)",
          experiment.graph.appendOne(.maxPoolTangent(pooling), tangent, x), .exact)
      }
      try expectAgreement(experiment, on: subject)
    }
  }

  @Test(arguments: BackendUnderTest.withEveryLayout)
  func negativeImagesStayNegativeUnderPadding(subject: BackendUnderTest) throws {
    var experiment = Experiment(seed: 2)
    let x = experiment.input("x", [2, 3, 5, 5], nil, .uniform(-9 ... -1))
    let y = experiment.graph.pool(
      x, Pooling(.max, window: .init(3), stride: .init(2), padding: .init(1)))
    experiment.compare("y", y, .exact)
    try expectAgreement(experiment, on: subject)
  }

  /// NaN takes a window wherever in it it lies, and the window's gradient goes to the first NaN.
  @Test(arguments: BackendUnderTest.withEveryLayout)
  func notANumberWinsItsWindow(subject: BackendUnderTest) throws {
    for channels in [1, 16] {
      var experiment = Experiment(seed: 5)
      var pixels = experiment.draw(.normal(), 25 * channels)
      for channel in 0..<channels {
        for place in [7, 8, 18] { pixels[25 * channel + place] = .nan }
      }
      let x = experiment.input("x", [1, channels, 5, 5], nil, .given(pixels))
      let y = experiment.graph.pool(
        x, Pooling(.max, window: .init(3), stride: .init(2), padding: .init(1)))
      let dy = experiment.input("dy", [1, channels, 3, 3])
      experiment.compare("y", y, .exact)
      let gradients = experiment.graph.gradients(seeds: [(y, dy)], withRespectTo: [x])
      experiment.compare("dx", gradients[0]!)
      try expectAgreement(experiment, on: subject)
    }
  }

  @Test(arguments: BackendUnderTest.withEveryLayout)
  func averages(subject: BackendUnderTest) throws {
    for precision in subject.supported([.float32, .bfloat16, .float16]) {
      var experiment = Experiment(seed: 3, precision: precision)
      for (index, (shape, pooling)) in Self.poolings(.average).enumerated() {
        let name = "\(index): \(shape) \(pooling)"
        let x = experiment.input("x \(name)", shape)
        let y = experiment.graph.pool(x, pooling)
        let dy = experiment.input("dy \(name)", experiment.graph.shape(of: y))
        let gradients = experiment.graph.gradients(seeds: [(y, dy)], withRespectTo: [x])
        experiment.compare(name, y, reduction: 25)
        experiment.compare("dx \(name)", gradients[0]!, reduction: 25)
      }
      try expectAgreement(experiment, on: subject)
    }
  }

  @Test(arguments: BackendUnderTest.withEveryLayout)
  func globalAverages(subject: BackendUnderTest) throws {
    for precision in subject.supported([.float32, .bfloat16, .float16]) {
      var experiment = Experiment(seed: 4, precision: precision)
      for shape in [
        [1, 1, 1, 1], [2, 3, 5, 7], [5, 33, 8, 8], [2, 64, 9, 9], [1, 5, 32, 32],
      ] as [Shape] {
        let x = experiment.input("x\(shape)", shape)
        let y = experiment.graph.globalAveragePool(x)
        let dy = experiment.input("dy\(shape)", [shape[0], shape[1]])
        let gradients = experiment.graph.gradients(seeds: [(y, dy)], withRespectTo: [x])
        experiment.compare("y\(shape)", y, reduction: shape.elementCount(from: 2))
        experiment.compare("dx\(shape)", gradients[0]!)
      }
      try expectAgreement(experiment, on: subject)
    }
  }
}
