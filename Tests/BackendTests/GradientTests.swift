import IsometryCore
import IsometryGraph
import TestSupport
import Testing

/// One operation, or a few, whose derivatives are checked.
struct DifferentiableCase: Sendable, CustomTestStringConvertible {
  let testDescription: String
  /// The outputs.
  let build: @Sendable (inout GradientCheck) -> [Value]

  init(_ description: String, _ build: @escaping @Sendable (inout GradientCheck) -> Value) {
    self.init(description) { [build(&$0)] }
  }

  init(_ description: String, _ build: @escaping @Sendable (inout GradientCheck) -> [Value]) {
    testDescription = description
    self.build = build
  }

  static let pointwise: [DifferentiableCase] = [
    DifferentiableCase("add") { $0.graph.add($0.operand([3, 4]), $0.operand([3, 4])) },
    DifferentiableCase("subtract") { $0.graph.subtract($0.operand([3, 4]), $0.operand([3, 4])) },
    DifferentiableCase("multiply") { $0.graph.multiply($0.operand([3, 4]), $0.operand([3, 4])) },
    DifferentiableCase("square") {
      let x = $0.operand([3, 4])
      return $0.graph.multiply(x, x)
    },
    DifferentiableCase("scale") { $0.graph.scale($0.operand([3, 4]), by: -2.5) },
    DifferentiableCase("scalarMultiply") {
      $0.graph.scalarMultiply($0.operand([3, 4]), by: $0.operand([1]))
    },
    DifferentiableCase("scalarAdd") { $0.graph.scalarAdd($0.operand([3, 4]), $0.operand([1])) },
    DifferentiableCase("biasAdd") {
      $0.graph.biasAdd($0.operand([2, 3, 4, 5]), $0.operand([3]))
    },
    DifferentiableCase("reshape") { $0.graph.reshape($0.operand([3, 4]), to: [2, 6]) },
    DifferentiableCase("sum") { $0.graph.sum($0.operand([3, 4])) },
    DifferentiableCase("dot") { $0.graph.dot($0.operand([3, 4]), $0.operand([3, 4])) },
    DifferentiableCase("channelSum") { $0.graph.channelSum($0.operand([2, 3, 4, 5])) },
    DifferentiableCase("broadcast") {
      $0.graph.appendOne(.broadcast(TensorType([3, 4], .float64)), $0.operand([1]))
    },
    DifferentiableCase("broadcastChannels") {
      $0.graph.appendOne(.broadcastChannels(TensorType([2, 3, 4, 5], .float64)), $0.operand([3]))
    },
  ]

  static let activations: [DifferentiableCase] =
    (Activation.allNamed + [.leakyReLU(slope: 0.3), .elu(alpha: 0.5)]).flatMap { activation in
      let references: [ActivationGradient.Reference] =
        activation.hasDerivativeFromOutput ? [.input, .output] : [.input]
      return [
        DifferentiableCase("\(activation)") {
          $0.graph.appendOne(.activation(activation), $0.operand([5, 7]))
        }
      ]
        + references.map { reference in
          DifferentiableCase("gradient of \(activation) from \(reference)") {
            let (dy, other) = ($0.operand([5, 7]), $0.operand([5, 7]))
            let gradient = ActivationGradient(activation, reference: reference, addends: 2)
            let x = $0.constant([5, 7])
            return $0.graph.append(.activationGradient(gradient), [dy, other, x])[0]
          }
        }
    }

  static let products: [DifferentiableCase] =
    [(false, false), (false, true), (true, false), (true, true)].map { left, right in
      DifferentiableCase("matrixMultiply, transposed \(left), \(right)") {
        let a = $0.operand(left ? [4, 3] : [3, 4])
        let b = $0.operand(right ? [5, 4] : [4, 5])
        return $0.graph.matrixMultiply(a, b, transposeLeft: left, transposeRight: right)
      }
    } + [
      DifferentiableCase("matrixMultiply of several matrices") {
        $0.graph.matrixMultiply($0.operand([2, 4, 3]), $0.operand([2, 4, 5]), transposeLeft: true)
      },
      DifferentiableCase("matrixMultiply with an epilogue") {
        let epilogue = Epilogue(hasBias: true, hasResidual: true, activation: .softplus)
        let inputs = [
          $0.operand([3, 4]), $0.operand([4, 5]), $0.operand([5]), $0.operand([3, 5]),
        ]
        return $0.graph.append(.matrixMultiply(MatrixMultiply(epilogue: epilogue)), inputs)
      },
    ]

  static let convolutions: [DifferentiableCase] = [
    Convolution(), Convolution(stride: .init(2), padding: .init(1)),
    Convolution(stride: .init(1, 3), padding: .init(2, 0)),
  ].flatMap { convolution in
    let (x, weight): (Shape, Shape) = ([2, 3, 6, 7], [4, 3, 3, 2])
    let y = convolution.resultShape(input: x, weight: weight)!
    return [
      DifferentiableCase("convolution \(convolution)") {
        $0.graph.convolve($0.operand(x), with: $0.operand(weight), convolution)
      },
      DifferentiableCase("convolution \(convolution) with an epilogue") {
        let epilogue = Epilogue(hasBias: true, hasResidual: true, activation: .tanh)
        let inputs = [$0.operand(x), $0.operand(weight), $0.operand([4]), $0.operand(y)]
        return $0.graph.append(.convolution(convolution, epilogue), inputs)
      },
      DifferentiableCase("convolutionInputGradient \(convolution)") {
        $0.graph.appendOne(
          .convolutionInputGradient(convolution, inputShape: x), $0.operand(y), $0.operand(weight))
      },
      DifferentiableCase("convolutionWeightGradient \(convolution)") {
        $0.graph.append(
          .convolutionWeightGradient(convolution, weightShape: weight, withBias: true),
          [$0.operand(y), $0.operand(x)])
      },
    ]
  }

  static let standardizations: [DifferentiableCase] = ([[3, 5], [2, 3, 2, 2]] as [Shape]).map {
    shape in
    DifferentiableCase("weightStandardization \(shape)") {
      let weight = $0.operand(shape, .normal(deviation: 0.4, mean: 0.2))
      return $0.graph.standardized(
        weight, gain: $0.operand([shape[0]]), factor: 1.7, epsilon: 0.1, as: .float64)
    }
  }

  static let normalizations: [DifferentiableCase] = ([[6, 3], [2, 3, 4, 5]] as [Shape]).flatMap {
    shape in
    [Epilogue.none, Epilogue(hasResidual: true, activation: .softplus)].flatMap { epilogue in
      let normalization = Normalization(epsilon: 1e-3, epilogue: epilogue)
      let suffix = "\(shape) \(epilogue)"
      return [
        DifferentiableCase("batchNormalization \(suffix)") {
          var inputs = [$0.operand(shape), $0.operand([3]), $0.operand([3])]
          if epilogue.hasResidual { inputs.append($0.operand(shape)) }
          return [$0.graph.append(.batchNormalization(normalization), inputs)[0]]
        },
        DifferentiableCase("frozenNormalization \(suffix)") {
          var inputs = [$0.operand(shape), $0.operand([3]), $0.operand([3])]
          inputs += [$0.constant([3]), $0.constant([3], .uniform(0.5...2))]
          if epilogue.hasResidual { inputs.append($0.operand(shape)) }
          return $0.graph.append(.frozenNormalization(normalization), inputs)
        },
      ]
    }
  }

  static let poolings: [DifferentiableCase] =
    [
      (Convolution.Pair(2), Convolution.Pair(2), Convolution.Pair(0)),
      (.init(3), .init(2), .init(1)), (.init(2, 3), .init(1, 2), .init(0, 1)),
    ].flatMap { window, stride, padding in
      let x: Shape = [2, 3, 6, 7]
      let average = Pooling(.average, window: window, stride: stride, padding: padding)
      let maximum = Pooling(.max, window: window, stride: stride, padding: padding)
      return [
        DifferentiableCase("pool \(average)") { $0.graph.pool($0.operand(x), average) },
        DifferentiableCase("pool \(maximum)") { $0.graph.pool($0.operand(x), maximum) },
        DifferentiableCase("averagePoolGradient \(average)") {
          let y = $0.graph.pool($0.constant(x), average)
          let dy = $0.operand($0.graph.shape(of: y))
          return $0.graph.appendOne(.averagePoolGradient(average, inputShape: x), dy)
        },
        DifferentiableCase("maxPoolGradient \(maximum)") {
          let image = $0.constant(x)
          let y = $0.graph.pool(image, maximum)
          let dy = $0.operand($0.graph.shape(of: y))
          return $0.graph.appendOne(.maxPoolGradient(maximum), dy, image)
        },
        DifferentiableCase("maxPoolTangent \(maximum)") {
          $0.graph.appendOne(.maxPoolTangent(maximum), $0.operand(x), $0.constant(x))
        },
      ]
    } + [
      DifferentiableCase("globalAveragePool") {
        $0.graph.globalAveragePool($0.operand([2, 3, 4, 5]))
      },
      DifferentiableCase("globalAveragePoolGradient") {
        $0.graph.appendOne(
          .globalAveragePoolGradient(inputShape: [2, 3, 4, 5]), $0.operand([2, 3]))
      },
    ]
}

/// Every operation's vector–Jacobian and Jacobian–vector products.
@Suite struct GradientTests {
  @Test(arguments: DifferentiableCase.pointwise)
  func pointwise(operation: DifferentiableCase) throws { try check(operation) }

  @Test(arguments: DifferentiableCase.activations)
  func activations(operation: DifferentiableCase) throws { try check(operation) }

  @Test(arguments: DifferentiableCase.products)
  func products(operation: DifferentiableCase) throws { try check(operation) }

  @Test(arguments: DifferentiableCase.convolutions)
  func convolutions(operation: DifferentiableCase) throws { try check(operation) }

  @Test(arguments: DifferentiableCase.normalizations)
  func normalizations(operation: DifferentiableCase) throws { try check(operation) }

  @Test(arguments: DifferentiableCase.standardizations)
  func standardizations(operation: DifferentiableCase) throws { try check(operation) }

  @Test(arguments: DifferentiableCase.poolings)
  func poolings(operation: DifferentiableCase) throws { try check(operation) }

  @Test(arguments: [0, 0.2], [nil, 0.7] as [Float?])
  func crossEntropy(smoothing: Double, share: Float?) throws {
    var check = GradientCheck(seed: 1)
    let logits = check.operand([5, 4])
    let labels = check.graph.input("labels", [5], .int32)
    let mixing = share.map { _ in check.graph.input("mixing", [1]) }
    let loss = check.graph.softmaxCrossEntropy(
      logits, labels: labels, labelSmoothing: smoothing, mixing: mixing)
    var inputs = ["labels": HostTensor([5], [0, 3, -1, 2, 2])]
    if let share { inputs["mixing"] = HostTensor([1], [share]) }
    expectAgreement(try check.derivatives(of: [loss.loss], inputs: inputs))
  }

  private func check(_ operation: DifferentiableCase) throws {
    for seed in 1...3 as ClosedRange<UInt64> {
      var check = GradientCheck(seed: seed)
      let outputs = operation.build(&check)
      expectAgreement(try check.derivatives(of: outputs))
    }
  }
}

/// Central differences agree to about h² and the rounding of the value over h; the two products to
/// rounding.
func expectAgreement(
  _ derivatives: GradientCheck.Derivatives, sourceLocation: SourceLocation = #_sourceLocation
) {
  let scale = derivatives.scale
  #expect(scale > 0, sourceLocation: sourceLocation)
  #expect(
    abs(derivatives.byDifferences - derivatives.byPulling) < 1e-7 * scale,
    sourceLocation: sourceLocation)
  #expect(
    abs(derivatives.byPushing - derivatives.byPulling) < 1e-12 * scale,
    sourceLocation: sourceLocation)
}
