import IsometryCore
import IsometryGraph
import IsometryNN
import TestSupport
import Testing

@Suite struct UpdateTests {
  static let rules: [Update.Rule] = [
    .sgd(momentum: 0, nesterov: false), .sgd(momentum: 0.9, nesterov: false),
    .sgd(momentum: 0.9, nesterov: true),
    .adam(beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decoupled: false),
    .adam(beta1: 0.9, beta2: 0.99, epsilon: 1e-6, decoupled: true),
    .rmsProp(alpha: 0.99, epsilon: 1e-8, momentum: 0),
    .rmsProp(alpha: 0.9, epsilon: 1e-3, momentum: 0.5),
  ]
  static let sizes: [Shape] = [
    [1], [3], [17], [64], [65, 3], [16, 3, 3, 3], [255], [257], [4097],
  ]

  /// Parameters of all sizes in one update each, with decay and without, then all updates at once.
  @Test(arguments: BackendUnderTest.all, [false, true])
  func rules(subject: BackendUnderTest, hasGradientScale: Bool) throws {
    var experiment = Experiment(seed: 1)
    let schedule = experiment.input("schedule", [2], .float32, .given([0.05, 3]))
    let scale = experiment.input("gradient scale", [1], .float32, .given([0.125]))
    for (index, rule) in Self.rules.enumerated() {
      for (position, shape) in Self.sizes.enumerated() {
        let name = "\(index) \(shape)"
        let parameter = experiment.variable("parameter \(name)", shape)
        let gradient = experiment.input("gradient \(name)", shape)
        var inputs = [schedule] + (hasGradientScale ? [scale] : []) + [parameter, gradient]
        var written = ["parameter \(name)"]
        for slotName in rule.slotNames {
          // Averages of squares are not negative.
          let isSquare = slotName.hasPrefix("s")
          inputs.append(
            experiment.variable(
              "\(slotName) \(name)", shape, nil, isSquare ? .uniform(0.1...2) : .normal()))
          written.append("\(slotName) \(name)")
        }
        let attributes = Update.Parameter(
          weightDecay: position % 2 == 0 ? 0.01 : 0, learningRateScale: position % 3 == 0 ? 0.5 : 1)
        experiment.graph.append(
          .update(
            Update(rule, parameters: [attributes], hasGradientScale: hasGradientScale)), inputs)
        for name in written { experiment.compareVariable(name, Tolerance(.float32)) }
      }
    }
    try expectAgreement(experiment, on: subject, steps: 3)
  }

  /// From slots of zero a step leaves new gradients alone in them, so that their shares 1 − β show to
  /// the last bits.
  @Test(arguments: BackendUnderTest.all)
  func sharesOfNewGradientsDoNotCancel(subject: BackendUnderTest) throws {
    var experiment = Experiment(seed: 6)
    let schedule = experiment.input("schedule", [2], .float32, .given([0.05, 1]))
    let rules: [Update.Rule] = [
      .adam(beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decoupled: false),
      .adam(beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decoupled: true),
      .rmsProp(alpha: 0.99, epsilon: 1e-8, momentum: 0),
    ]
    for (index, rule) in rules.enumerated() {
      let parameter = experiment.variable("parameter \(index)", [257])
      let gradient = experiment.input("gradient \(index)", [257])
      let slots = rule.slotNames.map { name in
        experiment.variable("\(name) \(index)", [257], nil, .normal(deviation: 0))
      }
      let update = Update(rule, parameters: [.init()], hasGradientScale: false)
      experiment.graph.append(.update(update), [schedule, parameter, gradient] + slots)
      for name in ["parameter"] + rule.slotNames {
        experiment.compareVariable("\(name) \(index)", Tolerance(.float32))
      }
    }
    try expectAgreement(experiment, on: subject)
  }

  @Test(arguments: BackendUnderTest.all)
  func aScaleOfZeroSkipsTheStep(subject: BackendUnderTest) throws {
    var experiment = Experiment(seed: 2)
    let schedule = experiment.input("schedule", [2], .float32, .given([0.05, 3]))
    let scale = experiment.input("gradient scale", [1], .float32, .given([0]))
    for (index, rule) in Self.rules.enumerated() {
      let parameter = experiment.variable("parameter \(index)", [5])
      let gradient = experiment.input(
        "gradient \(index)", [5], nil, .given([1, .nan, .infinity, -.infinity, 0]))
      let slots = rule.slotNames.map {
        experiment.variable("\($0) \(index)", [5], nil, .uniform(0.1...2))
      }
      let update = Update(
        rule, parameters: [.init(weightDecay: 0.1)], hasGradientScale: true)
      experiment.graph.append(.update(update), [schedule, scale, parameter, gradient] + slots)
      experiment.compareVariable("parameter \(index)", .exact)
      for name in rule.slotNames { experiment.compareVariable("\(name) \(index)", .exact) }
    }
    try expectAgreement(experiment, on: subject)
  }

  @Test(arguments: BackendUnderTest.all)
  func averagesAndSums(subject: BackendUnderTest) throws {
    var experiment = Experiment(seed: 3)
    for (index, shape) in Self.sizes.enumerated() {
      let value = experiment.input("value\(shape)", shape)
      let running = experiment.variable("running\(shape)", shape)
      let total = experiment.variable("total\(shape)", shape)
      let average = RunningAverage(momentum: 0.1, correction: 1 + Double(index) / 16)
      experiment.graph.append(.runningAverage([average]), [running, value])
      experiment.graph.append(.accumulate(count: 1), [total, value])
      experiment.compareVariable("running\(shape)", Tolerance(.float32))
      experiment.compareVariable("total\(shape)", Tolerance(.float32))
    }
    try expectAgreement(experiment, on: subject, steps: 3)
  }

  /// SGD with momentum for the weights of a convolution, from graph operations.
  @Test(arguments: BackendUnderTest.all)
  func variablesAreAssigned(subject: BackendUnderTest) throws {
    var experiment = Experiment(seed: 6)
    let schedule = experiment.input("schedule", [2], .float32, .given([0.0123, 1001]))
    let x = experiment.input("x", [2, 16, 5, 5])
    let weight = experiment.variable("weight", [32, 16, 3, 3])
    let momentum = experiment.variable("momentum", [32, 16, 3, 3])
    let y = experiment.graph.convolve(x, with: weight, padding: 1)
    let dy = experiment.input("dy", [2, 32, 5, 5])
    let gradient = experiment.graph.gradients(seeds: [(y, dy)], withRespectTo: [weight])[0]!
    let rate = experiment.graph.learningRate(of: schedule, as: .float32)
    let velocity = experiment.graph.add(experiment.graph.scale(momentum, by: 0.5), gradient)
    let change = experiment.graph.scalarMultiply(velocity, by: rate)
    experiment.graph.assign(velocity, to: momentum)
    experiment.graph.assign(experiment.graph.subtract(weight, change), to: weight)
    experiment.compare("y", y, reduction: 144, roundings: 2)
    experiment.compare("rate", rate, .exact)
    experiment.compare(
      "step", experiment.graph.stepNumber(of: schedule, as: .float32), .exact)
    experiment.compareVariable("momentum", Tolerance(.float32, reduction: 50, roundings: 4))
    experiment.compareVariable("weight", Tolerance(.float32, reduction: 50, roundings: 4))
    try expectAgreement(experiment, on: subject, steps: 2)
  }

  @Test(arguments: BackendUnderTest.all)
  func gradientScales(subject: BackendUnderTest) throws {
    var experiment = Experiment(seed: 4)
    let norms: [Double] = [0, 1e-12, 0.25, 1, 4, 1e12]
    for norm in norms + [.infinity, .nan] {
      let computed = experiment.input("norm \(norm)", [1], .float32, .given([norm]))
      let lossScale = experiment.input("scale \(norm)", [1], .float32, .given([1024]))
      for maximum in [nil, 1e-4, 1, 2000] as [Double?] {
        let limit = maximum.map { "\($0)" } ?? "anything"
        let name = "norm \(norm), at most \(limit)"
        experiment.compare(
          "\(name), scaled",
          experiment.graph.append(
            .gradientScale(GradientScale(maximumNorm: maximum, hasLossScale: true)),
            [computed, lossScale])[0])
        experiment.compare(
          name,
          experiment.graph.append(
            .gradientScale(GradientScale(maximumNorm: maximum, hasLossScale: false)), [computed])[0]
        )
      }
    }
    try expectAgreement(experiment, on: subject)
  }

  /// With a loss scale of 1 nothing is left to try: NaN instead of a skipped step, so that the run
  /// stops.
  @Test(arguments: BackendUnderTest.all)
  func anOverflowWithoutLossScaleLeftIsNotSkipped(subject: BackendUnderTest) throws {
    var graph = Graph()
    let norm = graph.input("norm", [1])
    let scale = graph.input("scale", [1])
    let rule = GradientScale(maximumNorm: nil, hasLossScale: true)
    graph.output("factor", graph.append(.gradientScale(rule), [norm, scale])[0])
    let session = try subject.backend.makeSession(for: graph)
    func factor(lossScale: Double) throws -> Double {
      try session.run([
        "norm": HostTensor([1], [Double.infinity]), "scale": HostTensor([1], [lossScale]),
      ])
      return try session.read(output: "factor").doubles[0]
    }
    #expect(try factor(lossScale: 2) == 0)
    #expect(try factor(lossScale: 1).isNaN)
  }

  @Test(arguments: BackendUnderTest.all)
  func lossScales(subject: BackendUnderTest) throws {
    var experiment = Experiment(seed: 5)
    for (index, (norm, scale, good)) in [
      (1.0, 1024.0, 0.0), (1, 1024, 3), (.infinity, 1024, 3), (.nan, 1024, 0), (1, 0x1p24, 3),
      (.infinity, 2, 0), (.infinity, 1, 0),
    ].enumerated() {
      let computed = experiment.input("norm \(index)", [1], .float32, .given([norm]))
      let lossScale = experiment.variable("scale \(index)", [1], nil, .given([scale]))
      let steps = experiment.variable("good \(index)", [1], nil, .given([good]))
      experiment.graph.append(
        .lossScaleUpdate(LossScaling(growthInterval: 4)), [lossScale, steps, computed])
      experiment.compareVariable("scale \(index)", .exact)
      experiment.compareVariable("good \(index)", .exact)
    }
    try expectAgreement(experiment, on: subject, steps: 2)
  }
}
