import IsometryCore
import IsometryGraph
import TestSupport
import Testing

@Suite struct AdaptiveClipTests {
  /// Units of one element and of many; more units than a group of the kernel takes, and one less.
  static let shapes: [Shape] = [
    [5, 3, 3, 3], [33, 17, 1, 1], [15, 16, 5, 5], [3, 1], [2, 131], [7], [1],
  ]

  @Test(arguments: BackendUnderTest.all, [false, true])
  func gradientsOfUnitsAreLimited(subject: BackendUnderTest, hasGradientScale: Bool) throws {
    var experiment = Experiment(seed: 1)
    let scale = experiment.input("gradient scale", [1], .float32, .given([0.125]))
    var operands: [Value] = []
    for shape in Self.shapes {
      // Some units are clipped and some are not.
      operands.append(experiment.variable("parameter \(shape)", shape))
      operands.append(
        experiment.input(
          "gradient \(shape)", shape, nil, .normal(deviation: hasGradientScale ? 0.8 : 0.1)))
    }
    let clip = AdaptiveClip(share: 0.1, hasGradientScale: hasGradientScale)
    let results = experiment.graph.append(
      .adaptiveClip(clip), (hasGradientScale ? [scale] : []) + operands)
    for (shape, result) in zip(Self.shapes, results) {
      experiment.compare(
        "clipped \(shape)", result, reduction: AdaptiveClip.units(of: shape).length, roundings: 3)
    }
    try expectAgreement(experiment, on: subject)
  }

  /// ‖(3, 4)‖ = 5 allows a norm of 0.5; a unit of zeros one of 0.1·ε.
  @Test(arguments: BackendUnderTest.all)
  func aUnitIsARow(subject: BackendUnderTest) throws {
    var graph = Graph()
    let (parameter, gradient) = (graph.variable("p", [4, 2]), graph.input("g", [4, 2]))
    graph.output(
      "y", graph.append(.adaptiveClip(AdaptiveClip(share: 0.1)), [parameter, gradient])[0])
    let session = try subject.backend.makeSession(for: graph)
    try session.write(
      HostTensor([4, 2], [3, 4, 3, 4, 0, 0, 0, 0] as [Float]), toVariable: "p")
    try session.run(["g": HostTensor([4, 2], [6, 8, 0.3, 0.4, 0, 2, 0, 0] as [Float])])
    let found = try session.read(output: "y").doubles
    for (found, expected) in zip(found, [0.3, 0.4, 0.3, 0.4, 0, 1e-4, 0, 0]) {
      #expect(abs(found - expected) <= 1e-6 * max(expected, 1e-2), "\(subject)")
    }
  }

  @Test(arguments: BackendUnderTest.all)
  func notANumberStaysOne(subject: BackendUnderTest) throws {
    for (p, g) in [(Float.nan, Float(1)), (1, .nan), (1, .infinity)] {
      var graph = Graph()
      let (parameter, gradient) = (graph.variable("p", [2, 2]), graph.input("g", [2, 2]))
      graph.output(
        "y", graph.append(.adaptiveClip(AdaptiveClip(share: 0.1)), [parameter, gradient])[0])
      let session = try subject.backend.makeSession(for: graph)
      try session.write(HostTensor([2, 2], [p, 1, 1, 1]), toVariable: "p")
      try session.run(["g": HostTensor([2, 2], [g, 0.01, 0.01, 0.01])])
      let found = try session.read(output: "y").floats
      #expect(found[0].isNaN && found[2...].allSatisfy { $0 == 0.01 }, "\(subject) \(found)")
    }
  }
}
