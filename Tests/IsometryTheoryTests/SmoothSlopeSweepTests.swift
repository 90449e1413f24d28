import IsometryCore
import IsometryTheory
import RealModule
import Testing

/// The law of plain networks with any slopes over its whole domain: it is finite everywhere, its
/// survival function falls from 1 to 0, and its density integrates to its mass.
@Suite struct SmoothSlopeSweepTests {
  static let activations: [Activation] = [
    .tanh, .erf, .unitErf, .sigmoid, .gelu, .silu, .elu(alpha: 1), .selu, .softplus,
    .leakyReLU(slope: 0.1),
  ]

  @Test(arguments: activations, WeightLaw.allCases)
  func wholeDomain(activation: Activation, weights: WeightLaw) throws {
    for q in [1e-8, 1e-4, 0.05, 1, 100, 1e4] {
      for depth in [1, 2, 10, 100, 10_000] { try check(activation, q, weights, depth) }
    }
  }

  private func check(
    _ activation: Activation, _ q: Double, _ weights: WeightLaw, _ depth: Int
  ) throws {
    let name = "\(activation.name), q = \(q), L = \(depth), \(weights)"
    let law = try SmoothSlopeLaw(
      ActivationFunction(activation), variance: q, weights: weights, depth: depth)
    let points = law.curve(count: 400)
    let zero = law.atoms.filter { $0.lambda == 0 }.map(\.mass).reduce(0, +)
    let others = law.atoms.filter { $0.lambda > 0 }
    let lowest = law.logSupport.lowerBound
    #expect(
      abs(law.survival(atLog: lowest - 1e-9 * max(1, abs(lowest))) - (1 - zero)) < 1e-12, "\(name)")
    // The slope of leaky ReLU alone is two atoms.
    guard let first = points.first, let last = points.last, law.hasContinuousPart else { return }
    /// The mass of atoms above a point; where one is there itself, rounding decides.
    func atoms(above t: Double) -> Double {
      let slack = 1e-12 * max(1, abs(t))
      return others.filter { Double.log($0.lambda) > t + slack }.map(\.mass).reduce(0, +)
    }
    let missing =
      1 - zero - first.survival - (atoms(above: -1e300) - atoms(above: first.logLambda))
    #expect(missing < 2e-4, "\(name)")
    #expect(abs(last.survival - atoms(above: last.logLambda)) < 1e-8, "\(name): \(last.survival)")
    // The slope alone has poles inside of its law where it falls and rises, and where it saturates.
    let isOneLayer = weights == .orthogonal && depth == 1
    if isOneLayer, [.gelu, .silu, .softplus].contains(activation) { return }
    // So has the law where an atom of mass 1/2 has just vanished: of its last strip, log λ has few digits.
    let hasPole =
      weights == .orthogonal && depth == 2
      && [.elu(alpha: 1), .selu, .leakyReLU(slope: 0.1)].contains(activation)
    var mass = 0.0
    for (low, high) in zip(points, points.dropFirst()) {
      #expect(low.logLambda <= high.logLambda, "\(name)")
      #expect(low.survival >= high.survival - 1e-11, "\(name)")
      let width = high.logLambda - low.logLambda
      guard width > 1e-13 * abs(low.logLambda) else {
        mass += low.survival - high.survival
        continue
      }
      // At both ends the density may have a square root or the inverse of one.
      mass += GaussLegendre.points16.integrate(from: 0, to: .pi / 2) { angle in
        let sine = Double.sin(angle)
        return 2 * width * sine * .cos(angle)
          * law.logDensity(atLog: low.logLambda + width * sine * sine)
      }
    }
    // Written so that NaN fails.
    let expected = 1 - zero - missing - atoms(above: -1e300)
    #expect(
      abs(mass - expected) < (hasPole ? 1e-5 : 1e-8), "\(name): \(mass), expected \(expected)")
  }
}

extension SmoothSlopeLaw {
  fileprivate var hasContinuousPart: Bool {
    weights == .gaussian || depth > 1 || curve(count: 9).contains { $0.logDensity > 0 }
  }
}
