import IsometryCore
import IsometryTheory
import RealModule
import Testing

/// The numerical law of plain networks with any slopes, and its limits for large depth.
@Suite struct SmoothSlopeLawTests {
  @Test(arguments: WeightLaw.allCases, [2, 7, 1000])
  func slopesOfZeroAndOneGiveTheClosedForm(weights: WeightLaw, depth: Int) throws {
    for activation in [Activation.relu, .hardTanh] {
      let function = ActivationFunction(activation)
      let law = try SmoothSlopeLaw(function, variance: 1, weights: weights, depth: depth)
      let closed = try function.plainNetworkLaw(variance: 1, weights: weights, depth: depth)
      for point in closed.curve(count: 12).dropLast() {
        let t = point.logLambda
        #expect(abs(law.logDensity(atLog: t) - closed.logDensity(atLog: t)) < 1e-11)
        #expect(abs(law.survival(atLog: t) - point.survival) < 1e-11)
      }
    }
  }

  /// Mass, mean and variance of λ from the curve.
  @Test(arguments: WeightLaw.allCases)
  func massAndMoments(weights: WeightLaw) throws {
    for (activation, q, depth) in [
      (Activation.tanh, 0.05, 30), (.unitErf, 0.25, 4), (.selu, 1, 3), (.gelu, 0.5, 5),
      (.tanh, 1e-8, 10), (.softplus, 2, 8),
    ] {
      let law = try SmoothSlopeLaw(
        ActivationFunction(activation), variance: q, weights: weights, depth: depth)
      let points = law.curve(count: 1500)
      var (mass, mean, square) = (0.0, 0.0, 0.0)
      for (low, high) in zip(points, points.dropFirst()) {
        #expect(high.logLambda >= low.logLambda - 1e-12)
        #expect(high.survival <= low.survival + 1e-9)
        let width = high.logLambda - low.logLambda
        mass += width * (low.logDensity + high.logDensity) / 2
        let middle = Double.exp((low.logLambda + high.logLambda) / 2)
        mean += (low.survival - high.survival) * middle
        square += (low.survival - high.survival) * middle * middle
      }
      let name = "\(activation.name), \(weights), q = \(q), L = \(depth)"
      let below = points[0].survival - points[points.count - 1].survival
      #expect(below > 0.9998, "\(name)")
      expectClose(mass, below, relative: 3e-4, name)
      expectClose(mean, 1, relative: 2e-3, name)
      expectClose(square - below, law.relativeVariance, relative: 0.02, absolute: 2e-5, name)
    }
  }

  /// One layer: the squared slope's own law.
  @Test func oneOrthogonalLayer() throws {
    let law = try SmoothSlopeLaw(
      ActivationFunction(.unitErf), variance: 0.5, weights: .orthogonal, depth: 1)
    // λ = e^{−πh²/2}·√(1 + π/2), h ~ N(0, 1/2).
    let logMean = -0.5 * Double.log(1 + .pi / 2)
    for z in [0.2, 1, 2.5] {
      let t = -.pi / 4 * z * z - logMean
      expectClose(law.survival(atLog: t), .erf(z / 2.0.squareRoot()), relative: 1e-11)
      let density = 2 * SpecialFunctions.normalDensity(z) / (.pi / 2 * z)
      expectClose(law.logDensity(atLog: t), density, relative: 1e-9)
    }
    let leaky = try SmoothSlopeLaw(
      ActivationFunction(.leakyReLU(slope: 0.5)), variance: 1, weights: .orthogonal, depth: 1)
    #expect(leaky.atoms.count == 2)
    expectClose(leaky.atoms[1].lambda, 1 / 0.625, relative: 1e-14)
    expectClose(leaky.atoms[1].mass, 0.5, relative: 1e-14)
    #expect(leaky.curve(count: 10).allSatisfy { $0.logDensity == 0 })
  }

  /// A slope that only becomes too small for Double is not 0, neither an activation's of the package
  /// nor a user's.
  @Test(arguments: [1, 100, 1e3, 1e4])
  func tailsAreNoAtoms(variance q: Double) throws {
    let own = ActivationFunction(
      name: "own gelu", value: { Activation.gelu($0) }, slope: { Activation.gelu.derivative($0) })
    for function in [
      ActivationFunction(.gelu), ActivationFunction(.silu), ActivationFunction(.tanh), own,
    ] {
      for weights in WeightLaw.allCases {
        let law = try SmoothSlopeLaw(function, variance: q, weights: weights, depth: 3)
        #expect(law.atoms.isEmpty, "\(function.name): \(law.atoms)")
        #expect(law.survival(atLog: law.logSupport.lowerBound.nextDown) == 1)
      }
    }
    guard q >= 100 else { return }
    // One layer is the slope itself: log φ′² of a far tail is −q·z², less what grows like a logarithm.
    let layer = try SmoothSlopeLaw(
      ActivationFunction(.gelu), variance: q, weights: .orthogonal, depth: 1)
    let logMean = Double.log(try ActivationFunction(.gelu).moments(variance: q).slopeSquare)
    let x = -3 * q.squareRoot()
    let slope = -x * x - .log(2 * .pi) + 2 * .log(-x - millsRatio(-x)) - logMean
    expectClose(1 - layer.survival(atLog: slope), SpecialFunctions.normalCDF(-3), relative: 1e-9)
  }

  private func millsRatio(_ x: Double) -> Double {
    (Double.pi / 2).squareRoot() * SpecialFunctions.erfcx(x / 2.0.squareRoot())
  }

  /// Intervals on which a user's slope is 0 are atoms, with and without a jump of the slope.
  @Test func intervalsWithoutSlopeAreAtoms() throws {
    let cases: [(ActivationFunction, mass: Double)] = [
      (
        ActivationFunction(
          name: "relu", kinks: [0], value: { max($0, 0) }, slope: { $0 > 0 ? 1 : 0 }), 0.5
      ),
      (
        ActivationFunction(
          name: "squared relu", kinks: [0], value: { $0 > 0 ? $0 * $0 / 2 : 0 },
          slope: { max($0, 0) }), 0.5
      ),
      (
        ActivationFunction(
          name: "clipped", kinks: [-1, 2], value: { min(max($0, -1), 2) },
          slope: { $0 > -1 && $0 < 2 ? 1 : 0 }),
        SpecialFunctions.normalCDF(-0.5) + SpecialFunctions.normalCDF(-1)
      ),
    ]
    for (function, mass) in cases {
      let law = try SmoothSlopeLaw(function, variance: 4, weights: .gaussian, depth: 4)
      let atom = try #require(law.atoms.first)
      #expect(atom.lambda == 0)
      expectClose(atom.mass, mass, relative: 1e-13, function.name)
    }
    let flat = ActivationFunction(name: "flat", value: { _ in 1 }, slope: { _ in 0 })
    #expect(throws: TheoryError.self) {
      try SmoothSlopeLaw(flat, variance: 1, weights: .gaussian, depth: 4)
    }
  }

  @Test func limits() throws {
    // Smooth: the table of §2.6.
    let smooth = try SmoothLimitLaw(variance: 1)
    expectClose(.exp(smooth.logSupport.lowerBound), 0.07573934, relative: 1e-6)
    expectClose(.exp(smooth.logSupport.upperBound), 4.85717814, relative: 1e-8)
    let point = try ActivationFunction(.tanh).criticalPoint(depth: 1_000_000, level: 1)
    let deep = try SmoothSlopeLaw(
      ActivationFunction(.tanh), variance: point.variance, weights: .orthogonal, depth: 1_000_000)
    let bernoulli = try BernoulliLimitLaw(variance: 0.5)
    let many = try OrthogonalLaw(
      openProbability: OpenProbability(closed: 0.5 / 10_000), depth: 10_000)
    for t in [-2.0, -1, -0.3, 0.4, 1] {
      #expect(abs(deep.survival(atLog: t) - smooth.survival(atLog: t)) < 3e-3)
      #expect(abs(many.survival(atLog: t) - bernoulli.survival(atLog: t)) < 1e-3)
    }
    #expect(bernoulli.atoms.count == 1)
    expectClose(bernoulli.atoms[0].lambda, .exp(0.5), relative: 1e-14)
    for variance in [1e-6, 0.3, 1, 2, 1e4] {
      let law = try BernoulliLimitLaw(variance: variance)
      let points = law.curve(count: 4000)
      let mass = zip(points, points.dropFirst()).reduce(0.0) { sum, pair in
        sum + (pair.1.logLambda - pair.0.logLambda)
          * (pair.0.logDensity + pair.1.logDensity) / 2
      }
      let below = points[0].survival - points[points.count - 1].survival
      // A tail like 1/t² and an edge with a pole at σ₀² = 1 leave the trapezoids some error.
      #expect(abs(mass - below) < 2e-3 * min(1, variance), "σ₀² = \(variance)")
      #expect(below > 0.9998 * min(1, variance))
    }
    #expect(throws: TheoryError.self) { try BernoulliLimitLaw(variance: 0) }
    #expect(throws: TheoryError.self) { try SmoothLimitLaw(variance: -1) }
  }
}
