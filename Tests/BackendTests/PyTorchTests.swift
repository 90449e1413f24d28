import IsometryCore
import IsometryGraph
import IsometryReference
import TestSupport
import Testing

/// The reference in double precision computes what PyTorch computes.
@Suite struct PyTorchTests {
  private struct ConvolutionCase: Decodable {
    let xShape, weightShape, yShape, stride, padding: [Int]
    let x, weight, bias, dy, y, dx, dweight, dbias: [Double]
  }

  @Test func convolutions() throws {
    for item in try PyTorchFixture.load("convolution", as: [ConvolutionCase].self) {
      let convolution = Convolution(
        stride: .init(item.stride[0], item.stride[1]),
        padding: .init(item.padding[0], item.padding[1]))
      var computation = DoubleComputation()
      let x = computation.variable("x", Shape(item.xShape), item.x)
      let weight = computation.variable("weight", Shape(item.weightShape), item.weight)
      let bias = computation.variable("bias", [item.weightShape[0]], item.bias)
      let dy = computation.variable("dy", Shape(item.yShape), item.dy)
      let y = computation.graph.biasAdd(
        computation.graph.convolve(x, with: weight, convolution), bias)
      let gradients = computation.graph.gradients(
        seeds: [(y, dy)], withRespectTo: [x, weight, bias])
      computation.expect("y", y, item.y)
      computation.expect("dx", gradients[0]!, item.dx)
      computation.expect("dweight", gradients[1]!, item.dweight)
      computation.expect("dbias", gradients[2]!, item.dbias)
      try computation.check("\(item.xShape) ∗ \(item.weightShape)")
    }
  }

  private struct NormalizationStep: Decodable {
    let x, dy, y, dx, dscale, dshift: [Double]
    let runningMean, runningVariance: [Double]?
  }

  private struct NormalizationCase: Decodable {
    let shape: [Int]
    let epsilon, momentum: Double
    let scale, shift: [Double]
    let steps: [NormalizationStep]
    let evaluation: NormalizationStep
  }

  @Test func batchNormalization() throws {
    for item in try PyTorchFixture.load("batch_normalization", as: [NormalizationCase].self) {
      let shape = Shape(item.shape)
      let count = Double(shape.elementCount / shape[1])
      var runningMean = [Double](repeating: 0, count: shape[1])
      var runningVariance = [Double](repeating: 1, count: shape[1])
      for (index, step) in item.steps.enumerated() {
        var computation = DoubleComputation()
        let x = computation.variable("x", shape, step.x)
        let scale = computation.variable("scale", [shape[1]], item.scale)
        let shift = computation.variable("shift", [shape[1]], item.shift)
        let dy = computation.variable("dy", shape, step.dy)
        let mean = computation.variable("running mean", [shape[1]], runningMean)
        let variance = computation.variable("running variance", [shape[1]], runningVariance)
        let result = computation.graph.batchNormalization(
          x, scale: scale, shift: shift, epsilon: item.epsilon)
        let gradients = computation.graph.gradients(
          seeds: [(result.y, dy)], withRespectTo: [x, scale, shift])
        let averages = [
          RunningAverage(momentum: item.momentum),
          RunningAverage(momentum: item.momentum, correction: count / (count - 1)),
        ]
        computation.graph.append(
          .runningAverage(averages), [mean, result.mean, variance, result.variance])
        computation.expect("y", result.y, step.y)
        computation.expect("dx", gradients[0]!, step.dx)
        computation.expect("dscale", gradients[1]!, step.dscale)
        computation.expect("dshift", gradients[2]!, step.dshift)
        try computation.check("\(shape) step \(index)")
        let session = try computation.makeSession()
        try session.run()
        expectEqual(
          try session.read(variable: "running mean").doubles, step.runningMean!, "running mean")
        expectEqual(
          try session.read(variable: "running variance").doubles, step.runningVariance!,
          "running variance")
        (runningMean, runningVariance) = (step.runningMean!, step.runningVariance!)
      }
      try checkEvaluation(item, shape, mean: runningMean, variance: runningVariance)
    }
  }

  private func checkEvaluation(
    _ item: NormalizationCase, _ shape: Shape, mean: [Double], variance: [Double]
  ) throws {
    var computation = DoubleComputation()
    let x = computation.variable("x", shape, item.evaluation.x)
    let scale = computation.variable("scale", [shape[1]], item.scale)
    let shift = computation.variable("shift", [shape[1]], item.shift)
    let dy = computation.variable("dy", shape, item.evaluation.dy)
    let y = computation.graph.frozenNormalization(
      x, scale: scale, shift: shift,
      mean: computation.variable("mean", [shape[1]], mean),
      variance: computation.variable("variance", [shape[1]], variance), epsilon: item.epsilon)
    let gradients = computation.graph.gradients(
      seeds: [(y, dy)], withRespectTo: [x, scale, shift])
    computation.expect("y", y, item.evaluation.y)
    computation.expect("dx", gradients[0]!, item.evaluation.dx)
    computation.expect("dscale", gradients[1]!, item.evaluation.dscale)
    computation.expect("dshift", gradients[2]!, item.evaluation.dshift)
    try computation.check("\(shape) evaluation")
  }

  private struct LossCase: Decodable {
    let smoothing: Double
    let shape: [Int]
    let logits: [Double]
    let labels: [Int32]
    let loss, correct: Double
    let gradient: [Double]
  }

  @Test func crossEntropy() throws {
    for item in try PyTorchFixture.load("cross_entropy", as: [LossCase].self) {
      var computation = DoubleComputation()
      let logits = computation.variable("logits", Shape(item.shape), item.logits)
      let labels = computation.graph.input("labels", [item.shape[0]], .int32)
      let result = computation.graph.softmaxCrossEntropy(
        logits, labels: labels, labelSmoothing: item.smoothing)
      computation.expect("loss", result.loss, [item.loss])
      computation.expect("correct", result.correct, [item.correct])
      computation.expect("gradient", result.gradient, item.gradient)
      try computation.check(
        "smoothing \(item.smoothing)",
        inputs: ["labels": HostTensor([item.labels.count], item.labels)])
    }
  }

  private struct ActivationTable: Decodable {
    struct Function: Decodable {
      let name: String
      let values, derivatives: [Double]
    }
    let points: [Double]
    let functions: [Function]
  }

  @Test func activations() throws {
    let table = try PyTorchFixture.load("activations", as: ActivationTable.self)
    #expect(table.functions.map(\.name).sorted() == Activation.allNamed.map(\.name).sorted())
    for function in table.functions {
      let activation = try #require(Activation(named: function.name))
      expectEqual(table.points.map { activation($0) }, function.values, function.name)
      expectEqual(
        table.points.map { activation.derivative($0) }, function.derivatives,
        "\(function.name) derivative")
      guard activation.hasDerivativeFromOutput else { continue }
      expectEqual(
        function.values.map { activation.derivative(fromOutput: $0) }, function.derivatives,
        "\(function.name) derivative from its value")
    }
  }

  private struct PoolingCase: Decodable {
    let kind: String
    let shape, window, stride, padding, yShape: [Int]
    let x, dy, y, dx: [Double]
  }

  @Test func pooling() throws {
    for item in try PyTorchFixture.load("pooling", as: [PoolingCase].self) {
      let pooling = Pooling(
        try #require(Pooling.Kind(rawValue: item.kind)),
        window: .init(item.window[0], item.window[1]),
        stride: .init(item.stride[0], item.stride[1]),
        padding: .init(item.padding[0], item.padding[1]))
      var computation = DoubleComputation()
      let x = computation.variable("x", Shape(item.shape), item.x)
      let dy = computation.variable("dy", Shape(item.yShape), item.dy)
      let y = computation.graph.pool(x, pooling)
      let gradients = computation.graph.gradients(seeds: [(y, dy)], withRespectTo: [x])
      computation.expect("y", y, item.y)
      computation.expect("dx", gradients[0]!, item.dx)
      try computation.check("\(pooling) of \(item.shape)")
    }
  }

  private struct OptimizerCase: Decodable {
    let name: String
    let rate, decay: Double
    let initial: [Double]
    let gradients, after: [[Double]]
  }

  private static let rules: [String: Update.Rule] = [
    "sgd": .sgd(momentum: 0, nesterov: false), "sgd decay": .sgd(momentum: 0, nesterov: false),
    "momentum": .sgd(momentum: 0.9, nesterov: false),
    "nesterov": .sgd(momentum: 0.9, nesterov: true),
    "adam": .adam(beta1: 0.9, beta2: 0.99, epsilon: 1e-6, decoupled: false),
    "adamw": .adam(beta1: 0.9, beta2: 0.99, epsilon: 1e-6, decoupled: true),
    "rmsprop": .rmsProp(alpha: 0.9, epsilon: 1e-6, momentum: 0),
    "rmsprop momentum": .rmsProp(alpha: 0.9, epsilon: 1e-6, momentum: 0.5),
  ]

  @Test func optimizers() throws {
    let cases = try PyTorchFixture.load("optimizers", as: [OptimizerCase].self)
    #expect(Set(cases.map(\.name)) == Set(Self.rules.keys))
    for item in cases {
      let rule = try #require(Self.rules[item.name])
      let shape: Shape = [item.initial.count]
      var computation = DoubleComputation()
      let parameter = computation.variable("parameter", shape, item.initial)
      let gradient = computation.graph.variable("gradient", shape, .float64)
      let slots = rule.slotNames.map { computation.graph.variable($0, shape, .float64) }
      let schedule = computation.graph.input("schedule", [2])
      let update = Update(
        rule, parameters: [.init(weightDecay: item.decay)], hasGradientScale: false)
      computation.graph.append(.update(update), [schedule, parameter, gradient] + slots)
      let session = try computation.makeSession()
      for (index, (elements, after)) in zip(item.gradients, item.after).enumerated() {
        try session.write(HostTensor(shape, elements, as: .float64), toVariable: "gradient")
        try session.run(["schedule": HostTensor([2], [item.rate, Double(index + 1)])])
        expectEqual(
          try session.read(variable: "parameter").doubles, after, "\(item.name) step \(index + 1)")
      }
    }
  }
}
