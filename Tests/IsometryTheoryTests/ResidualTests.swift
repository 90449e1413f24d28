import Foundation
import IsometryCore
import RealModule
import Synchronization
import Testing

@testable import IsometryTheory

@Suite struct ResidualTests {
  // MARK: docs/theory.md's tables

  /// σ_w for L = 10 and 50, c = 0.125, 0.5 and 1; a = 1, σ_b = 0, μ⁰ = 0, M⁰ = 1.
  static let calibrated: [(Activation, [Double])] = [
    (.linear, [0.353553, 0.707107, 1, 0.353553, 0.707107, 1]),
    (.relu, [0.5, 1, 1.414214, 0.5, 1, 1.414214]),
    (.leakyReLU(slope: 0.05), [0.499376, 0.998752, 1.412449, 0.499376, 0.998752, 1.412449]),
    (.hardTanh, [0.353553, 0.707143, 1.007795, 0.353553, 0.707107, 1.000001]),
    (.tanh, [0.358230, 0.751552, 1.157373, 0.354494, 0.716220, 1.033718]),
    (.erf, [0.316600, 0.658285, 1.001358, 0.313984, 0.633033, 0.910021]),
    (.sigmoid, [1.812554, 5.328224, 10.175545, 2.408239, 7.309602, 13.726451]),
    (.elu(alpha: 1), [0.369218, 0.771773, 1.135206, 0.360724, 0.738055, 1.069179]),
    (.selu, [0.255745, 0.539821, 0.806319, 0.249451, 0.513924, 0.753948]),
    (.softplus, [0.667597, 1.245111, 1.687259, 0.613925, 1.133785, 1.551193]),
    (.silu, [0.690660, 1.301313, 1.725596, 0.703434, 1.379617, 1.869125]),
    (.gelu, [0.670765, 1.213818, 1.585270, 0.698032, 1.332113, 1.728207]),
    (.shiftedReLU, [0.353553, 0.707125, 1.003785, 0.353553, 0.707107, 1.000000]),
  ]

  private func model(_ activation: Activation, depth: Int) -> ResidualModel {
    ResidualModel(
      activation: ActivationFunction(activation), depth: depth, weightDeviation: 1)
  }

  @Test func calibrationGivesTheTable() throws {
    for (activation, row) in Self.calibrated {
      let levels = [0.125, 0.5, 1]
      for (index, expected) in row.enumerated() {
        let depth = index < levels.count ? 10 : 50
        let level = levels[index % levels.count]
        let calibration = try model(activation, depth: depth).calibrated(to: level)
        expectClose(
          calibration.weightDeviation, expected, relative: 0, absolute: 6e-7,
          "\(activation.name) L = \(depth), c = \(level)")
        expectClose(
          calibration.scaledEntryDeviation, expected / Double(depth).squareRoot(), relative: 5e-6)
      }
    }
  }

  @Test func theReLUsMeanGrows() throws {
    let signal = try model(.relu, depth: 20).signal()
    let last = try #require(signal.layers.last)
    expectClose(last.meanSquare, 10.8997, relative: 0, absolute: 5e-5)
    expectClose(last.mean, 2.970427377991225, relative: 1e-9)
    expectClose(signal.cumulant, 0.5, relative: 1e-14)
  }

  // MARK: the whole domain

  @Test(arguments: Activation.allNamed)
  func calibrationIsInvertedByTheSignal(_ activation: Activation) throws {
    for depth in [1, 2, 30, 100, 1000] {
      for level in [1e-6, 0.01, 0.5, 4, 50] {
        for (skipWeight, bias) in [(1.0, 0.0), (0.97, 0.3), (1.2, 0)] {
          // Beyond, the skips alone take the signal out of Double.
          guard Double(depth) * Double.log(skipWeight) < 100 else { continue }
          var model = model(activation, depth: depth)
          model.skipWeight = skipWeight
          model.biasDeviation = bias
          model.inputMean = 0.2
          model.weightDeviation = try model.calibrated(to: level).weightDeviation
          expectClose(
            try model.signal().scaledCumulant, level, relative: 1e-11,
            "\(activation.name) L = \(depth), a = \(skipWeight)")
        }
      }
    }
  }

  @Test(arguments: Activation.allNamed)
  func tenThousandBlocksAreCalibrated(_ activation: Activation) throws {
    var model = model(activation, depth: 10_000)
    model.weightDeviation = try model.calibrated(to: 0.5).weightDeviation
    expectClose(try model.signal().cumulant, 0.5, relative: 1e-11)
  }

  @Test func interpolatedMomentsAreTheMoments() throws {
    for activation in [Activation.tanh, .sigmoid, .softplus, .silu, .gelu] {
      let function = ActivationFunction(activation)
      var table = MomentTable(function, isInterpolating: true)
      let exponents =
        Array(stride(from: -10.05, through: 9, by: 0.173)) + [
          -250, -100, -40, -18, 11, 40, 100, 250,
        ]
      for exponent in exponents {
        let q = Double.pow(10, exponent)
        let expected = try function.moments(variance: q)
        let moments = try table.moments(variance: q)
        let comment = "\(activation.name) at \(q)"
        expectClose(
          moments.mean, expected.mean, relative: 1e-13, absolute: 1e-16, comment)
        expectClose(moments.meanSquare, expected.meanSquare, relative: 1e-13, comment)
        expectClose(moments.slopeSquare, expected.slopeSquare, relative: 1e-13, comment)
        expectClose(moments.slopeFourth, expected.slopeFourth, relative: 1e-13, comment)
      }
    }
  }

  @Test func aUsersOwnActivationIsCalibrated() throws {
    let function = ActivationFunction(
      name: "arctan", value: { atan($0) }, slope: { 1 / (1 + $0 * $0) })
    var model = ResidualModel(activation: function, depth: 20, weightDeviation: 1)
    model.weightDeviation = try model.calibrated(to: 0.5).weightDeviation
    expectClose(try model.signal().cumulant, 0.5, relative: 1e-11)
  }

  /// Signals that decay to nothing, or grow beyond Double, pass through a thousand octaves.
  @Test(arguments: [
    (Activation.tanh, 0.5, 0.9), (.tanh, 50, 0.5), (.silu, 5, 0.5), (.silu, 50, 1),
    (.softplus, 50, 1),
    (.gelu, 0.5, 0.9), (.tanh, 0.5, 1.03),
  ])
  func deepSignalsNeedFewMoments(
    activation: Activation, level: Double, skipWeight: Double
  ) throws {
    let calls = Atomic(0)
    let own = ActivationFunction(
      name: "own",
      value: {
        calls.add(1, ordering: .relaxed)
        return activation($0)
      }, slope: { activation.derivative($0) })
    _ = try own.moments(variance: 1)
    let callsPerMoment = calls.load(ordering: .relaxed)
    var model = ResidualModel(activation: own, depth: 10_000, weightDeviation: 1)
    model.skipWeight = skipWeight
    let found = try model.calibrated(to: level).weightDeviation
    // 18 nodes for each of some octaves, where there are 48 at most.
    #expect(calls.load(ordering: .relaxed) < 1500 * callsPerMoment)
    model.activation = ActivationFunction(activation)
    expectClose(try model.calibrated(to: level).weightDeviation, found, relative: 1e-9)
    guard
      let signal = try? {
        model.weightDeviation = found
        return try model.signal()
      }()
    else {
      #expect(level == 50 && activation != .tanh)
      return
    }
    expectClose(signal.scaledCumulant, level, relative: 1e-9)
  }

  /// c of ReLU and the like is known where the signal is not.
  @Test func homogeneousActivationsNeedNoSignal() throws {
    var relu = model(.relu, depth: 1000)
    relu.skipWeight = 2
    expectClose(try relu.calibrated(to: 0.5).weightDeviation, 2, relative: 1e-14)
    relu.blockFactors = (0..<1000).map { Double($0 % 2) }
    relu.skipWeight = 0.9
    relu.branch = .twoLayer(firstVariance: 2)
    relu.paddingFactor = 0.8
    relu.weightDeviation = try relu.calibrated(to: 0.5).weightDeviation
    expectClose(try relu.signal().scaledCumulant, 0.5, relative: 1e-13)
    relu.blockFactors = [Double](repeating: 0, count: 1000)
    #expect(throws: TheoryError.self) { try relu.calibrated(to: 0.5) }
  }

  @Test func theSkipWeightIsBlamedWhereItOverflows() throws {
    for activation in [Activation.tanh, .silu, .relu] {
      var model = model(activation, depth: 1000)
      model.skipWeight = 2
      let error = #expect(throws: TheoryError.self) { try model.signal() }
      #expect("\(error.map { "\($0)" } ?? "")".hasPrefix("the skip weight is 2"))
      guard activation != .relu else { continue }
      let other = #expect(throws: TheoryError.self) { try model.calibrated(to: 0.5) }
      #expect("\(other.map { "\($0)" } ?? "")".hasPrefix("the skip weight is 2"))
    }
    var large = model(.relu, depth: 1000)
    large.weightDeviation = 1e3
    let error = #expect(throws: TheoryError.self) { try large.signal() }
    #expect("\(error.map { "\($0)" } ?? "")".hasPrefix("σ_w is 1000"))
  }

  // MARK: finite depth

  @Test func linearMomentsAreExact() throws {
    let moments = try LinearResidualNetwork.moments(variances: [0.5, 0.5, 0.5], count: 3)
    expectClose(moments[0], 3.375, relative: 1e-14)
    expectClose(moments[1], 30.375, relative: 1e-13)
    expectClose(moments[2], 367.34766, relative: 0, absolute: 5e-6)
    // One block with a = 1: m₂ = 1 + 4s + 2s².
    let one = try LinearResidualNetwork.moments(variances: [0.3], count: 2)
    expectClose(one[1], 1 + 4 * 0.3 + 2 * 0.09, relative: 1e-14)
    // Many blocks: the universal law.
    let deep = try LinearResidualNetwork.moments(
      variances: [Double](repeating: 0.5 / 1e5, count: 100_000), count: 4)
    let law = try UniversalLaw(cumulant: 0.5)
    for k in 1...4 {
      expectClose(deep[k - 1], try law.moment(Double(k)), relative: 1e-4)
    }
    // Skip weights only scale.
    let scaled = try LinearResidualNetwork.moments(
      variances: [0.5, 0.1], skipWeight: 0.9, count: 3)
    let plain = try LinearResidualNetwork.moments(variances: [0.5 / 0.81, 0.1 / 0.81], count: 3)
    for k in 1...3 {
      expectClose(scaled[k - 1], plain[k - 1] * Double.pow(0.81, 2 * k), relative: 1e-13)
    }
  }

  @Test func meanAndRelativeVarianceAreThoseOfTheLinearNetwork() throws {
    var model = model(.linear, depth: 3)
    model.weightDeviation = 1.5.squareRoot()
    model.blockFactors = [1, 0.5, 2]
    for skipWeight in [1, 0.8] {
      model.skipWeight = skipWeight
      let signal = try model.signal()
      let moments = try LinearResidualNetwork.moments(
        variances: [0.5, 0.125, 2], skipWeight: skipWeight, count: 2)
      expectClose(Double.exp(signal.logMeanLambda), moments[0], relative: 1e-13)
      expectClose(
        signal.relativeVariance, moments[1] / (moments[0] * moments[0]) - 1, relative: 1e-12)
    }
  }

  @Test func twoLayerBranchesAndPadding() throws {
    // He's first layer, and c/L for the second: c for a ReLU.
    var model = model(.relu, depth: 40)
    model.branch = .twoLayer(firstVariance: 2)
    expectClose(try model.calibrated(to: 0.5).weightDeviation, 0.5.squareRoot(), relative: 1e-12)
    model.weightDeviation = 0.5.squareRoot()
    expectClose(try model.signal().cumulant, 0.5, relative: 1e-13)
    model.paddingFactor = try ZeroPadding.factor(kernel: 3, height: 6, width: 6)
    expectClose(model.paddingFactor, 0.7901234567901234, relative: 1e-15)
    // Two convolutions.
    expectClose(
      try model.signal().cumulant, 0.5 * model.paddingFactor * model.paddingFactor,
      relative: 1e-13)
    #expect(try ZeroPadding.factor(kernel: 1, height: 5, width: 9) == 1)
    expectClose(
      try ZeroPadding.factor(kernel: 3, height: 32, width: 32), 0.959, relative: 0, absolute: 5e-4)
    for (kernel, height) in [(3, 1), (5, 1), (5, 2), (5, 4), (7, 3), (9, 20)] {
      let reach = kernel / 2
      let taps = (0..<height).map { pixel in
        (-reach...reach).count { (0..<height).contains(pixel + $0) }
      }
      let share = Double(taps.reduce(0, +)) / Double(kernel * height)
      expectClose(
        try ZeroPadding.factor(kernel: kernel, height: height, width: 100_000_000), share,
        relative: 1e-6, "\(kernel) on \(height)")
    }
  }

  // MARK: sampling

  /// Samples h ~ N(0, q) with q from the sampled signal itself, which needs no matrices.
  @Test func theRecursionIsWhatSamplingGives() throws {
    let width = 2000
    let runs = 60
    var model = ResidualModel(
      activation: ActivationFunction(.softplus), depth: 12, weightDeviation: 1.3)
    model.biasDeviation = 0.2
    model.skipWeight = 0.98
    model.inputMean = 0.4
    var random = RandomStream(seed: 1, stream: 2)
    var squares: [Double] = []
    var means: [Double] = []
    for _ in 0..<runs {
      // Mean 0.4 and mean square 1.
      var x = (0..<width).map { 0.4 + ($0 % 2 == 0 ? 1 : -1) * 0.84.squareRoot() }
      for _ in 0..<model.depth {
        let meanSquare = x.reduce(0) { $0 + $1 * $1 } / Double(width)
        let q = 1.69 / 12 * meanSquare + 0.04
        for index in x.indices {
          x[index] =
            0.98 * x[index] + model.activation.value(q.squareRoot() * random.normal())
        }
      }
      squares.append(x.reduce(0) { $0 + $1 * $1 } / Double(width))
      means.append(x.reduce(0, +) / Double(width))
    }
    let last = try #require(try model.signal().layers.last)
    for (samples, expected) in [(squares, last.meanSquare), (means, last.mean)] {
      let mean = samples.reduce(0, +) / Double(runs)
      let variance = samples.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(runs - 1)
      #expect(abs(mean - expected) < 4 * (variance / Double(runs)).squareRoot())
    }
  }

  // MARK: bad input

  @Test func parametersOutsideOfTheDomainAreRefused() throws {
    let changes: [(inout ResidualModel) -> Void] = [
      { $0.depth = 0 }, { $0.depth = 10_001 }, { $0.weightDeviation = 0 },
      { $0.weightDeviation = .nan }, { $0.biasDeviation = -1 }, { $0.skipWeight = 0 },
      { $0.skipWeight = .infinity }, { $0.skipWeight = 1e-160 }, { $0.skipWeight = 1e160 },
      { ($0.skipWeight, $0.weightDeviation) = (1e-150, 1e10) }, { $0.inputMeanSquare = -1 },
      { $0.inputMean = 2 },
      { $0.inputMeanSquare = 0 }, { $0.paddingFactor = 0 }, { $0.paddingFactor = 1.1 },
      { $0.branch = .twoLayer(firstVariance: 0) }, { $0.blockFactors = [1] },
      { $0.blockFactors = [1, 1, 1, -1] },
    ]
    for change in changes {
      var model = model(.tanh, depth: 4)
      change(&model)
      #expect(throws: TheoryError.self) { try model.signal() }
    }
    for level in [0, -1, .nan, .infinity, 1e-13, 301] {
      #expect(throws: TheoryError.self) { try model(.tanh, depth: 4).calibrated(to: level) }
    }
    #expect(throws: TheoryError.self) {
      try ZeroPadding.factor(kernel: 2, height: 5, width: 5)
    }
    #expect(throws: TheoryError.self) {
      try ZeroPadding.factor(kernel: 3, height: 0, width: 5)
    }
    #expect(throws: TheoryError.self) {
      try LinearResidualNetwork.moments(variances: [-1], count: 2)
    }
  }

  @Test func aLevelThatCannotBeReachedIsSaid() throws {
    let flat = ActivationFunction(name: "constant", value: { _ in 1 }, slope: { _ in 0 })
    let model = ResidualModel(activation: flat, depth: 3, weightDeviation: 1)
    #expect(throws: TheoryError.self) { try model.calibrated(to: 0.5) }
    do {
      _ = try model.calibrated(to: 0.5)
    } catch TheoryError.noSolution(let unknown, let reason) {
      #expect(unknown == "σ_w" && reason.contains("constant"))
    }
  }
}
