import ComplexModule
import IsometryCore
import RealModule
import Testing

@testable import IsometryTheory

/// Laws of plain networks at the borders of what Double resolves.
@Suite struct SlopeExtremesTests {
  @Test(arguments: [1.0, -1])
  func aSlopeOfSizeOneIsLinear(slope: Double) throws {
    let function = ActivationFunction(.leakyReLU(slope: slope))
    let point = try function.plainNetworkLaw(variance: 0.05, weights: .orthogonal, depth: 20)
    #expect(point.atoms == [SpectralAtom(lambda: 1, mass: 1)])
    #expect(point.massAtLargest == 1 && point.logLargest == 0)
    let gaussian = try function.plainNetworkLaw(variance: 0.05, weights: .gaussian, depth: 20)
    #expect(gaussian is GaussianLaw)
  }

  @Test func aUsersLinearMapIsAPointMass() throws {
    let function = ActivationFunction(name: "−3x", value: { -3 * $0 }, slope: { _ in -3 })
    for depth in [1, 20, 10_000] {
      let law = try SmoothSlopeLaw(
        function, variance: 0.7, weights: .orthogonal, depth: depth, slope: 0.999)
      let t = Double(depth) * Double.log(0.999)
      #expect(law.atoms == [SpectralAtom(lambda: .exp(t), mass: 1)])
      #expect(law.logSupport == t...t && law.massAtLargest == 1)
      #expect(law.survival(atLog: t - 1e-6) == 1 && law.survival(atLog: t) == 0)
      #expect(law.logDensity(atLog: t) == 0 && law.curve(count: 10).isEmpty)
    }
    let law = try SmoothSlopeLaw(function, variance: 0.7, weights: .gaussian, depth: 5)
    let closed = try GaussianLaw(openProbability: OpenProbability(1), depth: 5)
    for t in [-4.0, -1, 0.5, 2] {
      expectClose(law.logDensity(atLog: t), closed.logDensity(atLog: t), relative: 1e-9)
    }
  }

  /// Smooth slopes saturate to rounding at large variances, but are no numbers there.
  @Test(arguments: [(Activation.gelu, 1e4), (.silu, 3000), (.softplus, 1e4), (.gelu, 1e8)])
  func saturatedSlopesAreNoAtoms(activation: Activation, variance q: Double) throws {
    let law = try SmoothSlopeLaw(
      ActivationFunction(activation), variance: q, weights: .orthogonal, depth: 1)
    #expect(law.massAtLargest == 0)
    #expect(law.atoms.allSatisfy { !$0.isExact })
  }

  @Test func atomsAtTheTopAreThoseOfConstantSlopes() throws {
    let elu = try SmoothSlopeLaw(
      ActivationFunction(.elu(alpha: 1)), variance: 1, weights: .orthogonal, depth: 1)
    expectClose(elu.massAtLargest, 0.5, relative: 1e-13)
    // α > 1: slopes left of 0 exceed the constant one.
    let steep = try SmoothSlopeLaw(
      ActivationFunction(.elu(alpha: 2)), variance: 1, weights: .orthogonal, depth: 1)
    #expect(steep.massAtLargest == 0)
    #expect(steep.atoms.map(\.isExact) == [true])
  }

  @Test(arguments: WeightLaw.allCases)
  func variancesBeyondDoubleAreRefused(weights: WeightLaw) throws {
    for activation in [Activation.tanh, .gelu, .unitErf, .hardTanh, .selu] {
      let function = ActivationFunction(activation)
      for q in [1e12, 1e25, 1e100, 1e300, 1e-13, 1e-300, 0, -1, .nan, .infinity] {
        for depth in [1, 2, 10] {
          #expect(throws: TheoryError.self, "\(activation.name) at \(q)") {
            try function.plainNetworkLaw(variance: q, weights: weights, depth: depth)
          }
          #expect(throws: TheoryError.self, "\(activation.name) at \(q)") {
            try SmoothSlopeLaw(function, variance: q, weights: weights, depth: depth)
          }
        }
      }
      for q in [1e-12, 1e8] {
        let law = try function.plainNetworkLaw(variance: q, weights: weights, depth: 10)
        #expect(law.curve(count: 50).allSatisfy { $0.logDensity.isFinite && $0.survival.isFinite })
      }
    }
    // The slopes of homogeneous activations have one law.
    let leaky = ActivationFunction(.leakyReLU(slope: 0.3))
    let tiny = try leaky.plainNetworkLaw(variance: 1e-300, weights: weights, depth: 4)
    let huge = try leaky.plainNetworkLaw(variance: 1e300, weights: weights, depth: 4)
    #expect(tiny.logSupport == huge.logSupport)
    #expect(tiny.logDensity(atLog: -0.5) == huge.logDensity(atLog: -0.5))
  }

  @Test func lawsThatReachZeroSaySo() throws {
    func law(_ activation: Activation, _ weights: WeightLaw, _ depth: Int) throws -> Bool {
      try ActivationFunction(activation).plainNetworkLaw(
        variance: 0.5, weights: weights, depth: depth
      ).reachesZero
    }
    #expect(try law(.tanh, .gaussian, 1) && law(.tanh, .gaussian, 10))
    #expect(try law(.tanh, .orthogonal, 10) && law(.gelu, .orthogonal, 3))
    #expect(try law(.leakyReLU(slope: 0.5), .gaussian, 2))
    #expect(try !law(.leakyReLU(slope: 0.5), .orthogonal, 4))
    #expect(try law(.relu, .gaussian, 5))
    #expect(try !law(.relu, .gaussian, 1))
    let arctan = ActivationFunction(
      name: "arctan", value: { .atan($0) }, slope: { 1 / (1 + $0 * $0) })
    #expect(
      try SmoothSlopeLaw(arctan, variance: 1, weights: .orthogonal, depth: 2).reachesZero)
    let bent = ActivationFunction(
      name: "x + tanh x", value: { $0 + .tanh($0) },
      slope: { 2 - .tanh($0) * .tanh($0) })
    #expect(try !SmoothSlopeLaw(bent, variance: 1, weights: .orthogonal, depth: 2).reachesZero)
  }

  /// Also where next to no mass is left the density is accurate relative to itself: against the curve
  /// solved for at these points alone.
  @Test(arguments: [
    (Activation.silu, 1.0, 20, WeightLaw.orthogonal), (.silu, 1, 20, .gaussian),
    (.tanh, 0.5, 10, .orthogonal), (.selu, 1, 20, .orthogonal), (.gelu, 4, 5, .gaussian),
  ])
  func tailsKeepTheirDigits(
    activation: Activation, variance q: Double, depth: Int, weights: WeightLaw
  ) throws {
    let law = try SmoothSlopeLaw(
      ActivationFunction(activation), variance: q, weights: weights, depth: depth)
    let curve = SmoothSlopeCurve(
      slopes: SlopeDistribution(ActivationFunction(activation), variance: q), weights: weights,
      depth: depth, relativeVariance: law.relativeVariance)
    let radii = curve.support()
    var checked = 0
    for index in 1..<2000 {
      let share = Double(index) / 2000
      // Quadratic at both ends, where the tails are.
      let sine = Double.sin(.pi / 2 * share)
      let solved = curve.solve(
        logRadius: radii.lowerBound + (radii.upperBound - radii.lowerBound) * sine * sine)
      let density = -solved.transform.w.imaginary / .pi
      guard density > 1e-8, density < 1e-2 else { continue }
      checked += 1
      expectClose(
        law.logDensity(atLog: curve.logLambda(solved)), density, relative: 1e-8,
        "\(activation.name), \(weights): f = \(density) at \(curve.logLambda(solved))")
    }
    #expect(checked > 5)
  }
}
