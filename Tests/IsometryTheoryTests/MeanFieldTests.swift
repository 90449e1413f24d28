import IsometryCore
import IsometryTheory
import RealModule
import Testing

/// The critical line of plain networks (docs/theory.md, paper P).
@Suite struct MeanFieldTests {
  private func function(_ activation: Activation) -> ActivationFunction {
    ActivationFunction(activation)
  }

  /// σ_w², σ_b² and the relative variance per layer, from the design's table of §2.1.
  @Test(arguments: [
    (Activation.hardTanh, 0.05, 1.000007744, 3.556973e-7, 7.744276e-6),
    (.hardTanh, 0.25, 1.047669226, 8.895448e-3, 4.766923e-2),
    (.hardTanh, 1, 1.464794773, 2.440801e-1, 4.647948e-1),
    (.tanh, 1 / 64.0, 1.030557511, 4.651333e-6, 1.689370e-3),
    (.tanh, 0.05, 1.093627314, 1.282966e-4, 1.331982e-2),
    (.tanh, 0.25, 1.393961628, 8.125154e-3, 1.369767e-1),
    (.tanh, 1, 2.153302649, 1.509646e-1, 5.834799e-1),
    (.unitErf, 1 / 64.0, 1.024249669, 2.989629e-6, 1.096479e-3),
    (.unitErf, 0.1, 1.146367858, 6.188931e-4, 2.986030e-2),
    (.unitErf, 1, 2.035090331, 1.483607e-1, 5.346407e-1),
  ])
  func table(
    _ activation: Activation, _ q: Double, _ weight: Double, _ bias: Double, _ spread: Double
  ) throws {
    let point = try function(activation).criticalPoint(variance: q)
    expectClose(point.weightVariance, weight, relative: 1e-9)
    expectClose(point.biasVariance, bias, relative: 5e-7)
    expectClose(point.relativeVariancePerLayer, spread, relative: 5e-7)
  }

  /// σ_b² for small and large q, from mpmath with 40 digits.
  @Test func biasKeepsItsDigits() throws {
    // tanh: (4/3)q³; GELU: q²/(2π(1 + 2q)^{3/2}) over Eφ′².
    let small = try function(.tanh).criticalPoint(variance: 1e-8)
    expectClose(small.biasVariance, 4 / 3.0 * 1e-24, relative: 1e-6)
    expectClose(small.relativeVariancePerLayer, 8e-16, relative: 1e-6)
    let unit = try function(.unitErf).criticalPoint(variance: 1e-8)
    expectClose(unit.relativeVariancePerLayer, .pi * .pi / 2 * 1e-16, relative: 1e-6)
    for activation in [Activation.elu(alpha: 1), .silu, .gelu] {
      let point = try function(activation).criticalPoint(variance: 1e-8)
      #expect(point.biasVariance > 0 && point.biasVariance < 1e-15)
    }
  }

  /// The point is a fixed point with χ = 1, and its deficit agrees with the difference where that has
  /// digits.
  @Test(arguments: Activation.allNamed)
  func criticalPointsAreFixedPoints(_ activation: Activation) throws {
    let function = function(activation)
    var own = 0
    for q in [1e-8, 1e-4, 0.02, 0.3, 0.99, 1.01, 5, 80, 1e4] {
      guard let point = try? function.criticalPoint(variance: q) else { continue }
      own += 1
      let chi = try function.slope(variance: q, weightVariance: point.weightVariance)
      expectClose(chi, 1, relative: 1e-14)
      let next = try function.lengthMap(
        variance: q, weightVariance: point.weightVariance, biasVariance: point.biasVariance)
      expectClose(next, q, relative: 1e-12, "\(activation.name) at \(q)")
      let difference = q - point.weightVariance * (try function.moments(variance: q).meanSquare)
      expectClose(
        point.biasVariance, difference, relative: 1e-9, absolute: 1e-12 * q,
        "\(activation.name) at \(q)")
      let moments = try function.moments(variance: q)
      let spread = moments.slopeFourth / (moments.slopeSquare * moments.slopeSquare) - 1
      expectClose(
        point.relativeVariancePerLayer, spread, relative: 1e-9, absolute: 1e-12,
        "\(activation.name) at \(q)")
    }
    switch activation {
    case .softplus: #expect(own == 0)
    case .sigmoid: #expect(own < 9)
    default: #expect(own == 9)
    }
  }

  @Test func aUsersOwnActivationHasACriticalPoint() throws {
    let builtIn = ActivationFunction(.tanh)
    let own = ActivationFunction(name: "own", value: builtIn.value, slope: builtIn.slope)
    for q in [0.1, 2] {
      let expected = try builtIn.criticalPoint(variance: q)
      let point = try own.criticalPoint(variance: q)
      expectClose(point.biasVariance, expected.biasVariance, relative: 1e-10)
      expectClose(
        point.relativeVariancePerLayer, expected.relativeVariancePerLayer, relative: 1e-10)
    }
  }

  /// The table of §2.5.
  @Test(arguments: [
    (Activation.hardTanh, 10, 0.1, 0.1503166, 1.0049876, 3.499247e-2),
    (.hardTanh, 200, 0.1, 0.0825314, 1.0002500, 6.022217e-3),
    (.tanh, 10, 0.1, 0.0421662, 1.0390843, 8.934951e-3),
    (.tanh, 200, 0.1, 0.0082241, 1.0080930, 8.407411e-4),
    (.unitErf, 50, 0.1, 0.0214565, 1.0164420, 2.758006e-3),
    (.tanh, 50, 1, 0.0641298, 1.0574384, 1.593984e-2),
  ])
  func level(
    _ activation: Activation, _ depth: Int, _ level: Double, _ q: Double, _ weight: Double,
    _ bias: Double
  ) throws {
    let point = try function(activation).criticalPoint(depth: depth, level: level)
    #expect(abs(point.variance - q) < 1e-7)
    #expect(abs(point.weightVariance.squareRoot() - weight) < 1e-7)
    expectClose(point.biasVariance.squareRoot(), bias, relative: 1e-6)
  }

  @Test func fixedPoints() throws {
    let tanh = function(.tanh)
    let point = try tanh.criticalPoint(variance: 0.25)
    let found = try tanh.fixedPoint(
      weightVariance: point.weightVariance, biasVariance: point.biasVariance)
    expectClose(found, 0.25, relative: 1e-9)
    #expect(try tanh.fixedPoint(weightVariance: 0.5, biasVariance: 0) == 0)
    #expect(try function(.relu).fixedPoint(weightVariance: 2, biasVariance: 0, from: 3) == 3)
    #expect(throws: TheoryError.self) {
      try function(.relu).fixedPoint(weightVariance: 3, biasVariance: 0.1)
    }
    #expect(throws: TheoryError.self) {
      try tanh.fixedPoint(weightVariance: 1, biasVariance: -0.1)
    }
  }

  @Test func impossibleWishes() {
    #expect(throws: TheoryError.self) { try function(.softplus).criticalPoint(variance: 1) }
    #expect(throws: TheoryError.self) { try function(.tanh).criticalPoint(variance: 0) }
    #expect(throws: TheoryError.self) { try function(.relu).criticalPoint(depth: 10, level: 0.1) }
    #expect(throws: TheoryError.self) { try function(.linear).criticalPoint(depth: 5, level: 0.1) }
    #expect(throws: TheoryError.self) { try function(.tanh).criticalPoint(depth: 0, level: 1) }
    #expect(throws: TheoryError.self) {
      try function(.tanh).criticalPoint(depth: 1_000_001, level: 1)
    }
  }

  /// What an error tells to change is what was given.
  @Test func adviceIsAboutTheWish() {
    func advice(_ activation: Activation, depth: Int, level: Double) -> String {
      do {
        return "\(try function(activation).criticalPoint(depth: depth, level: level))"
      } catch {
        return "\(error)"
      }
    }
    #expect(advice(.relu, depth: 50, level: 50).contains("at every q; choose any q"))
    #expect(
      advice(.leakyReLU(slope: 0.5), depth: 3, level: 1.08).contains("at every q; choose any q"))
    let sigmoid = advice(.sigmoid, depth: 20, level: 10)
    #expect(sigmoid.contains("take a larger level") && !sigmoid.contains("take a larger q"))
    let softplus = advice(.softplus, depth: 20, level: 1)
    #expect(softplus.hasSuffix("take another activation"))
  }

  @Test func numbersBeyondDoubleAreRefused() {
    for (activation, q) in [
      (Activation.gelu, 1e200), (.unitErf, 1e300), (.tanh, 1e-120), (.erf, 1e160),
      (.relu, .infinity),
    ] {
      #expect(throws: TheoryError.self) { try function(activation).criticalPoint(variance: q) }
    }
    for activation in Activation.allNamed {
      for q in [1e-100, 1e-30, 1e30, 1e100] {
        guard let point = try? function(activation).criticalPoint(variance: q) else {
          #expect(activation == .softplus || activation == .sigmoid, "\(activation.name) at \(q)")
          continue
        }
        #expect(
          point.biasVariance.isFinite && point.weightVariance.isFinite
            && point.relativeVariancePerLayer.isFinite)
      }
    }
    #expect(throws: TheoryError.self) {
      try function(.unitErf).relativeSlopeVariance(variance: 1e300)
    }
  }

  /// The spread of SELU's and GELU's slopes falls with q before it rises, or the other way: the
  /// largest q at a level is meant.
  @Test func theLargestVarianceOfALevelIsFound() throws {
    for (activation, level, range) in [
      (Activation.selu, 0.2, 0.1...0.3), (.gelu, 1.05, 4.0...10),
    ] {
      let point = try function(activation).criticalPoint(depth: 1, level: level)
      #expect(range.contains(point.variance), "\(activation.name): \(point.variance)")
      #expect(abs(point.relativeVariancePerLayer - level) < 1e-9)
    }
  }
}
