import IsometryCore
import IsometryGraph
import TestSupport
import Testing

@Suite struct ReductionTests {
  static let sizes: [Shape] = [
    [1], [2, 1], [3, 5], [5, 33], [1, 1, 1, 1], [2, 3, 5, 7], [5, 17, 9, 9], [2, 16, 32, 32],
    [3, 17, 17, 11],
  ]

  @Test(arguments: BackendUnderTest.withEveryLayout)
  func reductions(subject: BackendUnderTest) throws {
    for precision in subject.supported([.float32, .bfloat16, .float16]) {
      var experiment = Experiment(seed: 1, precision: precision)
      var all: [Value] = []
      for shape in Self.sizes {
        let count = shape.elementCount
        // A mean other than 0 lets errors of long sums show.
        let x = experiment.input("x\(shape)", shape, nil, .normal(mean: 0.5))
        let y = experiment.input("y\(shape)", shape, nil, .normal(mean: 0.5))
        all.append(x)
        experiment.compare("sum\(shape)", experiment.graph.sum(x), reduction: count)
        experiment.compare("dot\(shape)", experiment.graph.dot(x, y), reduction: count)
        experiment.compare(
          "norm\(shape)", experiment.graph.appendOne(.norm(count: 1), x), reduction: count)
        let total = experiment.variable("total\(shape)", [1])
        experiment.compare(
          "broadcast\(shape)",
          experiment.graph.appendOne(.broadcast(TensorType(shape, precision)), total), .exact)
        guard shape.rank > 1 else { continue }
        experiment.compare(
          "channelSum\(shape)", experiment.graph.channelSum(x), reduction: count / shape[1])
        let bias = experiment.variable("bias\(shape)", [shape[1]])
        experiment.compare(
          "broadcastChannels\(shape)",
          experiment.graph.appendOne(.broadcastChannels(TensorType(shape, precision)), bias),
          .exact)
      }
      // A value of the step lies in other memory than inputs.
      all.append(experiment.graph.add(all[7], all[7]))
      let norm = experiment.graph.append(.norm(count: all.count), all)[0]
      experiment.compare("norm of all", norm, reduction: 80_000)
      try expectAgreement(experiment, on: subject)
    }
  }

  /// More partial sums than a group has work-items. Sums of ones are exact.
  @Test(arguments: BackendUnderTest.withEveryLayout)
  func longSums(subject: BackendUnderTest) throws {
    var experiment = Experiment(seed: 3, precision: .float32)
    let ones = experiment.input("ones", [2_200_001], nil, .uniform(1...1))
    experiment.compare("sum", experiment.graph.sum(ones), .exact)
    experiment.compare(
      "norm", experiment.graph.appendOne(.norm(count: 1), ones), .exact)
    try expectAgreement(experiment, on: subject)
  }

  /// The squares of these numbers overflow fp32, alone or together, and their norms do not.
  @Test(arguments: BackendUnderTest.withEveryLayout)
  func normsOfLargeNumbers(subject: BackendUnderTest) throws {
    for precision in subject.supported([.float32, .bfloat16]) {
      var experiment = Experiment(seed: 5, precision: precision)
      for (index, size) in [0x1p39, 0x1p41, 1e19, 1e28, 1e36].enumerated() {
        var elements = experiment.draw(.normal(), 5000)
        elements[7] = size
        elements[4321] = -size
        let x = experiment.input("x\(index)", [5000], nil, .given(elements))
        experiment.compare(
          "norm \(size)", experiment.graph.appendOne(.norm(count: 1), x), reduction: 5000)
        let parameter = experiment.variable("p\(index)", [10, 500])
        let gradient = experiment.graph.cast(
          experiment.graph.reshape(x, to: [10, 500]), to: .float32)
        let clipped = experiment.graph.append(
          .adaptiveClip(AdaptiveClip(share: 0.1, hasGradientScale: false)), [parameter, gradient])
        experiment.compare("clipped \(size)", clipped[0], reduction: 500)
      }
      try expectAgreement(experiment, on: subject)
    }
  }

  @Test(arguments: BackendUnderTest.withEveryLayout)
  func fills(subject: BackendUnderTest) throws {
    for precision in subject.supported([.float32, .bfloat16, .float16]) {
      var experiment = Experiment(seed: 2, precision: precision)
      for shape in Self.sizes {
        experiment.compare(
          "fill\(shape)",
          experiment.graph.append(.fill(-0.3, TensorType(shape, precision)))[0])
      }
      try expectAgreement(experiment, on: subject)
    }
  }
}
